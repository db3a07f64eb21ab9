"""One report, as it arrives at the address of a probe and waits on disk."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MAX_TEXT_BYTES = 10 * 1024
MAX_RUN_LENGTH = 64
MAX_SOURCE_LENGTH = 200
MAX_NAME_LENGTH = 200
TEXTS = ("run", "source", "name", "text", "note", "message_id")


class Kind(StrEnum):
    """What a report says: of a job (the first five), or of an alert."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    LOG = "log"
    EXIT = "exit"
    FIRING = "firing"
    RESOLVED = "resolved"
    NO_DATA = "no_data"  # the source itself cannot tell
    DEPLOY = "deploy"  # at one moment; `source` is a component's id, `text` the version
    DEPLOY_STARTED = "deploy_started"
    DEPLOY_FINISHED = "deploy_finished"
    CONTACT = "contact"  # the source is there, and says nothing of any alert


@dataclass(frozen=True, slots=True)
class Report:
    """`at` is the arrival. `run` pairs a start with its end; `source` is the sender's id of an alert.

    `text` is at most 10 kB. `exit_status` is 0 to 255, of the kind EXIT alone. `note` is what the sender left
    out, in a sentence for staff. `message_id` is the sender's, the same in every attempt to deliver it.
    `changed_at`: by the sender's clock, in seconds since 1970, when the alert came to be so; `is_ordered`: a
    later change of the same alert always has a later one.
    """

    at: datetime
    kind: Kind
    run: str = ""
    source: str = ""
    name: str = ""
    text: str = ""
    exit_status: int | None = None
    note: str = ""
    message_id: str = ""
    changed_at: float | None = None
    is_ordered: bool = False

    @property
    def is_deploy(self) -> bool:
        """Whether it is of a deploy, not of a probe."""
        return self.kind in (Kind.DEPLOY, Kind.DEPLOY_STARTED, Kind.DEPLOY_FINISHED)

    @property
    def is_success(self) -> bool:
        """The job ended well."""
        return self.kind is Kind.SUCCESS or (self.kind is Kind.EXIT and self.exit_status == 0)

    @property
    def is_failure(self) -> bool:
        """The job ended badly."""
        return self.kind is Kind.FAIL or (self.kind is Kind.EXIT and self.exit_status != 0)

    def as_json(self) -> dict[str, Any]:
        """For the spool; empty fields are left out."""
        row = {
            "kind": self.kind.value, "run": self.run, "source": self.source, "name": self.name,
            "text": self.text, "exit_status": self.exit_status, "note": self.note,
            "message_id": self.message_id, "changed_at": self.changed_at,
            "is_ordered": self.is_ordered or None,
        }  # fmt: skip
        return {"at": self.at.timestamp()} | {k: v for k, v in row.items() if v not in ("", None)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Report":
        """The report again. Raises ValueError, TypeError, KeyError for what is none."""
        at = datetime.fromtimestamp(row["at"], UTC)
        texts = {name: str(row.get(name, "")) for name in TEXTS}
        changed_at, is_ordered = row.get("changed_at"), bool(row.get("is_ordered"))
        return cls(
            at, Kind(row["kind"]), exit_status=row.get("exit_status"), is_ordered=is_ordered,
            changed_at=None if changed_at is None else float(changed_at), **texts,
        )  # fmt: skip


def clipped(data: bytes) -> str:
    """The first 10 kB of a body as text that a database takes."""
    text = data[:MAX_TEXT_BYTES].decode("utf-8", "replace").replace("\0", "·")
    return text.encode()[:MAX_TEXT_BYTES].decode("utf-8", "ignore")
