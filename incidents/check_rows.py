"""What is stored of a check: its times, its verdict, and words and facts where it did not pass."""

from components.checking import Finding
from components.models import Check
from components.outcomes import Outcome, Reading

# Of a check that passed: how far its answer was read, its HTTP version, the number it measured, its own steps
KEPT = ("note", "protocol", "value", "steps")


def row_of(finding: Finding, outcome: Outcome, why: str) -> Check:
    """The row of this finding, judged as `outcome` for the reason `why`. Not saved."""
    reading, claim = finding.reading, finding.claim
    is_well = outcome is Outcome.UP
    return Check(
        probe_id=claim.probe_id,
        slot=claim.slot,
        region=claim.region,
        outcome=outcome,
        lag_ms=finding.lag_ms,
        total_ms=round(reading.total_ms),
        dns_ms=_ms(reading.dns_ms),
        connect_ms=_ms(reading.connect_ms),
        tls_ms=_ms(reading.tls_ms),
        first_byte_ms=_ms(reading.first_byte_ms),
        transfer_ms=_ms(reading.transfer_ms),
        status_code=reading.status_code,
        family=reading.family,
        address=reading.address[:64],
        days_left=reading.days_left,
        failure=str(reading.failure or ""),
        detail="" if is_well else why[:300],
        excerpt="" if is_well else reading.excerpt[:1024].replace("\0", ""),
        facts=_kept_facts(reading, is_well) or None,
    )


def _kept_facts(reading: Reading, is_well: bool) -> dict[str, str]:
    """All facts of a check that did not pass; only those in KEPT of one that did."""
    return {name: fact for name, fact in reading.facts.items() if not is_well or name in KEPT}


def _ms(value: float | None) -> int | None:
    return None if value is None else round(value)
