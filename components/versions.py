"""Which version a target names in its good answers, and when it is another one: a deploy, by fact.

A version header says so at once. An ETag is weaker: many change with every answer. It counts once it has
stayed the same, changed, and stayed the same again; one that changes twice in a row is ignored from then on.
"""

from enum import StrEnum

STEADY, CHANGED, IGNORED = "etag:", "etag?", "etag!"


class Change(StrEnum):
    """What one good answer means."""

    NONE = "none"
    VERSION = "version"
    ETAG = "etag"


def follow(last: str, version: str, etag: str) -> tuple[str, Change]:
    """What to remember after an answer that names this version or else this ETag, and what has changed.

    `last` is what was remembered; empty at first, as `version` and `etag` are where none is named.
    """
    if version:
        is_new = bool(last) and not is_etag(last) and version != last
        return version, Change.VERSION if is_new else Change.NONE
    if not etag or last == IGNORED or (last and not is_etag(last)):
        return last, Change.NONE
    if last in ("", STEADY + etag):
        return STEADY + etag, Change.NONE
    if last.startswith(CHANGED):
        is_steady = last == CHANGED + etag
        return (STEADY + etag, Change.ETAG) if is_steady else (IGNORED, Change.NONE)
    return CHANGED + etag, Change.NONE


def is_etag(remembered: str) -> bool:
    """Whether it is no version that an answer named."""
    return remembered.startswith((STEADY, CHANGED, IGNORED))
