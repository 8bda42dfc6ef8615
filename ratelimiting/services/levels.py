"""Which levels apply to a request, or to a key that a service names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ratelimiting import keys
from ratelimiting.client_addresses.networks import counted_networks
from ratelimiting.policy_schema import ENDPOINT, GLOBAL, IP, TIER, USER
from ratelimiting.services import active_policies
from ratelimiting.types import Level, Quota, RequestAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ratelimiting.services.active_policies import ActivePolicy, PolicySet


class KeyedLevel(NamedTuple):
    """A level, and the values of the parts of its key by the parts' names."""

    level: Level
    parts: dict[str, str]


def levels_for_request(*, attributes: RequestAttributes, policies: PolicySet) -> list[KeyedLevel]:
    """Return the levels that apply to a request. A policy does not apply if the request lacks a part of its key."""
    method = active_policies.method_group(method=attributes.method)
    found: list[KeyedLevel] = []
    for active in policies.for_request(route=attributes.route, method=method, tier=attributes.caller.tier):
        parts = _parts(active, attributes)
        if parts is not None:
            found.append(KeyedLevel(level_for(active=active, parts=parts), parts))
            if active.wider and ":" in parts[IP]:
                found += _wider_levels(active, parts)
    return found


def levels_for_key(*, active: ActivePolicy, parts: dict[str, str], cost: int | None = None) -> list[KeyedLevel]:
    """Return the levels of one policy for a key: of an IPv6 network also those of the wider networks around it."""
    own = KeyedLevel(level_for(active=active, parts=parts, cost=cost), parts)
    return [own, *_wider_levels(active, parts, cost)] if active.wider and ":" in parts[IP] else [own]


def level_for(
    *, active: ActivePolicy, parts: dict[str, str], cost: int | None = None, quota: Quota | None = None
) -> Level:
    """Return one level of a policy; ``cost`` and ``quota`` replace the policy's own."""
    policy = active.policy
    return Level(
        policy=policy.name,
        quota=quota or active.quota,
        key=keys.counter_key(policy.name, parts),
        mode=policy.mode,
        cost=policy.cost if cost is None else cost,
        on_store_failure=policy.on_store_failure,
    )


def _wider_levels(active: ActivePolicy, parts: dict[str, str], cost: int | None = None) -> Iterator[KeyedLevel]:
    around = counted_networks(parts[IP].partition("/")[0])[1:]
    for quota, network in zip(active.wider, around, strict=True):
        wider = {**parts, IP: network}
        yield KeyedLevel(level_for(active=active, parts=wider, cost=cost, quota=quota), wider)


def _parts(active: ActivePolicy, attributes: RequestAttributes) -> dict[str, str] | None:
    """Return the parts of a policy's key; None if the request lacks one of them."""
    parts: dict[str, str] = {}
    for part in active.policy.scope:
        value: str | None
        if part == GLOBAL:
            continue
        if part == IP:
            value = keys.address_network(attributes.address)
        elif part == USER:
            value = attributes.caller.user
        elif part == TIER:
            value = attributes.caller.tier
        elif part == ENDPOINT:
            value = attributes.route
        else:
            value = attributes.find_key(part)
        if value is None:
            return None
        parts[part] = value
    return parts
