"""What SMTP and IMAP probes share: the order, and how TLS begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.egress import Egress, EgressError, Line
from components.outcomes import Failure
from components.probers import services
from components.probers.base import Clock, Option, host_and_port, options_of
from components.probers.services import RefusedError
from components.targets import InvalidProbeError

NONE, STARTTLS, TLS = "none", "starttls", "tls"
MAX_LINES = 100  # of one answer: more are no greeting and no list of capabilities


@dataclass(frozen=True, slots=True)
class MailTarget:
    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be stored with a reading: the password, also with the user as it travels."""
        return (self.password, f"\0{self.user}\0{self.password}") if self.password else ()


def options(tls: str) -> tuple[Option, ...]:
    """The options of a mail server, with the way TLS usually begins there."""
    return (
        Option(
            "tls",
            "TLS",
            type="choice",
            default=tls,
            choices=(STARTTLS, TLS, NONE),
            help="“starttls” upgrades the open connection; “tls” begins with TLS.",
        ),
        Option("user", "User", help="Logs in as this user; leave empty to skip the login."),
        Option("password", "Password", type="secret"),
    )


def target_of(
    prober: Any, target: str, given_options: Mapping[str, Any], ports: Mapping[str, int]
) -> MailTarget:
    """The order, checked. `ports` are the usual ones by scheme. Raises InvalidProbeError."""
    given = options_of(prober, given_options)
    scheme, mark, rest = target.partition("://")
    host, port = host_and_port(
        rest if mark and scheme == prober.kind else target, default=ports[given["tls"]]
    )
    user, password = services.login_of(given)
    if user and given["tls"] == NONE:
        raise InvalidProbeError("tls", "A password is sent only with TLS: choose “starttls” or “tls”.")
    return MailTarget(host, port, given["tls"], user, password)


async def upgraded(order: MailTarget, line: Line, clock: Clock, egress: Egress) -> None:
    """TLS on the open line, once the server has agreed. Raises EgressError, NotSpokenError."""
    try:
        await services.secured(line, order.host, clock, egress)
    except EgressError as error:
        error.sentence = f"After STARTTLS: {error.sentence}"
        raise
    clock.phase = Failure.TIMEOUT_TRANSFER


def missing_starttls(said: str) -> RefusedError:
    """The error of a server that does not offer STARTTLS."""
    return RefusedError("The server does not offer STARTTLS.", said)
