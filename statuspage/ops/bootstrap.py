"""The first start: real components to see, and an admin who can log in.

The page watches itself from the first second: its web process, its worker and
its database are probed as anything else is.
"""

import secrets

from django.contrib.auth import get_user_model
from django.db import transaction

from components.models import Component, Group, Probe
from components.networks import literal_address
from statuspage.models import Audit, FirstPassword, Role
from statuspage.ops.supervisor import addresses_of

OWN_GROUP = "This status page"
OWN_INTERVAL_S = 10
LAST = 1000  # below what customers came for
LOGIN = "staff"


def prepare(host: str, port: int) -> tuple[str, str] | None:
    """Fill an empty database. Returns the staff login and its first password if one was made now.

    Safe to call at every start: existing rows stay as they are, except that
    our own probes are pointed at a new port.
    """
    with transaction.atomic():
        if not Component.objects.exists():
            _watch_ourselves()
        _follow_port(host, port)
        return first_login()


def _watch_ourselves() -> None:
    group = Group.objects.create(
        name=OWN_GROUP, description="The services that run this page.", position=LAST
    )
    for position, (name, description, options) in enumerate(_own_parts(), start=1):
        component = Component.objects.create(
            group=group, name=name, description=description, position=position
        )
        Probe.objects.create(
            component=component,
            name=f"own: {name.lower()}",
            kind="http",
            target="http://127.0.0.1/",
            options=options,
            interval_s=OWN_INTERVAL_S,
            timeout_s=5,
            retry_s=5,
            confirm_down=3,  # `up` brings a part back within ten seconds: less is no incident
        )
    parts = ", ".join(name for name, _, _ in _own_parts())
    Audit.objects.note(None, "group.create", group, after={"name": OWN_GROUP, "components": parts})


def _own_parts() -> list[tuple[str, str, dict[str, str]]]:
    return [
        ("Web", "Serves this page", {}),
        ("Worker", "Runs checks", _vital("worker:heartbeat")),
        ("Database", "Stores results", _vital("database:responseTime")),
    ]


def _vital(name: str) -> dict[str, str]:
    """The options to read one value from /healthz, whatever the others are.

    If /healthz does not answer, only the probe of the web process is down.
    """
    return {
        "expected_status": "200,503",
        "json_path": f"$.checks['{name}'][0].status",
        "json_equals": "pass",
        "unread": "unknown",
    }


def probes_may_reach(host: str, port: int, public_host: str, *, proxies: int) -> list[str]:
    """What probes may reach besides EGRESS_ALLOW, in its notation.

    Always the one port that our own probes look at. All of loopback only while the page is for the
    person who started it: bound to loopback, no public address set, no proxy in front. Otherwise
    people who may edit probes could read services that trust this machine.
    """
    own = [f"{_bracketed(address)}:{port}" for address in addresses_of(_local_address(host))]
    is_at_home = _is_loopback(host) and _is_loopback(public_host) and not proxies
    return [*own, *LOOPBACK] if is_at_home else own


LOOPBACK = ("127.0.0.0/8", "::1/128")


def _is_loopback(host: str) -> bool:
    literal = literal_address(host)
    return literal.is_loopback if literal else host.lower() == "localhost"


def _local_address(host: str) -> str:
    """The address of our web process on this machine, if it listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _follow_port(host: str, port: int) -> None:
    """Point our own probes at the current address."""
    address = _bracketed(_local_address(host))
    for probe in Probe.objects.filter(component__group__name=OWN_GROUP, name__startswith="own: "):
        path = "healthz" if probe.named_options.get("json_path") else "livez"
        target = f"http://{address}:{port}/{path}"
        if probe.target != target:
            probe.target = target
            probe.save(update_fields=["target"])


def first_login() -> tuple[str, str] | None:
    """Make a first staff login with a random password that must be changed; None if there is one."""
    users = get_user_model().objects
    if users.filter(is_staff=True).exists():
        return None
    password = secrets.token_urlsafe(9)
    user = users.create_superuser(LOGIN, password=password)
    FirstPassword.objects.create(user=user, password=user.password)
    Audit.objects.note(None, "person.create", user, after={"role": Role.ADMIN.label})
    return LOGIN, password
