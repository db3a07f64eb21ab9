"""Components: what is watched, how it is checked, and what status it has."""
