"""Attack compute and defences: what is put around prompts, and (later) what is done to weights."""
