"""How the console spells a probe's verdict, durations and response times."""

from components.outcomes import Outcome
from incidents.generated_text import duration

VERDICTS = {
    Outcome.UP: "Up",
    Outcome.DEGRADED: "Degraded",
    Outcome.DOWN: "Failing",
    Outcome.UNKNOWN: "Unknown",
}


def length(seconds: float) -> str:
    """ "5 min 19 s" below an hour, then as everywhere."""
    whole = max(0, int(seconds))
    if 60 <= whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return duration(whole)


def ms(value: float | None) -> str:
    """ "1,412 ms"; a dash for none."""
    return "–" if value is None else f"{value:,.0f} ms"
