"""The permissions that exist. Each is an object ``permissions/<name>`` with the action ``use``.

Each permission is a role of the same name, too, which nobody has to make and nothing can change: who has the role
``users:read`` has the permission ``users:read``, unless a rule denies it. Scopes of service clients are such roles. The
names of other roles have no colon, so that no role can be mistaken for a permission.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.functional import Promise

PERMISSION_OBJECTS = "permissions"
USE = "use"
PERMISSION_MARK = ":"  # in the name of each permission, and of no stored role
# Who has this role may do everything, until its grant ends: it is given by ``PolicyWriter.break_glass`` alone.
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
    thing, _, verb = permission.name.partition(PERMISSION_MARK)
    if not (thing and verb) or permission.name == BREAK_GLASS or permission.name in _declared:
        raise ValueError(f"{permission.name!r} can't be declared as a permission.")
    _declared[permission.name] = permission
    return permission


def is_beyond(scopes: Collection[str], path: str) -> bool:
    """Return whether a path is the object of a permission that none of some scopes names."""
    name = path.removeprefix("/")
    return name.startswith(f"{PERMISSION_OBJECTS}/") and name.removeprefix(f"{PERMISSION_OBJECTS}/") not in scopes


def object_of(name: str) -> str:
    """Return the object of a permission, as rules name it."""
    return f"{PERMISSION_OBJECTS}/{name}"
