"""Reads single series out of Prometheus text (0.0.4) and OpenMetrics 1.0.

Only the lines of the wanted names are parsed: a page may hold a hundred thousand others,
and what is odd in those is no concern of ours. Exemplars and timestamps are passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

MAX_LINES = 100_000
MAX_SERIES = 10_000  # of one name
MAX_LINE_BYTES = 8 * 1024
BEFORE_VALUE = (b"{", b" ", b"\t")


class SeriesError(Exception):
    """There is no such series, or it cannot be read. A sentence for staff."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A name, and labels that must be equal; a series may have others beside them."""

    name: str
    labels: Mapping[str, str]

    def __str__(self) -> str:
        if not self.labels:
            return self.name
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        return f"{self.name}{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def selector(text: str) -> Selector:
    """`name{label="x"}`, as it stands in the text itself. Raises ValueError."""
    if "\n" in text or text.lstrip().startswith("#"):
        raise ValueError(text)
    samples = _samples([text.strip() + " 0"])
    if len(samples) != 1 or samples[0][2] != 0:
        raise ValueError(text)
    name, labels, _ = samples[0]
    return Selector(name, labels)


def values(data: bytes, content_type: str, wanted: Sequence[Selector]) -> list[list[float]]:
    """The values of all series that each selector means, in order. Raises SeriesError."""
    if data.count(b"\n") > MAX_LINES:
        raise SeriesError(f"The response has more than {MAX_LINES:,} lines.")
    if data.lstrip()[:1] == b"<":
        raise SeriesError("The response is a web page, not Prometheus text.")
    if "openmetrics" in content_type.lower() and not data.rstrip().endswith(b"# EOF"):
        raise SeriesError("The response was cut: it does not end with # EOF.")
    lines = data.split(b"\n")
    return [_values(lines, each) for each in wanted]


def _values(lines: Sequence[bytes], wanted: Selector) -> list[float]:
    own = _lines_of(lines, wanted.name)
    try:
        samples = [sample for sample in _samples(own) if sample[0] == wanted.name]
    except (ValueError, OverflowError) as error:
        raise SeriesError(f"A line of {wanted.name[:60]} cannot be read.") from error
    if not samples:
        raise SeriesError(f"The response has no series {wanted.name[:60]}.")
    matching = [value for _, labels, value in samples if wanted.labels.items() <= labels.items()]
    if not matching:
        raise SeriesError(f"The response has {wanted.name[:60]}, but not with the labels of {wanted!s:.120}.")
    return matching


def _lines_of(lines: Iterable[bytes], name: str) -> list[str]:
    """The lines of this name: written before its labels or, quoted, as the first of them."""
    bare, quoted = name.encode(), b'"' + name.encode() + b'"'
    own = []
    for line in lines:
        line = line.strip()  # noqa: PLW2901 - the same line
        is_own = line.startswith(bare) and line[len(bare) : len(bare) + 1] in BEFORE_VALUE
        if not is_own and not (line[:1] == b"{" and quoted in line):
            continue
        if len(line) > MAX_LINE_BYTES:
            raise SeriesError(f"A line of {name[:60]} is longer than {MAX_LINE_BYTES:,} bytes.")
        own.append(line.decode("utf-8", "replace"))
        if len(own) > MAX_SERIES:
            raise SeriesError(f"There are more than {MAX_SERIES:,} series {name[:60]}.")
    return own


def _samples(lines: Sequence[str]) -> list[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each. Raises ValueError."""
    families = text_string_to_metric_families("\n".join(lines) + "\n")
    # without its TYPE line each sample keeps the name that stands in the text
    return [
        (sample.name, sample.labels, float(sample.value)) for family in families for sample in family.samples
    ]
