"""Widgetify: a small service of our own that runs out of database connections, for `make demo`."""
