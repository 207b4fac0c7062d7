"""Use cases: one function each, given its ports."""
