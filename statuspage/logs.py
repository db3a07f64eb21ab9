"""One event, one line: what strangers can write into a log cannot forge a line of it."""

import logging

ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 13: "\\r", 9: "\t"}


class LineFormatter(logging.Formatter):
    """Escapes control characters of the message; a traceback below it keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, with what could end or colour it made visible."""
        return super().formatMessage(record).translate(ESCAPES)
