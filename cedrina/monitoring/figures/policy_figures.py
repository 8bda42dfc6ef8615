"""Which versions of policies are in force. An app with versioned policies adds its kind by ``policy_kind``."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from cedrina.monitoring.figures.stored_figures import Values, stored_figure
from ratelimiting.models import PolicyVersion


class PolicyState(NamedTuple):
    """The number of the newest version, and when it was stored; ``None`` while there is none."""

    version: int
    changed_at: datetime | None


POLICY_KINDS: dict[str, Callable[[], PolicyState]] = {}


def policy_kind(kind: str) -> Callable[[Callable[[], PolicyState]], Callable[[], PolicyState]]:
    """Register the function that reads the state of a kind of policies."""

    def register(read: Callable[[], PolicyState]) -> Callable[[], PolicyState]:
        POLICY_KINDS[kind] = read
        return read

    return register


@policy_kind("rate_limits")
def rate_limits() -> PolicyState:
    newest = PolicyVersion.objects.order_by("-number").values_list("number", "created_at").first()
    return PolicyState(*newest) if newest else PolicyState(0, None)


@stored_figure("policy_version", "The newest version of policies.", ("kind",), seconds=5.0)
def policy_version(_now: datetime) -> Values:
    return {(kind,): read().version for kind, read in POLICY_KINDS.items()}


@stored_figure("policy_age_seconds", "Since when the newest version of policies exists, in seconds.", ("kind",))
def policy_age(now: datetime) -> Values:
    states = {kind: read().changed_at for kind, read in POLICY_KINDS.items()}
    return {(kind,): (now - changed).total_seconds() for kind, changed in states.items() if changed is not None}
