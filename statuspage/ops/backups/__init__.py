"""Backups: a copy of the database is made, verified and put back."""
