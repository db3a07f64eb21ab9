"""JSON in the answer of a check: the document, and the values that a path leads to."""

import json
from typing import Any

import jsonpath

from components import wire
from components.outcomes import Failure
from components.probers import json_walks
from components.probers.body import Answer


class UnreadableError(Exception):
    """The answer holds nothing to judge, or too much. A sentence for staff."""

    failure = Failure.PROTOCOL


class TooFarError(UnreadableError):
    """The path leads past more values than we look at."""

    failure = Failure.TOO_LARGE


def document(answer: Answer, head: wire.Head) -> Any:
    """The body as JSON. Raises UnreadableError."""
    try:
        try:
            return json.loads(answer.data)
        except UnicodeDecodeError:  # of a charset of its own, or with a letter cut in two
            return json.loads(answer.text(head))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("The response is not JSON.") from error


def values_at(path: Any, value: Any) -> list[Any]:
    """All values that a compiled path (`json_paths.compiled`) leads to. Raises UnreadableError."""
    try:
        return json_walks.walk(path, value)
    except json_walks.TooFar as error:
        most = f"{json_walks.MAX_VALUES:,}"
        raise TooFarError(f"Too large for this JSON path: it leads past more than {most} values.") from error
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise UnreadableError("The JSON path leads through values that are nested too deeply.") from error
