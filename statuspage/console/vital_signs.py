"""The health of this program for the console's overview, a line for each part."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from components import loops
from components.models.heartbeat import MAX_AHEAD
from incidents import notification_status
from incidents.generated_text import duration
from statuspage.ops.vital_rows import vital_rows
from statuspage.ops.vitals import UNSENT_S, vitals_of
from statuspage.serving import event_stream
from statuspage.serving.disk_copies import fault_here

ALIVE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Vital:
    """One line about this program itself."""

    name: str
    text: str
    is_well: bool


def system(now: datetime, delivery: notification_status.Health) -> list[Vital]:
    """The health of this program, a line for each part."""
    stored = vital_rows(now)
    checks = vitals_of(stored, delivery.oldest_due_s, now)
    probes = [row for row in stored.probes if not row.is_self_test]
    every, reporting = sum(row.count for row in probes), sum(row.reporting for row in probes)
    workers = [beat.at for beat in stored.beats if beat.role == "worker"]
    alive = sum(-MAX_AHEAD < now - at < ALIVE for at in workers)
    due = checks["probes:oldestDueSlot"]
    lines = [
        _heartbeat_line("Last beat", checks["worker:heartbeat"]),
        Vital("Workers", f"{alive} running", alive > 0),
        Vital("Queue", f"oldest due {_length(due)}", due["status"] == "pass"),
        Vital("Probes reporting", f"{reporting} of {every}", reporting == every),
        _vital("Database", checks["database:responseTime"], "ms"),
        _vital("Broker", checks["broker:responseTime"], "ms"),
        Vital("Copies on disk", fault_here() or "written", not fault_here()),
        Vital(
            "Page",
            checks["copies:rendered"].get("output", "rendered"),
            checks["copies:rendered"]["status"] == "pass",
        ),
        Vital("Live viewers", str(event_stream.viewers()), True),
        *(Vital(*line) for line in delivery.lines),
        Vital("Oldest due message", _waits(delivery.oldest_due_s), delivery.oldest_due_s <= UNSENT_S),
        _heartbeat_line("Message worker", checks["deliveries:heartbeat"]),
        *(
            _heartbeat_line(loop.name.capitalize(), checks[loop.check])
            for role, loop in loops.LOOPS.items()
            if role not in ("worker", "post", "hooks")
        ),
        _heartbeat_line("Self-test noticed", checks["selfTest:lastNoticed"]),
        _heartbeat_line("Hook runner", checks["hooks:heartbeat"]),
    ]
    backup = max((beat.at for beat in stored.beats if beat.role == "backup"), default=None)
    age = f"{duration((now - backup).total_seconds())} ago" if backup else "never reported"
    lines.append(Vital("Last backup", age, backup is None or now - backup < timedelta(days=2)))
    return lines


def _waits(seconds: float) -> str:
    return f"waiting {duration(seconds)}" if seconds >= 1 else "nothing waiting"


def _length(check: dict[str, Any]) -> str:
    """The observed seconds as a duration."""
    value = check.get("observedValue")
    return "?" if value is None else duration(float(value))


def _heartbeat_line(name: str, check: dict[str, Any]) -> Vital:
    """A line with the age of a heartbeat."""
    is_known = check.get("observedValue") is not None
    text = f"{_length(check)} ago" if is_known else str(check.get("output", ""))
    return Vital(name, text, check["status"] == "pass")


def _vital(name: str, check: dict[str, Any], unit: str) -> Vital:
    value = check.get("observedValue")
    text = f"{value} {unit}" if value is not None else str(check.get("output", ""))
    return Vital(name, text, check["status"] == "pass")
