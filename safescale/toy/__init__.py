"""A lineage of toy chat models, trained here on an invented world: models for examples and tests, with a known truth."""
