"""Our own error in a check, as the log may show it: libraries write the values they choke on into it."""

import traceback

from components.probers import redaction


class UnexpectedError(Exception):
    """An error of our own in a check. Its text is that of the first error, without secrets."""


def loggable(error: BaseException, secrets: set[str]) -> BaseException:
    """The error for the log; with secrets at hand, one that keeps the lines of code and hides the values."""
    if not secrets:
        return error
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    lines = (line for link in chain for line in traceback.format_exception_only(link))
    return UnexpectedError(redaction.hidden_in("".join(lines).strip(), secrets)).with_traceback(
        error.__traceback__
    )
