"""The console, where staff work."""
