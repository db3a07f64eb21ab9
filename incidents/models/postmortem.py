"""Postmortems: what happened, why, what misled us, and the actions that follow."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from components.models import Page
from components.models.lines import LineField, LinesField
from incidents.availability_series import curve
from incidents.models.incident import Incident
from incidents.models.notice import Notice

MAX_LENGTH = 50_000
MAX_TAG_LENGTH = 30
MAX_ROWS = 200
TEXTS = (
    "summary", "impact", "users_how", "detection", "what_happened", "root_cause", "escalation", "resolution",
    "lessons",
)  # fmt: skip
FACTS = ("title", "authors", "started_at", "ended_at", "detected_at", "told_at", "users_percent")
TABLES = ("timeline", "misled")
SHOWN = (*FACTS, *TEXTS, *TABLES)  # what readers see, and what versions keep


class PostmortemManager(models.Manager["Postmortem"]):
    def public(self) -> models.QuerySet["Postmortem"]:
        """Published ones of public incidents."""
        return self.exclude(published_at=None).filter(incident__in=Incident.objects.public())


class Postmortem(models.Model):
    """`timeline` holds [at, tag, text], `misled` [what we saw, what was true]; times in ISO 8601, UTC.

    `curve` is the share of checks that passed while it lasted (incidents.availability_series): stored
    here, as the checks themselves are deleted sooner.
    """

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="postmortem")
    title = LineField(max_length=255)
    authors = LineField(max_length=255, blank=True, help_text="Teams or names, as readers see them.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    detected_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField("first public update", null=True, blank=True)
    summary = LinesField(blank=True, max_length=MAX_LENGTH)
    impact = LinesField(blank=True, max_length=MAX_LENGTH)
    users_percent = models.DecimalField(
        "users affected (%)", max_digits=5, decimal_places=2, null=True, blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )  # fmt: skip
    users_how = LinesField("of whom, and how measured", blank=True, max_length=1000)
    detection = LinesField("how it was detected", blank=True, max_length=MAX_LENGTH)
    what_happened = LinesField(blank=True, max_length=MAX_LENGTH)
    root_cause = LinesField(blank=True, max_length=MAX_LENGTH)
    timeline = models.JSONField(default=list, blank=True)
    misled = models.JSONField("what misled us", default=list, blank=True)
    escalation = LinesField(blank=True, max_length=MAX_LENGTH)
    resolution = LinesField(blank=True, max_length=MAX_LENGTH)
    lessons = LinesField(blank=True, max_length=MAX_LENGTH)
    curve = models.JSONField(default=dict, blank=True, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    reviewed_at = models.DateTimeField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    notifies = models.BooleanField(default=True, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    saved_at = models.DateTimeField()

    objects = PostmortemManager()

    class Meta:
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("postmortem", args=[self.incident.public_id])

    @property
    def lasted(self) -> timedelta:
        """The incident's duration, or from its own start to its own end if those were changed."""
        if (self.started_at, self.ended_at) == (self.incident.started_at, self.incident.ended_at):
            return self.incident.lasted(self.ended_at)
        return self.ended_at - self.started_at

    @classmethod
    def label_of(cls, name: str) -> str:
        """A field's label: "root cause"."""
        return str(cls._meta.get_field(name).verbose_name)  # type: ignore[union-attr]

    def clean(self) -> None:
        """The times make sense, and the tables have their columns. Raises ValidationError."""
        if self.started_at and self.ended_at and self.ended_at < self.started_at:
            raise ValidationError({"ended_at": "It cannot have ended before it began."})
        if not _is_table(self.timeline, 3) or not all(_is_moment(*row) for row in self.timeline):
            raise ValidationError(
                {"timeline": "Each row is a time (2026-11-12T08:00:00Z), a tag of at most 30 characters or "
                 "none, and a text."}
            )  # fmt: skip
        if not _is_table(self.misled, 2):
            raise ValidationError({"misled": "Each row is what you saw, and what was true."})

    def draw(self) -> None:
        """Compute the curve from the stored checks, unless the present one counts more of them."""
        drawn, stored = (
            curve(self.incident.affected.values("component"), self.started_at, self.ended_at),
            self.curve,
        )
        is_same = all(stored.get(name) == drawn.get(name) for name in ("start", "step_s"))
        if drawn and not (is_same and _checks(drawn) < _checks(stored)):
            self.curve = drawn

    def keep(self, changes: dict[str, Any], now: datetime, *, author: Any = None, seen: str = "") -> None:
        """Save an edit. After publication the earlier text is kept, and the edit is dated.

        `seen`: `saved_at` when the writer read it (ISO 8601). Raises ValidationError, also if someone
        else saved since.
        """
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if seen and self.saved_at.isoformat() != seen and author != self.author:
                raise ValidationError(
                    {"seen": "Someone else has saved it meanwhile: open their text in another tab, "
                     "and save yours again."}
                )  # fmt: skip
            if changes.get("ended_at") and changes["ended_at"] > max(now, self.ended_at):
                raise ValidationError({"ended_at": "This time is in the future: use one that has passed."})
            before = {name: getattr(self, name) for name in SHOWN}
            for name, value in changes.items():
                setattr(self, name, value)
            self.full_clean()
            changed = [name for name in SHOWN if getattr(self, name) != before[name]]
            if {"started_at", "ended_at"} & set(changed):
                self.draw()
            self.saved_at, self.author = now, author or self.author
            if changed:
                what = ", ".join(self.label_of(name) for name in changed)
                self.date_edit(what, now, author=author, before={n: _plain(before[n]) for n in changed})
            self.save()
            Page.objects.bump_version(takes_away=True, is_public=self.published_at is not None)

    def date_edit(
        self, what: str, now: datetime, *, author: Any = None, before: dict[str, Any] | None = None
    ) -> None:
        """Date an edit and keep the earlier text, if it is published. The caller saves."""
        if self.published_at:
            self.edited_at = now
            self.versions.create(at=now, author=author, what=what[:255], before=before or {})

    def review(self, now: datetime, *, reviewer: Any) -> None:
        """Note the review by a second person. Raises ValidationError for its own author."""
        if self.author_id == reviewer.pk:
            raise ValidationError("A second person must review it: not the last author.")
        self.reviewer, self.reviewed_at = reviewer, now
        self.save(update_fields=["reviewer", "reviewed_at"])

    def publish(self, now: datetime, *, notifies: bool = True) -> None:
        """Publish it. Raises ValidationError, naming what is missing."""
        lacking = [name.replace("_", " ") for name in ("summary", "root_cause") if not getattr(self, name)]
        if lacking:
            raise ValidationError(f"Fill in {' and '.join(lacking)} before you publish.")
        with transaction.atomic():
            Page.objects.lock()
            self.published_at = self.published_at or now
            self.notifies = notifies
            self.draw()
            self.save(update_fields=["published_at", "notifies", "curve"])
            if notifies:
                Notice.objects.of_postmortem(self, now)
            Page.objects.bump_version()

    def withdraw(self) -> None:
        """Take it off the public pages."""
        with transaction.atomic():
            Page.objects.lock()
            was_public = self.published_at is not None
            self.published_at = None
            self.save(update_fields=["published_at"])
            Page.objects.bump_version(takes_away=True, is_public=was_public)


def _plain(value: Any) -> Any:
    """The value in a form that JSON can store."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _checks(curve: dict[str, Any]) -> int:
    return sum(checks for _, checks in curve["counts"])


def _is_table(rows: Any, width: int) -> bool:
    """Whether these are at most MAX_ROWS rows of `width` strings each."""
    return (
        isinstance(rows, list)
        and len(rows) <= MAX_ROWS
        and all(isinstance(row, list) and len(row) == width for row in rows)
        and all(isinstance(cell, str) and len(cell) <= MAX_LENGTH for row in rows for cell in row)
    )


def _is_moment(at: str, tag: str, text: str) -> bool:
    """Whether this is a valid timeline row: a time with its zone, a short tag, and a text."""
    try:
        moment = parse_datetime(at)
    except ValueError:
        return False
    return (
        moment is not None and moment.tzinfo is not None and len(tag) <= MAX_TAG_LENGTH and bool(text.strip())
    )


class PostmortemVersion(models.Model):
    """What was changed after publication, and the text before."""

    postmortem = models.ForeignKey(Postmortem, on_delete=models.CASCADE, related_name="versions")
    at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    what = models.CharField(max_length=255)
    before = models.JSONField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.postmortem}: {self.what}"


class ActionKind(models.TextChoices):
    """What an action achieves."""

    PREVENT = "prevent", "Prevent"
    DETECT = "detect", "Detect"
    LIMIT = "limit", "Limit damage"
    RECOVER = "recover", "Recover"


class ActionState(models.TextChoices):
    """The progress of an action."""

    TODO = "todo", "Not started"
    DOING = "doing", "In progress"
    DONE = "done", "Done"


class ActionItem(models.Model):
    """What we promised to change. A team owns it, never a person at fault."""

    postmortem = models.ForeignKey(Postmortem, on_delete=models.CASCADE, related_name="actions")
    position = models.PositiveIntegerField(default=1)
    text = LineField(max_length=300)
    kind = models.CharField(max_length=10, choices=ActionKind, default=ActionKind.PREVENT)
    team = LineField(max_length=80, blank=True)
    due = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=ActionState, default=ActionState.TODO)
    link = models.URLField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.text

    def is_late(self, today: date) -> bool:
        """True when its day has passed and it is not done."""
        return self.due is not None and self.due < today and self.state != ActionState.DONE

    def move(self, state: str, now: datetime, *, author: Any = None) -> None:
        """Set its state; the public page shows it, with the date. Raises ValidationError."""
        if state not in ActionState:
            allowed = ", ".join(ActionState.values)
            raise ValidationError({"state": f"“{state}” is not a state of an action: use one of {allowed}."})
        if state == self.state:
            return
        with transaction.atomic():
            Page.objects.lock()
            self.state = ActionState(state)
            self.done_at = now if self.state == ActionState.DONE else None
            self.save(update_fields=["state", "done_at"])
            report = self.postmortem
            number = list(report.actions.values_list("pk", flat=True)).index(self.pk) + 1
            report.date_edit(f"action {number}: {self.get_state_display().lower()}", now, author=author)
            report.save(update_fields=["edited_at"])
            Page.objects.bump_version(is_public=report.published_at is not None)
