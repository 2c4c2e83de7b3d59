"""What a row is: the records, the verdicts, the outcome maps; one declaration, everything else derived."""
