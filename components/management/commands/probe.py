"""`manage.py probe https://example.org`: check a target once. With --save it becomes a component."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from components import client_certificates, command_audit, egress, probers, steps
from components.client_certificates import CertificateError, ClientCertificate
from components.diagnosis import Facts, diagnose, made_by
from components.models import Probe
from components.outcomes import Expectation, Outcome, Reading, classify
from components.probers import PROBERS, InvalidProbeError, is_passive
from components.probers.base import refuse_short

MAX_WAIT_S = 10
MIN_NAME_LENGTH = 60
SCHEMES = (
    "https://…, wss://…, tcp://host:port, tls://host, dns://name, icmp://host, grpc://host:port,"
    " smtp://host, imap://host, postgres://host, mysql://host, redis://host, domain://name,"
    " or the kind before the address:"
    " sse+https://…, numbers+https://…, health+https://…, vendor+https://…, steps+https://…"
)
KINDS = {"http": "http", "https": "http", "ws": "websocket", "wss": "websocket"}  # by scheme


class Command(BaseCommand):
    help = "Run one check now and print each step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", help=SCHEMES)
        parser.add_argument("--save", action="store_true", help="Save it as a component with a probe.")
        parser.add_argument("--name", default="", help="The component's name.")
        parser.add_argument("--timeout", type=int, help="Timeout in seconds (10, or the interval).")
        parser.add_argument("--interval", type=int, default=60, help="Seconds between checks.")
        parser.add_argument("--limit", type=int, help="Slower responses (ms) count as degraded.")
        parser.add_argument(
            "--client-certificate", metavar="FILE", help="Client certificate for the target (PEM)."
        )
        parser.add_argument("--client-key", metavar="FILE", help="Its private key (PEM).")
        parser.add_argument(
            "--option", action="append", default=[], metavar="NAME=VALUE", help="Such as json_path=$.ok"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kind, target = kind_of(options["target"])
        options["timeout"] = options["timeout"] or min(MAX_WAIT_S, options["interval"])
        given = dict(_pair(text) for text in options["option"])
        try:
            order = PROBERS[kind].parse(target, given)
            refuse_short(order, options["timeout"])
        except InvalidProbeError as refused:
            raise CommandError(str(refused)) from refused
        order = _with_certificate(kind, order, options)
        way = egress.through(egress.Door.PROBES)
        check = probers.check(kind, order, deadline_s=float(options["timeout"]), egress=way)
        reading = asyncio.run(check)
        is_indirect = PROBERS[kind].is_indirect(given)
        outcome, why = classify(reading, Expectation(options["limit"], is_indirect=is_indirect))
        for line in ladder(kind, reading):
            self.stdout.write(line)
        self.stdout.write(f"{outcome.value} in {reading.total_ms:.0f} ms. {why}".rstrip())
        if reading.failure:
            for line in likely_causes(reading):
                self.stdout.write(line)
        if options["save"]:
            self._save(kind, target, given, options, getattr(order, "shown", None))
            if outcome is Outcome.DOWN:
                self.stdout.write(
                    "It is down now. It is shown as unknown, not as an outage, until a check passes."
                )
        if outcome is not Outcome.UP:
            sys.exit(1)

    def _save(
        self,
        kind: str,
        target: str,
        given: dict[str, str],
        options: dict[str, Any],
        shown: ClientCertificate | None,
    ) -> None:
        name = options["name"] or options["target"].partition("://")[2][:MIN_NAME_LENGTH]
        settings = {
            "interval_s": options["interval"],
            "timeout_s": options["timeout"],
            "latency_limit_ms": options["limit"],
        }
        try:
            with transaction.atomic():
                probe = Probe.objects.save_from_target(kind, target, given, name, shown=shown, **settings)
                # of the options their names alone, and no query: both may hold secrets
                details = {"component": name, "kind": kind, "target": probe.shown_target, **settings}
                if shown is not None:
                    details["client_certificate"] = probe.certificate_summary(datetime.now(UTC))
                command_audit.note(
                    "probe.create", probe, after={**details, "options": ", ".join(sorted(given))}
                )
        except ValidationError as refused:
            sentences = (f"{f}: {' '.join(m)}" for f, m in refused.message_dict.items())
            raise CommandError("; ".join(sentences)) from refused
        self.stdout.write(f"Saved as “{probe.component}”; it is checked every {probe.interval_s} s.")


def kind_of(target: str) -> tuple[str, str]:
    """The kind of probe for an address, and the target in the form that this kind expects."""
    scheme, _, rest = target.partition("://")
    if is_passive(scheme):
        raise CommandError(f"target: There is nothing to check: add {scheme} probes in the console.")
    if scheme.lower() in KINDS:
        return KINDS[scheme.lower()], target
    kind, plus, inner = scheme.partition("+")
    if plus and kind in PROBERS and inner in ("http", "https") and rest:
        return kind, f"{inner}://{rest}"
    if scheme in PROBERS and rest:
        return scheme, rest
    raise CommandError(
        "target: Start it with http://, https://, ws://, wss://, tcp://, tls://, dns://, icmp://, grpc://,"
        " smtp://, imap://, postgres://, mysql://, redis:// or domain://, or with sse+https://,"
        " numbers+https://, health+https://, vendor+https:// or steps+https://."
    )


def _with_certificate(kind: str, order: Any, options: dict[str, Any]) -> Any:
    """The order, with the certificate of these files if any are named."""
    files = {"--client-certificate": options["client_certificate"], "--client-key": options["client_key"]}
    if not any(files.values()):
        return order
    if not PROBERS[kind].is_secure(order):
        raise CommandError("--client-certificate: Only https://, wss:// and tls:// targets use one.")
    chain, key = (_text(name, file) if file else "" for name, file in files.items())
    try:
        return replace(order, shown=client_certificates.checked(chain, key, datetime.now(UTC)))
    except CertificateError as bad:
        raise CommandError(f"--{bad.field.replace('_', '-')}: {bad.sentence}") from None


def _text(name: str, file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, ValueError) as error:
        raise CommandError(f"{name}: {file} cannot be read: check its path and permissions.") from error


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CommandError(f"--option {text}: write it as NAME=VALUE.")
    return name, value


def ladder(kind: str, reading: Reading) -> list[str]:
    """One line per step: what was reached, how long it took, where it failed."""
    walked = steps.walk(probers.PROBERS[kind].steps, reading)
    wide = max(11, *(len(step.name) + 1 for step in walked))
    lines = []
    for name, state, took_ms in walked:
        if state == "ok":
            took = f"{'':8}   " if took_ms is None else f"{took_ms:8.1f} ms"
            lines.append(f"  ✓ {name:<{wide}}{took}{_step_fact(name, reading)}".rstrip())
        elif state == "failed":
            lines.append(f"  ✗ {name:<{wide}}{reading.detail}")
        else:
            lines.append(f"  – {name}")
    if reading.failure and all(step.state == "ok" for step in walked):
        lines.append(f"  ✗ {'Assertion':<{wide}}{reading.detail}")
    elif reading.degraded:
        lines.append(f"  ! {'Assertion':<{wide}}degraded")
    elif not reading.failure:
        lines.append(f"  ✓ {'Assertion':<{wide}}as expected")
    return lines


def likely_causes(reading: Reading) -> list[str]:
    """What its facts point to, the surest first: one answer alone, without a trend."""
    facts = Facts(
        failure=str(reading.failure or ""),
        status_code=reading.status_code,
        detail=reading.detail,
        excerpt=reading.excerpt,
        headers=reading.facts,
        total_ms=reading.total_ms,
        connect_ms=reading.connect_ms,
        first_byte_ms=reading.first_byte_ms,
    )
    maker, causes = made_by(facts), diagnose(facts)
    lines = [f"Response made by: {maker.spelled}"] if reading.status_code else []
    lines.append("Likely causes:" if causes else "No known cause matches.")
    for place, cause in enumerate(causes, 1):
        lines.append(f"  {place}. {cause.name} [{cause.level}, {cause.sure} %]")
        lines += [f"     {because}" for because in cause.because]
        lines.append(f"     {cause.look_next}")
        lines += [f"       {command}" for command in cause.commands]
    return lines


def _step_fact(name: str, reading: Reading) -> str:
    """The fact that belongs to a step."""
    if name == "Connect" and reading.address:
        return f"  {reading.address}"
    if name == "TLS" and reading.days_left is not None:
        own = "" if reading.first_byte_ms is not None else reading.facts.get("note", "")
        return f"  {reading.days_left} days left  {own}".rstrip()
    if name == "First byte" and reading.status_code:
        return f"  {reading.facts.get('protocol', 'HTTP')} {reading.status_code}"
    if name in (steps.TRANSFER, steps.FIRST_MESSAGE, steps.FIRST_EVENT) and (
        note := reading.facts.get("note")
    ):
        return f"  {note}"
    return ""
