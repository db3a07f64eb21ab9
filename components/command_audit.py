"""Lets `manage.py` commands write to the audit log (statuspage.models.audit), which they may not import.

The console gives its views the log as `request.note`; a command has no request.
"""

from typing import Any, Protocol


class Noting(Protocol):
    """`Audit.objects.note` for the shell."""

    def __call__(self, act: str, thing: object = "", *, before: Any = None, after: Any = None) -> object:
        """Write an act down in the open transaction. Raises what the database raises."""
        ...


def _nowhere(act: str, thing: object = "", *, before: Any = None, after: Any = None) -> None:
    """Without `statuspage` there is no log."""


_note: Noting = _nowhere


def kept_by(note: Noting) -> None:
    """Where deeds are written down; said once, at the start, from above."""
    global _note  # noqa: PLW0603 - one house, one log
    _note = note


def note(act: str, thing: object = "", *, before: Any = None, after: Any = None) -> None:
    """Write down what a command did, as the console would: call it in the transaction of the deed itself.

    Then a command that fails half-way leaves neither. Raises what the database raises.
    """
    _note(act, thing, before=before, after=after)
