"""Template tags for staff's forms."""

from django import template
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def plain(field: BoundField) -> SafeString:
    """The field without a placeholder: its label stands above it and stays."""
    return field.as_widget(attrs={"placeholder": False})
