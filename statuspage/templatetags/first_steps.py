"""The first steps on a new installation, until they are done."""

from dataclasses import dataclass

from django import template
from django.urls import reverse

from components.models import Component, Group, Probe
from incidents.models import Incident
from statuspage.ops.bootstrap import OWN_GROUP

register = template.Library()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and where."""

    text: str
    why: str
    url: str
    is_done: bool


@register.simple_tag
def first_steps() -> list[Step]:
    """The three steps; empty once all are done."""
    components = Component.objects.exclude(group__name=OWN_GROUP)
    steps = [
        Step(
            "Add a component",
            "what customers know by name, such as “Sending messages”.",
            reverse("console_component_new"),
            components.exists(),
        ),
        Step(
            "Give it a probe",
            "what to check and how often. Its status appears within seconds, and incidents open "
            "automatically.",
            reverse("console_components"),
            Probe.objects.filter(component__in=components).exists(),
        ),
        Step(
            "Group it and post a first update",
            "components of one group share an incident when they fail together.",
            reverse("console_new"),
            Incident.objects.exists() or Group.objects.exclude(name=OWN_GROUP).exists(),
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps
