"""The policies in force, from all sources, indexed so that finding those of a request takes one dictionary lookup."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.signals import setting_changed

from ratelimiting import selectors
from ratelimiting.client_addresses.networks import IPV6_PREFIXES
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import Fault, PolicyInvalid
from ratelimiting.known_names import known_keys, known_names
from ratelimiting.policy_schema import IP, METHODS, KnownNames, LimitPolicy, merge_policy, nearest_names, parse_policy
from ratelimiting.types import Mode, Quota

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ratelimiting.models import RateLimitPolicy

PROFILE, ENVIRONMENT, DATABASE = "profile", "environment", "database"
_SOURCE_NAMES = {
    PROFILE: "RATELIMITING['POLICIES']",
    ENVIRONMENT: "RATELIMIT_POLICIES (RATELIMITING['OVERRIDES'])",
    DATABASE: "database",
}
OTHER_METHODS = "OTHER"
# Beyond so many kinds of requests nothing more is cached.
_MOST_CACHED = 4096
# How many times its /64's limit the /56 and the /48 around an IPv6 caller may use. A household or an office has one of
# them and little more traffic than a /64; a mobile carrier's holds thousands of people, few of whom are active at once.
WIDER_FACTORS = (4, 16)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """A policy with the quotas that are computed from it once.

    ``wider``: the quotas of the networks around an IPv6 caller's /64; empty if the policy does not count by ``ip``.
    """

    policy: LimitPolicy
    quota: Quota
    wider: tuple[Quota, ...] = ()


class PolicySet:
    """Policies by name, the source of each, and for each kind of request those that apply to it."""

    def __init__(self, *, version: int, policies: Mapping[str, LimitPolicy], sources: Mapping[str, str]) -> None:
        self.version = version
        self.policies = policies
        self.sources = sources
        self._cache: dict[tuple[str, str, str | None], tuple[ActivePolicy, ...]] = {}

    def for_request(self, *, route: str, method: str, tier: str | None) -> tuple[ActivePolicy, ...]:
        """Return the policies that apply to a kind of request; computed once for each route, method and tier."""
        kind = (route, method, tier)
        found = self._cache.get(kind)
        if found is None:
            found = self._matching(route, "GET" if method == "HEAD" else method, tier)
            if len(self._cache) < _MOST_CACHED:
                self._cache[kind] = found
        return found

    def _matching(self, route: str, method: str, tier: str | None) -> tuple[ActivePolicy, ...]:
        matching = [
            policy
            for policy in self.policies.values()
            if policy.mode is not Mode.OFF and policy.match.fits(route=route, method=method, tier=tier)
        ]
        enforced = {policy.name for policy in matching if policy.mode is Mode.ENFORCE}
        return tuple(activate(policy=policy) for policy in matching if not enforced.intersection(policy.match.unless))


class PolicyInForce(NamedTuple):
    """A policy with its source, and the row that stores it; None if it stands in the settings."""

    policy: LimitPolicy
    source: str
    stored: RateLimitPolicy | None


class PolicyPage(NamedTuple):
    """Some of the policies in force, the version of them all, and the name to continue after; None if none follow."""

    policies: list[PolicyInForce]
    version: int
    next: str | None


class _ProcessState:
    """The stored policies as of a version, and the set made of them and of the settings."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 0
        self.stored: Sequence[Mapping[str, Any]] = ()
        self.policies: PolicySet | None = None


_state = _ProcessState()


def current() -> PolicySet:
    """Return the policies in force, without a query."""
    return _state.policies or _rebuild()


def refresh() -> int:
    """Read the stored policies if their version changed; return the version that this process uses now."""
    if selectors.version_number() != _state.version:
        version, stored = selectors.present_version()
        with _state.lock:
            _state.version, _state.stored, _state.policies = version, stored, None
        _rebuild()
    return _state.version


def page(*, after: str, limit: int) -> PolicyPage:
    """Return the policies in force by name, from the first one whose name follows ``after``."""
    version, found, stored = refresh(), current(), selectors.stored_policies()
    names = sorted(name for name in found.policies if name > after)
    policies = [PolicyInForce(found.policies[name], found.sources[name], stored.get(name)) for name in names[:limit]]
    return PolicyPage(policies, version, names[limit - 1] if len(names) > limit else None)


def forget_stored() -> None:
    """Forget what was read from the database. For tests."""
    with _state.lock:
        if _state.version:  # without, the set is made of the settings alone, and the next test may have it
            _state.version, _state.stored, _state.policies = 0, (), None


def from_settings(*, known: KnownNames | None = None) -> tuple[dict[str, LimitPolicy], dict[str, str]]:
    """Return the policies in the settings, and the source of each. ``known``: the names that they may use.

    Without ``known`` any route and tier may be named: the checks before a start have compared them.

    Raises: PolicyInvalid, with every fault of every policy.
    """
    documents: dict[str, Any] = {}
    sources: dict[str, str] = {}
    faults: list[Fault] = []
    for source, given in (
        (PROFILE, rate_limiting_settings.POLICIES),
        (ENVIRONMENT, rate_limiting_settings.OVERRIDES),
    ):
        for document in given:
            name = str(document.get("name", "?")) if isinstance(document, dict) else "?"
            documents[name] = (
                merge_policy(documents.get(name, {}), document) if isinstance(document, dict) else document
            )
            sources[name] = source
    policies: dict[str, LimitPolicy] = {}
    for name, document in documents.items():
        try:
            policies[name] = _parse(document, source=sources[name], known=known)
        except PolicyInvalid as error:
            faults += error.faults
            faults += _misspelt_override_faults(name, error.faults, known=policies.keys(), source=sources[name])
    faults += unknown_policy_faults(policies=policies.values(), known=documents, sources=sources)
    if faults:
        raise PolicyInvalid(faults)
    return policies, sources


def _misspelt_override_faults(
    name: str, faults: Iterable[Fault], *, known: Collection[str], source: str
) -> list[Fault]:
    """Return a fault for a policy that lacks members and whose name is nearly that of a policy to override."""
    near = nearest_names(name, known)
    if source != ENVIRONMENT or not near or all(fault.code != "required" for fault in faults):
        return []
    sentence = f"overrides no policy, because none has this name; the nearest are {', '.join(near)}."
    return [Fault("name", "invalid", sentence, name, _SOURCE_NAMES[source])]


def unknown_policy_faults(
    *, policies: Iterable[LimitPolicy], known: Iterable[str], sources: Mapping[str, str] | None = None
) -> list[Fault]:
    """Return a fault for each name in a policy's ``unless`` that is not the name of a policy."""
    names = set(known)
    return [
        Fault(
            "match.unless",
            "invalid",
            f"{unknown} is no policy; there are {', '.join(sorted(names))}.",
            policy.name,
            _SOURCE_NAMES[(sources or {}).get(policy.name, DATABASE)],
        )
        for policy in policies
        for unknown in sorted(set(policy.match.unless) - names)
    ]


def outdated_names() -> list[Fault]:
    """Return a fault for each name in a policy in force that no longer exists, such as a route that an upgrade removed.

    Such a policy stays in force for the names that exist. Nothing else refuses it, because it was valid when it was
    stored, and a server must not stop serving for it.
    """
    found, known = current(), known_names()
    faults = unknown_policy_faults(policies=found.policies.values(), known=found.policies, sources=found.sources)
    for name, policy in found.policies.items():
        try:
            _parse(policy.document(), source=found.sources[name], known=known)
        except PolicyInvalid as error:
            faults += error.faults
    return faults


def activate(*, policy: LimitPolicy) -> ActivePolicy:
    """Return a policy with its quotas."""
    return ActivePolicy(
        policy=policy, quota=policy.quota, wider=_wider_quotas(policy.quota) if IP in policy.scope else ()
    )


def quota_for(*, policy: LimitPolicy, network: str) -> Quota:
    """Return the quota that a policy gives to a network: that of a wider IPv6 network is larger."""
    quotas = (policy.quota, *activate(policy=policy).wider)
    for prefix, quota in zip(IPV6_PREFIXES, quotas, strict=False):
        if network.endswith(f"/{prefix}"):
            return quota
    return policy.quota


def method_group(*, method: str | None) -> str:
    """Return a known method's name, and one name for all others: invented methods must not fill the cache."""
    return method if method in METHODS else OTHER_METHODS


@lru_cache(maxsize=1024)
def _wider_quotas(quota: Quota) -> tuple[Quota, ...]:
    """Return the quotas of the /56 and the /48 around a /64. If the policy's own can be counted, they can be too."""
    return tuple(
        quota._replace(limit=quota.limit * factor, burst=None if quota.burst is None else quota.burst * factor)
        for factor in WIDER_FACTORS
    )


def _parse(document: Any, *, source: str, known: KnownNames | None = None) -> LimitPolicy:
    return parse_policy(document, known=known or known_keys(), source=_SOURCE_NAMES[source])


def _rebuild() -> PolicySet:
    with _state.lock:
        if _state.policies is not None:
            return _state.policies
        policies, sources = from_settings()
        for stored in _state.stored:
            try:
                policy = _parse({name: value for name, value in stored.items() if name != "id"}, source=DATABASE)
            except PolicyInvalid as error:
                # It was stored under other settings, or by hand. The other policies must still apply.
                log.error("rate_limit_policy_ignored: %s", error)  # noqa: TRY400 - a traceback would add nothing
                continue
            policies[policy.name] = policy
            sources[policy.name] = DATABASE
        _state.policies = PolicySet(version=_state.version, policies=policies, sources=sources)
        return _state.policies


def _discard_policies(*, setting: str, **_details: Any) -> None:
    if setting == "RATELIMITING":
        _state.policies = None


setting_changed.connect(_discard_policies, dispatch_uid="ratelimiting.active_policies")
