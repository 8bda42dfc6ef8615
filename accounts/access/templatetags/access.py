"""Ask the policy in templates: ``{% load access %}``."""

from typing import Any

from django import template

from accounts.access.services import decisions
from accounts.access.services.visible_rows import queries

register = template.Library()


@register.filter
def may(user: Any, permission: str) -> bool:
    """Return whether a user has a permission: ``{% if user|may:"documents:publish" %}``."""
    return decisions.may(user, permission)


@register.simple_tag
def may_do(user: Any, row: Any, action: str) -> bool:
    """Return whether a user may do an action on a row: ``{% may_do user document "edit" as editable %}``."""
    return queries.may_do(user, row, action)
