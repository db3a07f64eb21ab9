"""Targets as everyone who reads the console may see them: without logins and queries."""

import re

LOGIN = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?[^/\\]*@")


def without_secrets(text: str) -> str:
    """An address, of the web or `host:port`, without its login and the values of its query."""
    before, question, query = text.partition("#")[0].partition("?")
    names = [name for name, mark, _ in (pair.partition("=") for pair in query.split("&")) if mark]
    shown = "&".join(f"{name}=…" for name in names) or "…"
    return LOGIN.sub(r"\1", before) + (f"?{shown}" if question else "")
