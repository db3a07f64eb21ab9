"""The public API in the shape Statuspage's clients know (v2)."""
