"""What the database says of the program: probes, loops, backups, people."""

from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec

from django.contrib.auth import get_user_model
from django.db.models import Q

from components import echo
from components.clock import database_now
from components.models import Heartbeat, Probe
from incidents.generated_text import duration
from statuspage.models import FirstPassword, Role
from statuspage.ops.doctor import folder
from statuspage.ops.doctor.findings import Finding, fail, ok, skip, warn
from statuspage.ops.vitals import FAIL, WARN, vitals

PROBES, LOOPS, BACKUP, PEOPLE = "probes", "loops", "backup", "people"
OLD = timedelta(days=2)  # as in the console
EXTRAS = {"domain": ("publicsuffixlist", "domain")}  # kind: its module, and the extra that brings it
RUNTIME = ("heartbeat", "lastCheck", "oldestDue", "lastNoticed", "lastSeen", "lastPass")


def probes() -> Iterator[Finding]:
    """What the kinds in use need of this machine, and probes that cannot be run at all."""
    active = list(Probe.objects.filter(is_paused=False))
    kinds = {probe.kind for probe in active}
    if "icmp" in kinds and not echo.is_allowed():
        yield fail(PROBES, f"There are icmp probes. {echo.NOT_ALLOWED}")
    for kind, (module, extra) in EXTRAS.items():
        if kind in kinds and find_spec(module) is None:
            yield fail(
                PROBES, f"There are {kind} probes: install the extra, pip install statuspage[{extra}]."
            )
    faults = [probe for probe in active if probe.fault]
    if faults:
        names = ", ".join(str(probe) for probe in faults[:5])
        yield fail(PROBES, f"These cannot be run: {names}. Open and save them in the console.")
    if not active:
        yield skip(PROBES, "There are none: add one with manage.py probe, or in the console.")
    else:
        yield ok(PROBES, f"{len(active)} active, of these kinds: {', '.join(sorted(kinds))}.")


def loops() -> Iterator[Finding]:
    """What /healthz says: the loops, and what they have done."""
    now = database_now()
    newest = Heartbeat.objects.exclude(role="backup").order_by("-at").values_list("at", flat=True).first()
    if newest is None or (now - newest > timedelta(minutes=2) and not folder.is_held()):
        age = f"for {duration((now - newest).total_seconds())}" if newest else "ever"
        yield warn(LOOPS, f"The program is not running: no loop has reported {age}. Start it.")
        return
    body, _ = vitals(now)
    healthy = 0
    for name, (check,) in body["checks"].items():
        if not name.endswith(RUNTIME) and not name.startswith(("regions:", "deliveries:")):
            continue  # broker and database have looks of their own; copies are a web process's
        text = str(check.get("output") or f"{check.get('observedValue')} s old, which is too old.")
        if check["status"] == FAIL:
            yield fail(f"{LOOPS} {name}", f"{text} Look into the log, and restart it.")
        elif check["status"] == WARN:
            yield warn(f"{LOOPS} {name}", text)
        else:
            healthy += 1
    yield ok(LOOPS, f"{healthy} checks of /healthz pass.")


def backup() -> Iterator[Finding]:
    """When the last backup was reported."""
    now = database_now()
    at = Heartbeat.objects.newest(now, "backup")
    if at is None:
        text = "None was ever reported: run manage.py backup FILE every day"
        yield warn(BACKUP, f"{text} (manage.py backup --done after another tool's).")
    elif now - at > OLD:
        yield warn(
            BACKUP, f"The last one was {duration((now - at).total_seconds())} ago: make one every day."
        )
    else:
        yield ok(BACKUP, f"The last one was {duration(max(0, (now - at).total_seconds()))} ago.")


def people() -> Iterator[Finding]:
    """Whether an admin can log in, and whether a first password was never changed."""
    is_admin = Q(is_superuser=True) | Q(member__role=Role.ADMIN)
    admins = list(get_user_model().objects.filter(is_admin, is_active=True).distinct())
    able = [user for user in admins if user.has_usable_password()]
    if not admins:
        yield fail(PEOPLE, "No admin can log in: run manage.py break_glass NAME.")
    elif not able:
        text = "No admin has a password, so they depend on single sign-on or passkeys"
        yield warn(PEOPLE, f"{text}: manage.py break_glass NAME helps when that fails.")
    else:
        yield ok(PEOPLE, f"{len(able)} {'admin' if len(able) == 1 else 'admins'} can log in with a password.")
    left = [str(first.user) for first in FirstPassword.objects.select_related("user")
            if first.user.is_active and first.user.password == first.password]  # fmt: skip
    if left:
        yield warn(
            PEOPLE,
            f"The first password was never changed: {', '.join(left[:5])}. Log in with it and change it, or"
            " remove the account.",
        )
