"""Second floor, west: who is told. Only the door frame stands so far."""
