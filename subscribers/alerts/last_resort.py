"""Alerts while the database is away, from a private copy of staff's channels.

The copy (still encrypted) is renewed while the database is up. Of several web processes the one that
holds the lock sends; what it has sent is noted beside it, under an id that a restart keeps.
"""

import contextlib
import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from components import encryption
from incidents.times import clock
from subscribers.alerts import owed, sending
from subscribers.alerts.kinds import PARTS
from subscribers.alerts.owed import HOUR, SYSTEM
from subscribers.alerts.sending import Message
from subscribers.delivery.envelope import End
from subscribers.models import Alert, AlertChannel, AlertDelivery, AlertDeliveryState
from subscribers.models.alert import Step
from subscribers.states import Channel

log = logging.getLogger(__name__)
SUBJECT = "database"
AWAY, BACK = PARTS["database:responseTime"]
PATIENCE = timedelta(seconds=30)


@dataclass
class Outage:
    """The alert about a database outage. `told`: the id of the last message by channel id."""

    opened_at: str
    id: str
    reminder: int = 0
    told: dict[str, str] = field(default_factory=dict)


class LastResort:
    """Stores the channels while the database is up, and alerts them when it is away."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] | None = None
        self.away_since: datetime | None = None
        self.outage: Outage | None = None  # used if the folder cannot be written either

    @property
    def _channels(self) -> Path:
        return Path(settings.VAR_DIR) / "alert_channels.json"

    @property
    def _state(self) -> Path:
        return Path(settings.VAR_DIR) / "alert_database.json"

    def remember(self, now: datetime) -> None:
        """Renew the copy, and record an outage that is over. Raises DatabaseError."""
        wanted = AlertChannel.objects.for_group(SYSTEM).order_by("pk")
        rows = [list(row) for row in wanted.values_list("pk", "channel", "sealed_address")]
        if rows != self.rows:
            self.rows = rows
            _write(self._channels, rows)
        outage = self._known()
        if outage is not None:
            self._come_back(outage, now)
        self.away_since = None

    def tell(self, now: datetime) -> None:
        """Alert all channels that the database is away: after PATIENCE, then every hour."""
        self.away_since = self.away_since or now
        if now - self.away_since < PATIENCE:
            return
        with _exclusive(Path(settings.VAR_DIR) / "alert_database.lock") as is_ours:
            if is_ours:
                self._tell(now)

    def _tell(self, now: datetime) -> None:
        outage = self._known()
        if outage is None:
            outage = Outage((self.away_since or now).isoformat(), f"msg_{secrets.token_hex(8)}")
            log.error("alert.opened kind=database subject=%s title=%s", SUBJECT, AWAY)
            self._keep(outage)
        hours = int((now - datetime.fromisoformat(outage.opened_at)) / HOUR)
        if hours > outage.reminder:
            outage.reminder, outage.told = hours, {}
            self._keep(outage)
        for pk, channel, address in self._rows():
            name = f"{outage.id}{outage.reminder:x}_{pk}"
            if str(pk) not in outage.told and self._send(channel, address, self._message(outage, name, now)):
                outage.told[str(pk)] = name
                self._keep(outage)

    def _message(self, outage: Outage, name: str, now: datetime) -> Message:
        since = clock(datetime.fromisoformat(outage.opened_at), now)
        title = f"Still: {AWAY}" if outage.reminder else AWAY
        body = f"Since {since}. The page shows its last copy; nothing is checked or sent."
        return Message(name, title, body, settings.PUBLIC_URL, f"alert:{outage.id}")

    def _send(self, channel: str, address: str, message: Message) -> bool:
        try:
            result = sending.run(sending.send(Channel(channel), encryption.unseal(address), message))
        except Exception:
            log.exception("alert.failed message=%s", message.id)
            return False
        if result.end is not End.SENT:
            log.warning("alert.not_sent message=%s why=%s", message.id, result.why)
        return bool(result.end is End.SENT)

    def _come_back(self, outage: Outage, now: datetime) -> None:
        """Record an outage that is over: the alert, the messages sent, and the message that it is over."""
        from subscribers.alerts import book

        with _exclusive(Path(settings.VAR_DIR) / "alert_database.lock") as is_ours:
            if not is_ours or self._known() is None:
                return
            opened_at = datetime.fromisoformat(outage.opened_at)
            alert, _ = Alert.objects.get_or_create(
                kind="database", subject=outage.id,
                defaults={"title": AWAY, "back": BACK, "url": owed.address("console"),
                          "opened_at": opened_at},
            )  # fmt: skip
            channels = AlertChannel.objects.filter(pk__in=[int(pk) for pk in outage.told])
            rows = [
                AlertDelivery(
                    alert=alert, channel=channel, step=Step.OPENED, created_at=opened_at, due_at=opened_at,
                    message_id=outage.told[str(channel.pk)][:32],
                    message=asdict(Message("", AWAY, "", "", "")),
                    state=AlertDeliveryState.SENT, finished_at=now, attempts=1,
                )
                for channel in channels
            ]  # fmt: skip
            AlertDelivery.objects.bulk_create(rows, ignore_conflicts=True)
            book.close(alert, now)
            self.outage = None
            self._state.unlink(missing_ok=True)

    def _known(self) -> Outage | None:
        stored = _read(self._state)
        return Outage(**stored) if isinstance(stored, dict) else self.outage

    def _keep(self, outage: Outage) -> None:
        self.outage = outage
        _write(self._state, asdict(outage))

    def _rows(self) -> list[list[Any]]:
        if self.rows is None:
            self.rows = _read(self._channels) or []
        return self.rows


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock. True for all if no lock can be written: twice beats never."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        yield True
        return
    with os.fdopen(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _write(path: Path, value: Any) -> None:
    """Write JSON atomically, readable by the owner only. Errors are logged, not raised."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(value, file)
        half.replace(path)
    except OSError as error:
        log.warning("alert.copy_not_written file=%s why=%s", path.name, error.strerror)
        with contextlib.suppress(OSError):
            half.unlink()


def utc_now() -> datetime:
    """The time by our own clock, as the database may be away."""
    return datetime.now(UTC)
