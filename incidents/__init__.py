"""Incidents, planned work and postmortems: what is published about the components."""
