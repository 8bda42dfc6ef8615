"""The one schema of a policy. Settings, the API, the admin, the models and the commands all validate by it.

Each fault names the member and what is allowed there, in the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ratelimiting import policy_faults
from ratelimiting.algorithms.evaluation import algorithm_for
from ratelimiting.errors import PolicyInvalid
from ratelimiting.types import Algorithm, Mode, OnStoreFailure, Quota

GLOBAL, TIER, USER, IP, ENDPOINT = "global", "tier", "user", "ip", "endpoint"
BUILT_IN_SCOPE_PARTS = (GLOBAL, TIER, USER, IP, ENDPOINT)
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METHODS: tuple[str, ...] = get_args(Method)
LARGEST_LIMIT = 1_000_000_000
LONGEST_WINDOW_SECONDS = 31 * 86_400
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_PATTERN, LONGEST_TIER, MOST_ITEMS = 50, 200, 200, 50, 50
# How many known names a fault suggests, and how much (0 to 1) they must be like what was written.
MOST_SUGGESTIONS, LEAST_LIKENESS = 3, 0.6


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_one_line", "not on one line")
    return text


class KnownNames(NamedTuple):
    """The names that a policy may use: named keys in ``scope``, and routes and tiers in ``match``; None allows any."""

    keys: Collection[str] = ()
    routes: Collection[str] | None = None
    tiers: Collection[str] | None = None


_ANY_NAME = KnownNames()


def _is_route(pattern: str, info: ValidationInfo) -> str:
    known = (info.context or _ANY_NAME).routes
    if known is not None and not any(fnmatchcase(name, pattern) for name in known):
        raise PydanticCustomError(
            "unknown_route", "unknown route", {"unknown": pattern, "nearest": ", ".join(nearest_names(pattern, known))}
        )
    return pattern


def _is_tier(tier: str, info: ValidationInfo) -> str:
    known = (info.context or _ANY_NAME).tiers
    if known is not None and tier not in known:
        raise PydanticCustomError("unknown_tier", "unknown tier", {"unknown": tier, "allowed": ", ".join(known)})
    return tier


def nearest_names(text: str, known: Collection[str]) -> list[str]:
    """Return the known names that are most like a text, the nearest first; none if none is like it."""
    folded = {name.casefold(): name for name in sorted(known)}
    near = get_close_matches(text[:LONGEST_NAME].casefold(), folded, n=MOST_SUGGESTIONS, cutoff=LEAST_LIKENESS)
    return [folded[name] for name in near]


OneLine = AfterValidator(_one_line)
Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN), OneLine]
RoutePattern = Annotated[Pattern, AfterValidator(_is_route)]
Count = Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]


class RequestMatch(BaseModel):
    """Which requests a policy applies to.

    By the names of their routes (shell patterns; an empty list for a policy that only services use), their methods (an
    empty list for any) and the caller's tier. It does not apply where an enforced policy named in ``unless`` does.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    routes: Annotated[tuple[RoutePattern, ...], Field(strict=False, max_length=MOST_ITEMS)] = ("*",)
    methods: Annotated[tuple[Method, ...], Field(strict=False, max_length=MOST_ITEMS)] = ()
    tier: Annotated[str, Field(min_length=1, max_length=LONGEST_TIER), OneLine, AfterValidator(_is_tier)] | None = None
    unless: Annotated[tuple[Pattern, ...], Field(strict=False, max_length=MOST_ITEMS)] = ()

    def fits(self, *, route: str, method: str, tier: str | None) -> bool:
        """Return whether a request matches, ``unless`` apart."""
        return (
            (self.tier is None or self.tier == tier)
            and (not self.methods or method in self.methods)
            and any(fnmatchcase(route, pattern) for pattern in self.routes)
        )


class LimitPolicy(BaseModel):
    """A quota, what it is counted by, which requests it applies to and what it does. Create it by ``parse_policy``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[a-z][a-z0-9_-]*$"), OneLine]
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION), OneLine] = ""
    algorithm: Annotated[Algorithm, Field(strict=False)] = Algorithm.SLIDING_WINDOW
    limit: Count
    window: Annotated[int, Field(ge=1, le=LONGEST_WINDOW_SECONDS)]
    burst: Count | None = None
    scope: Annotated[tuple[Pattern, ...], Field(strict=False, max_length=MOST_ITEMS)]
    match: Annotated[RequestMatch, Field(strict=False)] = RequestMatch()
    mode: Annotated[Mode, Field(strict=False)] = Mode.ENFORCE
    cost: Count = 1
    on_store_failure: Annotated[OnStoreFailure, Field(strict=False)] = OnStoreFailure.LOCAL

    @field_validator("scope")
    @classmethod
    def _is_a_key(cls, scope: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = (*BUILT_IN_SCOPE_PARTS, *(info.context or _ANY_NAME).keys)
        unknown = [part for part in scope if part not in known]
        if unknown:
            raise PydanticCustomError("unknown_part", "unknown part", {"part": unknown[0], "allowed": ", ".join(known)})
        if not scope or len(set(scope)) < len(scope) or (GLOBAL in scope and len(scope) > 1):
            raise PydanticCustomError("ambiguous_scope", "ambiguous scope")
        return scope

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        if self.burst is not None and self.algorithm is not Algorithm.TOKEN_BUCKET:
            raise PydanticCustomError("burst_without_bucket", "burst without bucket", {"member": "burst"})
        if self.cost > (self.burst or self.limit):
            raise PydanticCustomError("cost_too_high", "cost too high", {"member": "cost"})
        try:
            algorithm_for(self.quota)
        except ValueError:
            member = "burst" if self.burst else "limit"
            raise PydanticCustomError("too_fine", "too fine", {"member": member}) from None
        return self

    @property
    def quota(self) -> Quota:
        """The quota that is counted."""
        return Quota(algorithm=self.algorithm, limit=self.limit, window=float(self.window), burst=self.burst)

    def document(self) -> dict[str, Any]:
        """Return the policy as JSON, with all members."""
        return self.model_dump(mode="json")


@cache
def _json_schema() -> dict[str, Any]:
    return LimitPolicy.model_json_schema()


def member_schema(*path: str) -> dict[str, Any]:
    """Return the JSON Schema of a member of a policy, such as ``("match", "methods")``; of the policy without a path.

    A reference is replaced by what it refers to. A member that may be null has ``"nullable": True``.
    """
    found = _resolve(_json_schema())
    for name in path:
        found = _resolve(found.get("properties", {}).get(name, {}))
    return found


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    nullable = {"nullable": True} if {"type": "null"} in schema.get("anyOf", ()) else {}
    for each in schema.get("anyOf", ()):
        if each != {"type": "null"}:
            schema = each
    if "$ref" in schema:
        schema = _json_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**schema, **nullable}


MEMBERS = tuple(LimitPolicy.model_fields)
MATCH_MEMBERS = tuple(RequestMatch.model_fields)


def parse_policy(document: Any, *, known: KnownNames = _ANY_NAME, source: str = "") -> LimitPolicy:
    """Return the policy that a document describes, which may use ``known`` names.

    Raises: PolicyInvalid, with every fault.
    """
    try:
        return LimitPolicy.model_validate(dict(document) if isinstance(document, Mapping) else document, context=known)
    except ValidationError as error:
        name = str(document.get("name", "?"))[:LONGEST_NAME] if isinstance(document, Mapping) else "?"
        raise PolicyInvalid(
            policy_faults.faults_of(error, describe=member_schema, policy=name, source=source)
        ) from None


def validate_members(document: Mapping[str, Any], *, known: KnownNames = _ANY_NAME, source: str = "") -> None:
    """Validate each member of a change by itself: not what the change lacks, nor how its members fit each other.

    Raises: PolicyInvalid, with every fault.
    """
    try:
        LimitPolicy.model_validate(dict(document), context=known)
    except ValidationError as error:
        name = str(document.get("name", "?"))[:LONGEST_NAME]
        faults = policy_faults.faults_of_members(error, describe=member_schema, policy=name, source=source)
        if faults:
            raise PolicyInvalid(faults) from None


def merge_policy(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's document with the members of a change. Members that the change lacks stay, in ``match`` too."""
    after = {**before, **change}
    if isinstance(before.get("match"), Mapping) and isinstance(change.get("match"), Mapping):
        after["match"] = {**before["match"], **change["match"]}
    return after
