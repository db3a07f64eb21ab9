"""The page: its settings, and the version of what it shows.

`version` counts the changes the public can see. It moves in the transaction
of the change, so a process that reads it first and gathers afterwards can be
stale, never wrong.
"""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from components import pulse, removal_mark
from components.models.picture import MAX_NAME_LENGTH
from components.models.public_id import PublicIdField
from components.models.target_field import uptime_target

MARKS = ("hours_upto", "days_upto", "excused_upto")


class Joining(models.TextChoices):
    """Which failures share one incident."""

    ALL = "all", "All failures within the join window"
    GROUP = "group", "Failures in one group within the join window"
    NEVER = "never", "None: each component gets its own incident"


class PageManager(models.Manager["Page"]):
    """One row, made when it is first asked for."""

    def this(self) -> "Page":
        """The page."""
        page, _ = self.get_or_create(pk=1)
        return page

    def version(self) -> int:
        """The current version; 0 before anything was ever shown."""
        return self.values_list("version", flat=True).filter(pk=1).first() or 0

    def lock(self) -> "Page":
        """Be the only one to change what the public sees, until the transaction ends.

        Every verb that does so takes this row first, so two of them never wait
        for each other in a circle, and rules such as "joins the open incident"
        see what the one before them did.
        """
        self.get_or_create(pk=1)
        return self.select_for_update().get(pk=1)

    def count_again(self, since: datetime) -> None:
        """Have the tallies counted again from this moment: what was shown has changed."""
        late = {
            mark: Case(When(**{f"{mark}__gt": since}, then=Value(since)), default=F(mark)) for mark in MARKS
        }
        self.filter(pk=1).update(**late)

    def bump_version(self, *, takes_away: bool = False, is_public: bool = True) -> None:
        """Count one visible change, and ring for it once it is committed.

        `is_public`: False for what only staff can see. Public pages do not even learn that something
        changed; open pages of the console do.

        `takes_away`: public content was removed or changed. No copy
        made before is shown any more, not even while the database is away (components.removal_mark).
        """
        if not is_public:
            transaction.on_commit(_ring_for_staff)
            return
        with transaction.atomic():
            known_as = Case(When(known_as="", then=Value(first_address())), default=F("known_as"))
            news = {"version": F("version") + 1, "updated_at": Now(), "known_as": known_as}
            if takes_away:
                news["forgotten"] = F("version") + 1
            if not self.filter(pk=1).update(**news):
                self.get_or_create(pk=1, defaults={"version": 1})
            if takes_away:
                version = self.version()
                removal_mark.note(version)
                transaction.on_commit(lambda: removal_mark.note(version))
            transaction.on_commit(_ring)

    def marks(self) -> tuple[int, int]:
        """The current version, and the one since which nothing was taken away."""
        return self.values_list("version", "forgotten").filter(pk=1).first() or (0, 0)


def first_address() -> str:
    """The address of the page, if others can know it by that; empty while it is tried on one machine."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    is_local = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
    url: str = "" if is_local else settings.PUBLIC_URL
    return url


class Page(models.Model):
    public_id = PublicIdField()
    known_as = models.CharField(
        max_length=255,
        default=first_address,
        db_default="",
        editable=False,
        help_text="The first public address: IDs in feeds and calendars are derived from it.",
    )
    version = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Copies of earlier versions show what was removed since.",
    )
    rolled_up_to = models.BigIntegerField(
        default=0, help_text="Checks of slots up to this second are included in the latency tallies."
    )
    # Until when the tallies are right; None: never counted. A change that is dated back moves it back.
    hours_upto = models.DateTimeField(null=True, editable=False)
    days_upto = models.DateTimeField(null=True, editable=False)
    excused_upto = models.DateTimeField(null=True, editable=False)
    joining = models.CharField(
        "failures that share an incident",
        max_length=5,
        choices=Joining,
        default=Joining.ALL,
        db_default=Joining.ALL,
    )
    # Set in the console; empty: as the environment says, or none (components.identity).
    name = models.CharField(max_length=60, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    support_url = models.CharField("support link", max_length=500, blank=True, default="", db_default="")
    colour = models.CharField(max_length=7, blank=True, default="", db_default="")
    logo = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="", db_default="", editable=False)
    logo_dark = models.CharField(
        max_length=MAX_NAME_LENGTH, blank=True, default="", db_default="", editable=False
    )
    uptime_target = uptime_target("What you promise for a month, as the average of all components.")
    updated_at = models.DateTimeField(auto_now=True)

    objects = PageManager()

    def __str__(self) -> str:
        return f"version {self.version}"

    @property
    def names_from(self) -> str:
        """The address that ids in feeds and calendars are made of; it outlives a change of host."""
        return self.known_as or settings.PUBLIC_URL


def _ring() -> None:
    pulse.send(Page.objects.version())


def _ring_for_staff() -> None:
    pulse.send(0, pulse.STAFF_CHANNEL)  # it says only that there is something
