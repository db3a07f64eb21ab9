"""Incidents, maintenance and postmortems: what is published about components."""
