"""The first steps on a new installation, for the start page of Django's admin."""

from django import template

from statuspage.console.first_steps import Step
from statuspage.console.first_steps import first_steps as steps_now

register = template.Library()


@register.simple_tag
def first_steps() -> tuple[Step, ...]:
    """The three steps; empty once all are done."""
    return steps_now()
