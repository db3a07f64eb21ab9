"""Settings that cannot be read at all: every one of them is found, not only the first.

Standard library only, as it runs before the settings. What cannot be read is taken out of the environment,
so that the rest can be looked at with the default in its place.
"""

import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

READ = re.compile(r"""env\.\w+\(\s*['"]([A-Z_]+)['"]""")
NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")
QUOTED = re.compile(r"[“\"'].*?[”\"']")
ALIKE = 0.88  # STREAM_MAX and STREAMS_MAX, not HOST and HOSTNAME
SETTINGS = Path(__file__).resolve().parents[2] / "settings.py"
NOT_OURS = {"TESTS_SHARED", "TESTS_POSTGRES", "TEST_DATABASE"}
FAULTS: list[tuple[str, str]] = []  # what `mend` took out before the settings were read (manage.py)


def known() -> set[str]:
    """The names of all settings."""
    return set(READ.findall(SETTINGS.read_text()))


def mend(read: Callable[[], object]) -> list[tuple[str, str]]:
    """Call `read`, and take out of the environment what makes it fail, until it does not.

    Returns (setting, sentence) for each; the name is empty where none of them is at fault.
    """
    faults: list[tuple[str, str]] = []
    while True:
        try:
            read()
        except Exception as error:
            name = _blamed(str(error)) or _by_trial(read)
            faults.append((name, _sentence(name, error)))
            if not name:
                return faults
            del os.environ[name]
        else:
            return faults


def unknown() -> list[tuple[str, str]]:
    """Variables that look like a setting with a typing error: (name, the setting that may be meant)."""
    names, pairs = known(), []
    for name in sorted(set(os.environ) - names - NOT_OURS):
        close = get_close_matches(name, names, 1, ALIKE)
        pairs += [(name, close[0])] if close else []
    return pairs


def _blamed(sentence: str) -> str:
    """The setting that an error names, if it is set."""
    names = [name for name in NAME.findall(sentence) if name in known() and os.environ.get(name)]
    return names[0] if names else ""


def _by_trial(read: Callable[[], object]) -> str:
    """The setting without which it does not fail, or fails otherwise."""
    before = _error(read)
    for name in sorted(known() & set(os.environ)):
        value = os.environ.pop(name)
        after = _error(read)
        os.environ[name] = value
        if after != before:
            return name
    return ""


def _error(read: Callable[[], object]) -> str:
    try:
        read()
    except Exception as error:
        return f"{type(error).__name__} {error}"
    return ""


def _sentence(name: str, error: Exception) -> str:
    """Its words, without the value: it may be a secret."""
    words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if name and name in words:
        value = os.environ.get(name, "")
        words = words.replace(value, "…") if len(value) > 3 else words
        return f"{words.rstrip('.')}. Its default is used below."
    if name:
        words = f"{name} cannot be read ({type(error).__name__}): see docs/settings.md."
        return f"{words} Its default is used below."
    return f"The settings cannot be read: {type(error).__name__}: {words}"
