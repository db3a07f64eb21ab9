"""Subscribers in the console, at /console/subscribers/."""
