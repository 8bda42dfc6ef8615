"""The permissions that exist. Each is an object ``permissions/<name>`` with the action ``use``.

Each permission is a role of the same name, too, which nobody has to make and nothing can change: who has the role
``users:read`` has the permission ``users:read``, unless a rule denies it. Scopes of service clients are such roles. The
names of other roles have no colon, so that no role can be mistaken for a permission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.functional import Promise

PERMISSION_OBJECTS = "permissions"
USE = "use"
# Who has this role may do everything, until its grant ends: see services/break_glass.
BREAK_GLASS = "break:glass"


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission. ``django_permissions`` are those of Django, ``<app>.<codename>``, that it gives, too."""

    name: str
    description: str | Promise
    django_permissions: tuple[str, ...] = ()


_declared: dict[str, Permission] = {}

KNOWN_PERMISSIONS: Mapping[str, Permission] = MappingProxyType(_declared)


def declare(permission: Permission) -> Permission:
    """Declare a permission.

    Raises: ValueError, if its name is another one's or has not the form ``<object>:<verb>``.
    """
    thing, _, verb = permission.name.partition(":")
    if not (thing and verb) or permission.name == BREAK_GLASS or permission.name in _declared:
        raise ValueError(f"{permission.name!r} can't be declared as a permission.")
    _declared[permission.name] = permission
    return permission


def object_of(name: str) -> str:
    """Return the object of a permission, as rules name it."""
    return f"{PERMISSION_OBJECTS}/{name}"
