"""Large numbers as people read them."""

from django import template

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """ "1,204"."""
    return f"{number:,}"
