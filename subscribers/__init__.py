"""Subscribers: who is notified, over which channel, and what came of it."""
