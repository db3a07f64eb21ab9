"""What a subscriber chose to be notified of, as values of the form."""

from dataclasses import dataclass

from components.models import Component, Group
from incidents.models import Incident, NoticeKind
from subscribers.states import Channel

KINDS = (NoticeKind.INCIDENT, NoticeKind.MAINTENANCE, NoticeKind.POSTMORTEM)


@dataclass(frozen=True, slots=True)
class Choice:
    """`follows`: single incidents, sent whatever else is chosen. `least_impact`: a rank in Impact."""

    is_all: bool = True
    components: tuple[Component, ...] = ()
    groups: tuple[Group, ...] = ()
    follows: tuple[Incident, ...] = ()
    kinds: tuple[NoticeKind, ...] = KINDS
    least_impact: int = 0
    is_digest: bool = False

    @property
    def is_follow(self) -> bool:
        """True for incidents alone: "tell me when this is fixed"."""
        return bool(self.follows) and not (self.is_all or self.components or self.groups)

    @property
    def has_report(self) -> bool:
        """Whether it includes the monthly report."""
        return NoticeKind.REPORT in self.kinds


def usual(channel: Channel) -> Choice:
    """The default choice: webhooks also get changes of components."""
    return Choice(kinds=(*KINDS, NoticeKind.COMPONENT) if channel is Channel.WEBHOOK else KINDS)


def offered(channel: Channel) -> tuple[NoticeKind, ...]:
    """What a form of this channel offers: mail also has the monthly report, which no one gets unasked."""
    kinds = usual(channel).kinds
    return (*kinds, NoticeKind.REPORT) if channel is Channel.EMAIL else kinds


def follow(incident: Incident) -> Choice:
    """This incident alone."""
    return Choice(is_all=False, follows=(incident,))


def public_incident(public_id: str) -> Incident | None:
    """The public incident with this id, or the one it was merged into; else None."""
    if not public_id or "\0" in public_id:
        return None
    incident = (
        Incident.objects.filter(public_id=public_id, deleted_at=None).exclude(published_at=None).first()
    )
    place = incident.merged_into_id if incident and incident.merged_into_id else incident and incident.pk
    return Incident.objects.public().filter(pk=place).first() if place else None
