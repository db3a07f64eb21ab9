"""Widgetify: a small service that runs out of database connections, for `make demo`."""
