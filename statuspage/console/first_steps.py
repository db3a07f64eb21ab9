"""The first steps on a new installation, until they are done."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from components import mixed_rows
from components.mixed_rows import rows
from components.models import Component, Group, Probe
from incidents.models import Incident
from statuspage.ops.bootstrap import OWN_GROUP

COMPONENT, PROBE, POSTED = "has_component", "has_probe", "has_posted"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and where."""

    text: str
    why: str
    url: str
    is_done: bool


def first_steps() -> tuple[Step, ...]:
    """The three steps; empty once all are done."""
    return steps(STATEMENT.read())


def parts() -> list[QuerySet[Any, Any]]:
    """What to read for `steps`: a row of each kind of thing that there is, but for the page's own."""
    components, groups = (
        Component.objects.exclude(group__name=OWN_GROUP),
        Group.objects.exclude(name=OWN_GROUP),
    )
    probes = Probe.objects.filter(component__in=components)
    every: list[tuple[str, QuerySet[Any]]] = [
        (COMPONENT, components), (PROBE, probes), (POSTED, groups), (POSTED, Incident.objects.all())
    ]  # fmt: skip
    return [rows(kind, mixed_rows.first(of.order_by("pk"), 1)) for kind, of in every]


STATEMENT = mixed_rows.Statement(parts)


def steps(there: Container[str]) -> tuple[Step, ...]:
    """The steps, by which kinds of things there are."""
    every = (
        Step(
            "Add a component",
            "what customers know by name, such as “Sending messages”.",
            reverse("console_component_new"),
            COMPONENT in there,
        ),
        Step(
            "Give it a probe",
            "what to check and how often. Its status appears within seconds, and incidents open "
            "automatically.",
            reverse("console_components"),
            PROBE in there,
        ),
        Step(
            "Group it and post a first update",
            "components of one group share an incident when they fail together.",
            reverse("console_new"),
            POSTED in there,
        ),
    )
    return () if all(step.is_done for step in every) else every
