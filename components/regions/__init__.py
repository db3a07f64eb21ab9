"""Regions that cannot reach the database: their agent, and what goes between it and the server."""
