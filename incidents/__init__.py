"""First floor: what we say about it."""
