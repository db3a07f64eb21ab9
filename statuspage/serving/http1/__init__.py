"""The web server: HTTP/1.1 for one process, with public documents and event streams answered at once."""
