"""Roles inherit roles: who has one has what its parents have, and theirs."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from accounts.access.errors import RolesInvalid

MAX_DEPTH = 10  # roles in a chain. Casbin answers no beyond this, without a word.


def expand(parents: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return for each role itself and all roles that it inherits from.

    Raises: RolesInvalid, for a cycle, a chain of more than ``MAX_DEPTH`` roles, or a parent that is no role.
    """
    expanded: dict[str, frozenset[str]] = {}
    depths: dict[str, int] = {}

    def visit(role: str, above: tuple[str, ...]) -> None:
        if role in expanded:
            return
        if role in above:
            raise RolesInvalid(role, _("The roles inherit from each other in a circle."))
        if len(above) >= MAX_DEPTH:
            raise RolesInvalid(above[0], _("A chain of roles has at most %d of them.") % MAX_DEPTH)
        found, depth = {role}, 1
        for parent in parents[role]:
            if parent not in parents:
                raise RolesInvalid(role, _("There is no role %s.") % parent)
            visit(parent, (*above, role))
            found |= expanded[parent]
            depth = max(depth, depths[parent] + 1)
        if depth > MAX_DEPTH:
            raise RolesInvalid(role, _("A chain of roles has at most %d of them.") % MAX_DEPTH)
        expanded[role], depths[role] = frozenset(found), depth

    for role in parents:
        visit(role, ())
    return expanded
