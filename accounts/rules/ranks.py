"""May one account act on another? Whether it may do the action at all is for ``decisions`` to say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do by its rows, whether or not it is active: who is closed may be opened again."""

    is_superuser: bool = False
    is_staff: bool = False
    permissions: frozenset[str] = frozenset()


def may_act_on(actor: Rights, target: Rights) -> bool:
    """Say whether an account may act on another: on none with more rights than its own, on its equals it may.

    Superusers have all rights. Of two members of staff the one may act on the other whose permissions are the same or
    some of its own; where each has one that the other lacks, neither may. Permissions count for the target even while
    it is no staff, and for the actor only while it is.
    """
    if actor.is_superuser:
        return True
    if target.is_superuser or target.is_staff > actor.is_staff:
        return False
    own = actor.permissions if actor.is_staff else frozenset()
    return target.permissions <= own
