"""What PostgreSQL and MySQL probes share: options, the order, and how connections are counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components import steps
from components.outcomes import Reading
from components.probers import services
from components.probers.base import Clock, Option, host_and_port, options_of
from components.probers.services import Limits, RefusedError
from components.targets import InvalidProbeError

STEPS = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.LOGIN, steps.QUERY)
UNCOUNTED = "The server does not say how many connections are in use"


@dataclass(frozen=True, slots=True)
class DatabaseTarget:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    tls: bool
    limits: Limits

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be stored with a reading."""
        return (self.password,)


def options(user: str, database: str) -> tuple[Option, ...]:
    """The options of a database server, with its usual user and database."""
    return (
        Option("user", "User", default=user, help="A user without other rights is best."),
        Option("password", "Password", type="secret"),
        Option("database", "Database", default=database, help="The database to connect to."),
        Option("tls", "TLS", type="bool", default=True, help="With a valid certificate, before the login."),
        *services.LIMITS,
    )


def target_of(prober: Any, target: str, given_options: Mapping[str, Any], port: int) -> DatabaseTarget:
    """The order, checked. Raises InvalidProbeError."""
    given = options_of(prober, given_options)
    host, port = host_and_port(target.removeprefix(f"{prober.kind}://"), default=port)
    for name in ("user", "password", "database"):
        services.one_line(name, given[name])
    if not given["user"]:
        raise InvalidProbeError("user", "Enter the user to log in as.")
    limits = services.limits_of(given)
    return DatabaseTarget(
        host, port, given["user"], given["password"], given["database"], given["tls"], limits
    )


def counted(values: list[str], order: DatabaseTarget, clock: Clock) -> Reading:
    """The reading of "in use" and "maximum". Raises RefusedError for others where limits were set."""
    try:
        used, most = (int(float(value)) for value in values)
    except (ValueError, OverflowError):
        return uncounted(order, clock, RefusedError(f"{UNCOUNTED}."))
    return services.judged(used, most, order.limits, clock)


def uncounted(order: DatabaseTarget, clock: Clock, error: RefusedError) -> Reading:
    """Up with a note when connections could not be counted. Raises RefusedError where limits were set."""
    if order.limits != Limits():
        raise RefusedError(f"{UNCOUNTED}: {error}", error.said) from error
    clock.remark(f"{UNCOUNTED}.")
    return clock.reading()
