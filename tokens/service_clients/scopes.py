"""The scopes that service clients can have (RFC 6749, 3.3).

Each app declares the scopes of its own calls when it is loaded, and so can any project. A scope has the name of the
action that it permits, so a call is guarded once for people and for service clients.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# A part of what RFC 6749, 3.3 allows in a scope: what the names of actions look like.
_NAME = re.compile(r"[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)*")
_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Scope:
    """A declared scope. ``label`` says what it permits; the admin shows it."""

    name: str
    label: "StrOrPromise"


_declared: dict[str, Scope] = {}

SCOPES: Mapping[str, Scope] = MappingProxyType(_declared)
"""All declared scopes by their names. It grows while Django starts."""


def register(scope: Scope) -> Scope:
    """Declare a scope and return it. Call this when a module of your app is imported.

    Raises: ValueError, for a malformed name, or for one that another scope has.
    """
    if not _NAME.fullmatch(scope.name) or len(scope.name) > _NAME_LENGTH:
        raise ValueError(f"The name {scope.name!r} of a scope must match {_NAME.pattern}.")
    if _declared.setdefault(scope.name, scope) is not scope:
        raise ValueError(f"The scope {scope.name!r} is declared already.")
    return scope


def scope_text(names: frozenset[str]) -> str:
    """Return scopes as the parameter ``scope`` writes them: in order, separated by spaces."""
    return " ".join(sorted(names))


INTROSPECT = register(Scope("tokens:introspect", _("introspect the tokens of everybody")))
MANAGE_STREAMS = register(Scope("ssf:manage", _("make and change its own streams of shared signals, and poll them")))
READ_STREAMS = register(Scope("ssf:read", _("read its own streams of shared signals")))
