"""Ground floor: what is watched, and how it is doing."""
