"""What every experiment does: ask models, make a corpus of what they said, have it graded, and note how long each stage took."""
