"""What a policy says, and how it is read from what somebody wrote: each mistake is named, with what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from django.utils.translation import gettext as _

from ratelimiting.algorithms import evaluation
from ratelimiting.errors import Fault, PolicyInvalid
from ratelimiting.types import Algorithm, Mode, OnStoreFailure, Quota

NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
GLOBAL, TIER, USER, IP, ENDPOINT = "global", "tier", "user", "ip", "endpoint"
BUILT_IN_SCOPE_PARTS = (GLOBAL, TIER, USER, IP, ENDPOINT)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LARGEST_LIMIT = 1_000_000_000
LONGEST_WINDOW_SECONDS = 31 * 86_400
LONGEST_DESCRIPTION, LONGEST_PATTERN, LONGEST_TIER, MOST_ITEMS = 200, 200, 50, 50
MEMBERS = (
    "name",
    "description",
    "algorithm",
    "limit",
    "window",
    "burst",
    "scope",
    "match",
    "mode",
    "cost",
    "on_store_failure",
)
REQUIRED = ("name", "limit", "window", "scope")
MATCH_MEMBERS = ("routes", "methods", "tier", "unless")


@dataclass(frozen=True, slots=True)
class RequestMatch:
    """Which requests a policy applies to.

    By the names of their routes (shell patterns; none at all for a policy that only services ask for), their methods
    (none for any) and the caller's tier; and not where an enforced policy named in ``unless`` applies.
    """

    routes: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ()
    tier: str | None = None
    unless: tuple[str, ...] = ()

    def fits(self, *, route: str, method: str, tier: str | None) -> bool:
        return (
            (self.tier is None or self.tier == tier)
            and (not self.methods or method in self.methods)
            and any(fnmatchcase(route, pattern) for pattern in self.routes)
        )


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """A quota, whom it is counted for, what it applies to and what it does."""

    name: str
    limit: int
    window: int
    scope: tuple[str, ...]
    description: str = ""
    algorithm: Algorithm = Algorithm.SLIDING_WINDOW
    burst: int | None = None
    match: RequestMatch = field(default_factory=RequestMatch)
    mode: Mode = Mode.ENFORCE
    cost: int = 1
    on_store_failure: OnStoreFailure = OnStoreFailure.LOCAL

    @property
    def quota(self) -> Quota:
        return Quota(algorithm=self.algorithm, limit=self.limit, window=float(self.window), burst=self.burst)

    @property
    def named_keys(self) -> tuple[str, ...]:
        return tuple(part for part in self.scope if part not in BUILT_IN_SCOPE_PARTS)

    def document(self) -> dict[str, Any]:
        """Return the policy as it is written."""
        return {
            "name": self.name,
            "description": self.description,
            "algorithm": str(self.algorithm),
            "limit": self.limit,
            "window": self.window,
            "burst": self.burst,
            "scope": list(self.scope),
            "match": {
                "routes": list(self.match.routes),
                "methods": list(self.match.methods),
                "tier": self.match.tier,
                "unless": list(self.match.unless),
            },
            "mode": str(self.mode),
            "cost": self.cost,
            "on_store_failure": str(self.on_store_failure),
        }


def parse_policy(document: Any, *, named_keys: Sequence[str] = (), source: str = "") -> LimitPolicy:
    """Return the policy that somebody wrote.

    Raises: PolicyInvalid, with every mistake.
    """
    reading = _Reading(document if isinstance(document, Mapping) else {}, named_keys=named_keys)
    if not isinstance(document, Mapping):
        reading.fault("policy", "invalid", _("must be an object with the members of a policy."))
    policy = reading.policy()
    if policy is None:
        name = str(reading.given.get("name", "?"))[:50]
        raise PolicyInvalid([Fault(fault.member, fault.code, fault.message, name, source) for fault in reading.faults])
    return policy


def merge_policy(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's document with what a change says; members of ``match`` that it leaves out stay too."""
    after = {**before, **change}
    if isinstance(before.get("match"), Mapping) and isinstance(change.get("match"), Mapping):
        after["match"] = {**before["match"], **change["match"]}
    return after


class _Reading:
    """Looks at each member of a document and gathers what is wrong with it."""

    def __init__(self, given: Mapping[str, Any], *, named_keys: Sequence[str]) -> None:
        self.given = given
        self.faults: list[Fault] = []
        self._scopes = (*BUILT_IN_SCOPE_PARTS, *named_keys)

    def fault(self, member: str, code: str, message: str) -> None:
        self.faults.append(Fault(member, code, message))

    def policy(self) -> LimitPolicy | None:
        given = self.given
        self._members(given, MEMBERS, "")
        for member in REQUIRED:
            if member not in given:
                self.fault(member, "required", _("is missing."))
        name = self._text("name", given.get("name", "x"), LONGEST_DESCRIPTION)
        if not NAME.fullmatch(name):
            self.fault("name", "invalid", _("must be lower case letters, digits, - and _, and begin with a letter."))
        algorithm = self._choice("algorithm", Algorithm, Algorithm.SLIDING_WINDOW)
        limit = self._number("limit", given.get("limit", 1), LARGEST_LIMIT)
        burst = None if given.get("burst") is None else self._number("burst", given["burst"], LARGEST_LIMIT)
        if burst is not None and algorithm is not Algorithm.TOKEN_BUCKET:
            self.fault("burst", "invalid", _("belongs to a token_bucket alone; leave it out."))
        cost = self._number("cost", given.get("cost", 1), LARGEST_LIMIT)
        if cost > (burst or limit) and not self.faults:
            self.fault("cost", "invalid", _("is more than there ever is; no request would pass."))
        policy = LimitPolicy(
            name=name,
            description=self._text("description", given.get("description", ""), LONGEST_DESCRIPTION),
            algorithm=algorithm,
            limit=limit,
            window=self._number("window", given.get("window", 1), LONGEST_WINDOW_SECONDS),
            burst=burst,
            scope=self._scope(given.get("scope", [GLOBAL])),
            match=self._match(given.get("match", {})),
            mode=self._choice("mode", Mode, Mode.ENFORCE),
            cost=cost,
            on_store_failure=self._choice("on_store_failure", OnStoreFailure, OnStoreFailure.LOCAL),
        )
        if not self.faults:
            self._countable(policy)
        return None if self.faults else policy

    def _countable(self, policy: LimitPolicy) -> None:
        try:
            evaluation.algorithm_for(policy.quota)
        except ValueError:
            self.fault(
                "burst" if policy.burst else "limit",
                "invalid",
                _("is too many for so slow a refill; it could not be counted exactly."),
            )

    def _members(self, given: Mapping[str, Any], known: Sequence[str], prefix: str) -> None:
        for member in given:
            if member not in known:
                allowed = ", ".join(known)
                self.fault(
                    f"{prefix}{str(member)[:50]}",
                    "unknown_field",
                    _("is no member; there are %(allowed)s.") % {"allowed": allowed},
                )

    def _text(self, member: str, value: Any, longest: int) -> str:
        if not isinstance(value, str) or "\0" in value or not value.isprintable():
            self.fault(member, "invalid", _("must be text on one line."))
            return "x"
        if len(value) > longest:
            self.fault(member, "max_length", _("may have %(longest)d characters at most.") % {"longest": longest})
        return value

    def _number(self, member: str, value: Any, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self.fault(member, "invalid", _("must be a whole number from 1 to %(most)d.") % {"most": most})
            return 1
        return value

    def _choice(self, member: str, choices: type[StrEnum], default: Any) -> Any:
        value = self.given.get(member, default)
        if not isinstance(value, (str, StrEnum)) or value not in list(choices):
            allowed = ", ".join(choices)
            self.fault(member, "invalid", _("must be one of %(allowed)s.") % {"allowed": allowed})
            return default
        return choices(value)

    def _texts(self, member: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > MOST_ITEMS:
            self.fault(member, "invalid", _("must be a list of %(most)d at most.") % {"most": MOST_ITEMS})
            return ()
        return tuple(self._text(member, item, LONGEST_PATTERN) for item in value)

    def _scope(self, value: Any) -> tuple[str, ...]:
        before = len(self.faults)
        scope = self._texts("scope", value)
        if len(self.faults) > before:
            return scope
        wrong = [part for part in scope if part not in self._scopes]
        if wrong:
            self.fault(
                "scope",
                "invalid",
                _("%(part)s is no part of a key; there are %(allowed)s.")
                % {"part": wrong[0], "allowed": ", ".join(self._scopes)},
            )
        elif not scope or len(set(scope)) < len(scope) or (GLOBAL in scope and len(scope) > 1):
            self.fault("scope", "invalid", _("must name each part once, and global by itself."))
        return scope

    def _match(self, value: Any) -> RequestMatch:
        if not isinstance(value, Mapping):
            self.fault(
                "match", "invalid", _("must be an object with %(allowed)s.") % {"allowed": ", ".join(MATCH_MEMBERS)}
            )
            return RequestMatch()
        self._members(value, MATCH_MEMBERS, "match.")
        methods = self._texts("match.methods", value.get("methods", []))
        if any(method not in METHODS for method in methods):
            self.fault("match.methods", "invalid", _("must be of %(allowed)s.") % {"allowed": ", ".join(METHODS)})
        tier = value.get("tier")
        return RequestMatch(
            routes=self._texts("match.routes", value.get("routes", ["*"])),
            methods=methods,
            tier=None if tier is None else self._text("match.tier", tier, LONGEST_TIER),
            unless=self._texts("match.unless", value.get("unless", [])),
        )
