"""System checks of our settings, each with a hint."""
