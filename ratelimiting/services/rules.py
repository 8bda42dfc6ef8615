"""The policies that are in force, from all their sources, arranged so that a request finds its own in no time."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.signals import setting_changed

from ratelimiting import selectors
from ratelimiting.addresses import IPV6_PREFIXES
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import Fault, PolicyInvalid
from ratelimiting.policy import IP, METHODS, Policy, merged, read
from ratelimiting.types import Mode, Quota

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROFILE, ENVIRONMENT, DATABASE = "profile", "environment", "database"
_LABELS = {
    PROFILE: "RATELIMITING['POLICIES']",
    ENVIRONMENT: "RATELIMIT_POLICIES (RATELIMITING['OVERRIDES'])",
    DATABASE: "database",
}
OTHER = "OTHER"
_MOST_PLANS = 4096

log = logging.getLogger(__name__)


# How much more the /56 and the /48 around an IPv6 caller may have than its /64. A household or an office has one of
# them and little more traffic than a /64; a mobile carrier's holds thousands of people, few of whom are here at once.
WIDER_FACTORS = (4, 16)


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy as a request meets it, with what doesn't change from one to the next.

    ``wider`` are the quotas of the networks around an IPv6 caller's /64, where the policy counts by ``ip``.
    """

    policy: Policy
    quota: Quota
    wider: tuple[Quota, ...] = ()


class RuleSet:
    """Policies by name, where each comes from, and for each kind of request those that apply to it."""

    def __init__(self, *, version: int, policies: Mapping[str, Policy], sources: Mapping[str, str]) -> None:
        self.version = version
        self.policies = policies
        self.sources = sources
        self._plans: dict[tuple[str, str, str | None], tuple[Rule, ...]] = {}

    def plan(self, *, route: str, method: str, tier: str | None) -> tuple[Rule, ...]:
        """Return the policies of a request, found once for each route, method and tier."""
        kind = (route, method, tier)
        found = self._plans.get(kind)
        if found is None:
            found = self._fitting(route, "GET" if method == "HEAD" else method, tier)
            if len(self._plans) < _MOST_PLANS:
                self._plans[kind] = found
        return found

    def _fitting(self, route: str, method: str, tier: str | None) -> tuple[Rule, ...]:
        fitting = [
            policy
            for policy in self.policies.values()
            if policy.mode is not Mode.OFF and policy.match.fits(route=route, method=method, tier=tier)
        ]
        enforced = {policy.name for policy in fitting if policy.mode is Mode.ENFORCE}
        return tuple(rule_of(policy=policy) for policy in fitting if not enforced.intersection(policy.match.unless))


class _Live:
    """What this process knows: rows as of a version, and the rules made of them and of the settings."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 0
        self.rows: Sequence[Mapping[str, Any]] = ()
        self.rules: RuleSet | None = None


_live = _Live()


def current() -> RuleSet:
    """Return the rules in force, without a query."""
    return _live.rules or _rebuild()


def refresh() -> int:
    """Look whether the policies were changed and follow if so; return the version that is followed now."""
    if selectors.version_number() != _live.version:
        version, rows = selectors.present_version()
        with _live.lock:
            _live.version, _live.rows, _live.rules = version, rows, None
        _rebuild()
    return _live.version


def forget() -> None:
    """Know nothing of the database, as a new process does."""
    with _live.lock:
        _live.version, _live.rows, _live.rules = 0, (), None


def from_settings() -> tuple[dict[str, Policy], dict[str, str]]:
    """Return the policies that the settings name, and the source of each.

    Raises: PolicyInvalid, with every mistake of every policy.
    """
    documents: dict[str, Mapping[str, Any]] = {}
    sources: dict[str, str] = {}
    faults: list[Fault] = []
    for source, given in (
        (PROFILE, rate_limiting_settings.POLICIES),
        (ENVIRONMENT, rate_limiting_settings.OVERRIDES),
    ):
        for document in given:
            name = str(document.get("name", "?")) if isinstance(document, dict) else "?"
            documents[name] = merged(documents.get(name, {}), document) if isinstance(document, dict) else document
            sources[name] = source
    policies: dict[str, Policy] = {}
    for name, document in documents.items():
        try:
            policies[name] = _read(document, source=sources[name])
        except PolicyInvalid as error:
            faults += error.faults
    faults += strangers(policies=policies.values(), known=documents, sources=sources)
    if faults:
        raise PolicyInvalid(faults)
    return policies, sources


def strangers(
    *, policies: Iterable[Policy], known: Iterable[str], sources: Mapping[str, str] | None = None
) -> list[Fault]:
    """Return a fault for each policy whose ``unless`` names one that there is not."""
    names = set(known)
    return [
        Fault(
            "match.unless",
            "invalid",
            f"{unknown} is no policy; there are {', '.join(sorted(names))}.",
            policy.name,
            _LABELS[(sources or {}).get(policy.name, DATABASE)],
        )
        for policy in policies
        for unknown in sorted(set(policy.match.unless) - names)
    ]


def _read(document: Mapping[str, Any], *, source: str) -> Policy:
    return read(document, named_keys=tuple(rate_limiting_settings.KEYS), source=_LABELS[source])


def _rebuild() -> RuleSet:
    with _live.lock:
        if _live.rules is not None:
            return _live.rules
        policies, sources = from_settings()
        for row in _live.rows:
            try:
                policy = _read({name: value for name, value in row.items() if name != "id"}, source=DATABASE)
            except PolicyInvalid as error:
                # Stored under other settings, or by hand: what can't be applied must not take the others with it.
                log.error("rate_limit_policy_ignored: %s", error)  # noqa: TRY400 - the sentence says it all
                continue
            policies[policy.name] = policy
            sources[policy.name] = DATABASE
        _live.rules = RuleSet(version=_live.version, policies=policies, sources=sources)
        return _live.rules


def _forget_rules(*, setting: str, **_details: Any) -> None:
    if setting == "RATELIMITING":
        _live.rules = None


setting_changed.connect(_forget_rules, dispatch_uid="ratelimiting.forget_rules")


def rule_of(*, policy: Policy) -> Rule:
    """Return a policy ready for use."""
    return Rule(policy=policy, quota=policy.quota, wider=_wider(policy.quota) if IP in policy.scope else ())


def quota_for(*, policy: Policy, network: str) -> Quota:
    """Return the quota of a policy for an address or a network as an operator writes it."""
    quotas = (policy.quota, *rule_of(policy=policy).wider)
    for prefix, quota in zip(IPV6_PREFIXES, quotas, strict=False):
        if network.endswith(f"/{prefix}"):
            return quota
    return policy.quota


@lru_cache(maxsize=1024)
def _wider(quota: Quota) -> tuple[Quota, ...]:
    """Return the quotas of the networks around a /64. They can be counted if the policy's own can be."""
    return tuple(
        replace(quota, limit=quota.limit * factor, burst=None if quota.burst is None else quota.burst * factor)
        for factor in WIDER_FACTORS
    )


def known_method(*, method: str | None) -> str:
    """Return a method's name; all that nobody knows are one, or each invented name would be a plan of its own."""
    return method if method in METHODS else OTHER
