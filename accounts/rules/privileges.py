"""Compare the privileges of two accounts. ``permissions`` decides whether an account may do the action at all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Privileges:
    """What an account may do by its rows. A closed account keeps them, because it may be opened again."""

    is_superuser: bool = False
    is_staff: bool = False
    permissions: frozenset[str] = frozenset()


def may_act_on(actor: Privileges, target: Privileges) -> bool:
    """Return whether the target has no privilege that the actor lacks. Equal privileges are enough.

    Superusers have all privileges. Staff may act on staff whose permissions are a subset of their own; if each of two
    has a permission that the other lacks, neither may act on the other. The target's permissions count even if it is
    not staff, the actor's only if it is.
    """
    if actor.is_superuser:
        return True
    if target.is_superuser or target.is_staff > actor.is_staff:
        return False
    own = actor.permissions if actor.is_staff else frozenset()
    return target.permissions <= own
