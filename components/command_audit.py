"""Lets `manage.py` commands write to the audit log (statuspage.models.audit), which they may not import.

The console gives its views the log as `request.note`; a command has no request.
"""

from typing import Any, Protocol


class Noting(Protocol):
    """`Audit.objects.note` for the shell."""

    def __call__(self, act: str, thing: object = "", *, before: Any = None, after: Any = None) -> object:
        """Write an audit entry in the open transaction. Raises database errors."""
        ...


def _nowhere(act: str, thing: object = "", *, before: Any = None, after: Any = None) -> None:
    """Discard the entry: until `set_log` is called there is no log."""


_note: Noting = _nowhere


def set_log(note: Noting) -> None:
    """Set the function that writes audit entries. Called once, at startup, by `statuspage`."""
    global _note  # noqa: PLW0603 - one log for the process
    _note = note


def note(act: str, thing: object = "", *, before: Any = None, after: Any = None) -> None:
    """Write an audit entry for a command, as the console does, in the transaction of the change itself.

    So a command that fails half-way leaves neither. Raises database errors.
    """
    _note(act, thing, before=before, after=after)
