"""Second floor, west: who is told, by which way, and what became of it."""
