"""Forms for subscribers: an address, and what to be notified of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from components.models import Component, Group
from components.status import Impact
from incidents.models import Incident, NoticeKind
from subscribers import channels, proof
from subscribers.addresses import checked
from subscribers.choice import Choice, follow, offered, public_incident, usual
from subscribers.states import Channel

KIND_LABELS = {
    NoticeKind.INCIDENT: "Incidents",
    NoticeKind.MAINTENANCE: "Planned maintenance",
    NoticeKind.POSTMORTEM: "Postmortems",
    NoticeKind.COMPONENT: "Every component status change",
    NoticeKind.REPORT: "Monthly report of uptime and incidents",
}
IMPACT_LABELS = {
    Impact.NONE: "All of them",
    Impact.MINOR: "Minor and worse",
    Impact.MAJOR: "Major and worse",
    Impact.CRITICAL: "Critical only",
}
NOT_OURS = "That component is not on this page: choose again."


@dataclass(frozen=True, slots=True)
class Pick:
    """One checkbox: a component, or a group with its components."""

    value: str
    name: str
    is_chosen: bool
    inside: tuple["Pick", ...] = ()


class ChoiceForm(forms.Form):
    """All or single components, kinds, minimum impact, one mail a day.

    A form without `full`, as on the front page, has none of these fields.
    """

    full = forms.BooleanField(required=False)
    scope = forms.ChoiceField(
        choices=[("all", "All components"), ("some", "Only these"), ("follow", "Only specific incidents")],
        required=False,
    )
    places = forms.MultipleChoiceField(required=False, error_messages={"invalid_choice": NOT_OURS})
    kinds = forms.MultipleChoiceField(required=False)
    least_impact = forms.TypedChoiceField(
        choices=[(rank, IMPACT_LABELS[impact]) for rank, impact in enumerate(Impact)],
        coerce=int,
        empty_value="0",
        required=False,
    )
    is_digest = forms.BooleanField(required=False)

    def __init__(self, *args: Any, channel: Channel, now_chosen: Choice | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel = channel
        self.now_chosen = now_chosen or usual(channel)
        self.shown = list(Component.objects.filter(is_shown=True).order_by("position", "id"))
        groups = {place.group_id for place in self.shown if place.group_id}
        self.groups = list(Group.objects.filter(pk__in=groups))
        places: list[Component | Group] = [*self.shown, *self.groups]
        self.by_value: dict[str, Component | Group] = {_value(place): place for place in places}
        self.fields["places"].choices = [(value, str(place)) for value, place in self.by_value.items()]  # type: ignore[attr-defined]
        self.fields["kinds"].choices = [(kind.value, label) for kind, label in self._kinds()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a choice of no component or no kind."""
        data: dict[str, Any] = super().clean() or {}
        if not data.get("full"):
            return data
        if data.get("scope") == "some" and not data.get("places") and "places" not in self.errors:
            self.add_error("places", "Choose at least one component, or all of them.")
        if not data.get("kinds") and "kinds" not in self.errors:
            self.add_error("kinds", "Choose at least one of these. To stop all updates, unsubscribe instead.")
        if data.get("scope") == "follow" and NoticeKind.REPORT in data.get("kinds", ()):
            self.add_error("kinds", "The monthly report is about components: choose all of them, or some.")
        return data

    @property
    def choice(self) -> Choice:
        """The choice made. Only for a valid form."""
        data = self.cleaned_data
        if not data["full"]:
            return self.now_chosen
        picked = [self.by_value[value] for value in data["places"]] if data["scope"] == "some" else []
        return replace(
            self.now_chosen,
            is_all=data["scope"] not in ("some", "follow"),
            components=tuple(place for place in picked if isinstance(place, Component)),
            groups=tuple(place for place in picked if isinstance(place, Group)),
            kinds=tuple(NoticeKind(kind) for kind in data["kinds"]),
            least_impact=int(data["least_impact"]),
            is_digest=data["is_digest"] and self.has_digest,
        )

    # What the template shows

    @property
    def has_digest(self) -> bool:
        """Whether one message a day can be chosen: only for mail."""
        return self.channel is Channel.EMAIL

    @property
    def scope_now(self) -> str:
        """The chosen scope."""
        if self.is_bound:
            return str(self.data.get("scope", "all"))
        if self.now_chosen.is_follow:
            return "follow"
        return "all" if self.now_chosen.is_all else "some"

    @property
    def picks(self) -> list[Pick]:
        """Groups with their components, then those of no group."""
        chosen = self._chosen_places()
        loose = [place for place in self.shown if place.group_id is None]
        rows = [
            _pick(place, chosen, [_pick(part, chosen) for part in self.shown if part.group_id == place.pk])
            for place in self.groups
        ]
        return [*rows, *(_pick(place, chosen) for place in loose)]

    @property
    def kind_picks(self) -> list[Pick]:
        """The kinds, ticked or not."""
        chosen = self._sent("kinds") if self._is_full() else self.now_chosen.kinds
        return [Pick(kind.value, label, kind in chosen) for kind, label in self._kinds()]

    @property
    def impacts(self) -> list[tuple[int, str, bool]]:
        """(rank, label, whether it is chosen) for each impact."""
        chosen = self.data.get("least_impact") if self._is_full() else self.now_chosen.least_impact
        return [(rank, IMPACT_LABELS[impact], str(rank) == str(chosen)) for rank, impact in enumerate(Impact)]

    @property
    def digest_now(self) -> bool:
        """Whether one mail a day is ticked."""
        return bool(self.data.get("is_digest")) if self._is_full() else self.now_chosen.is_digest

    def _is_full(self) -> bool:
        return self.is_bound and bool(self.data.get("full"))

    def _chosen_places(self) -> set[str]:
        if self._is_full():
            return set(self._sent("places"))
        chosen: list[Component | Group] = [*self.now_chosen.components, *self.now_chosen.groups]
        return {_value(place) for place in chosen}

    def _sent(self, name: str) -> list[str]:
        return list(cast("QueryDict", self.data).getlist(name))

    def _kinds(self) -> Iterable[tuple[NoticeKind, str]]:
        return [(kind, KIND_LABELS[kind]) for kind in offered(self.channel)]


class SignUpForm(ChoiceForm):
    """An address and a choice, or the one incident of "tell me when this is fixed"."""

    address = forms.CharField(max_length=2_000, error_messages={"required": "Enter an address."})
    contact = forms.CharField(required=False, max_length=254)
    follow = forms.SlugField(required=False, max_length=20)
    challenge = forms.CharField(required=False, max_length=200)
    number = forms.CharField(required=False, max_length=20)

    def clean_address(self) -> str:
        """The address as it will be stored, without control characters."""
        try:
            return checked(self.channel, self.cleaned_data["address"])
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def clean_contact(self) -> str:
        """The email address to notify when the webhook fails; empty for other channels."""
        if self.channel is not Channel.WEBHOOK:
            return ""
        text = self.cleaned_data["contact"]
        if not text:
            raise ValidationError("Enter an email address: we write to it if your endpoint fails for days.")
        try:
            return checked(Channel.EMAIL, text)
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def clean_follow(self) -> Incident | None:
        """The open incident to follow; None if the form names none."""
        public_id = self.cleaned_data["follow"]
        if not public_id:
            return None
        incident = public_incident(public_id)
        if incident is None or incident.resolved_at:
            raise ValidationError("That incident is over. You can subscribe to future ones.")
        return incident

    @property
    def choice(self) -> Choice:
        """The choice made, or only the incident to follow."""
        incident = self.cleaned_data["follow"]
        return follow(incident) if incident else super().choice

    @property
    def is_worked_for(self) -> bool:
        """Whether the proof of work is solved, if one is required."""
        return proof.is_solved(self.cleaned_data["challenge"], self.cleaned_data["number"])

    @property
    def address_label(self) -> str:
        """The label of the address field."""
        label = channels.kind(self.channel).address_label
        return label or f"Address of the incoming webhook in {self.channel.label}"

    @property
    def looks(self) -> str:
        """An example of such an address."""
        return channels.kind(self.channel).example


def _pick(place: Component | Group, chosen: set[str], inside: Sequence[Pick] = ()) -> Pick:
    return Pick(_value(place), place.name, _value(place) in chosen, tuple(inside))


def _value(place: Component | Group) -> str:
    return f"{'group' if isinstance(place, Group) else 'component'}-{place.public_id}"
