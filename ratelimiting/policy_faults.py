"""The words for what is wrong with a policy: pydantic's errors in our terms, translated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, gettext_noop

from ratelimiting.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    MemberSchema = Callable[..., dict[str, Any]]

LONGEST_MEMBER = 50
_NUMBER = "invalid", gettext_noop("must be a whole number from 1 to %(most)d.")
_LIST = "invalid", gettext_noop("must be a list of %(most)d at most.")
_TEXT = "invalid", gettext_noop("must be text on one line.")
_NO_LIKE_ROUTE = gettext_noop(
    "%(unknown)s is no route, nor like one, so nothing would be limited; "
    "`manage.py ratelimit_status --routes` lists them."
)
_NO_OBJECT = gettext_noop("must be an object with the members of a policy.")
_UNKNOWN = "unknown_field", gettext_noop("is no member; there are %(allowed)s.")
# By the type of pydantic's error, or of ours in the schema: the code of the fault, and its sentence.
_SENTENCES = {
    "missing": ("required", gettext_noop("is missing.")),
    "extra_forbidden": _UNKNOWN,
    "invalid_key": _UNKNOWN,
    "string_too_long": ("max_length", gettext_noop("may have %(longest)d characters at most.")),
    "string_too_short": ("blank", _TEXT[1]),
    "string_pattern_mismatch": (
        "invalid",
        gettext_noop("must be lower case letters, digits, - and _, and begin with a letter."),
    ),
    "int_type": _NUMBER,
    "int_from_float": _NUMBER,
    "greater_than_equal": _NUMBER,
    "less_than_equal": _NUMBER,
    "tuple_type": _LIST,
    "too_long": _LIST,
    "enum": ("invalid", gettext_noop("must be one of %(allowed)s.")),
    "literal_error": ("invalid", gettext_noop("must be of %(allowed)s.")),
    "model_type": ("invalid", gettext_noop("must be an object with %(allowed)s.")),
    "unknown_part": ("invalid", gettext_noop("%(part)s is no part of a key; there are %(allowed)s.")),
    "unknown_route": (
        "invalid",
        gettext_noop("%(unknown)s is no route, so nothing would be limited; the nearest are %(nearest)s."),
    ),
    "unknown_tier": (
        "invalid",
        gettext_noop("%(unknown)s is no tier, so nothing would be limited; there are %(allowed)s."),
    ),
    "ambiguous_scope": ("invalid", gettext_noop("must name each part once, and global by itself.")),
    "burst_without_bucket": ("invalid", gettext_noop("belongs to a token_bucket alone; leave it out.")),
    "cost_too_high": ("invalid", gettext_noop("is more than there ever is; no request would pass.")),
    "too_fine": (
        "invalid",
        gettext_noop("is too many for so slow a refill; it could not be counted exactly."),
    ),
}


def faults_of(error: ValidationError, *, describe: MemberSchema, policy: str, source: str) -> list[Fault]:
    """Return a fault for each error, none of them twice: a list is one member, however many of its items are wrong.

    ``describe`` returns the JSON Schema of a member, from which the sentences take what is allowed.
    """
    return _faults(error.errors(include_url=False), describe, policy, source)


def faults_of_members(error: ValidationError, *, describe: MemberSchema, policy: str, source: str) -> list[Fault]:
    """Return a fault for each error of a member that is there, as ``faults_of`` does."""
    present = [each for each in error.errors(include_url=False) if each["loc"] and each["type"] != "missing"]
    return _faults(present, describe, policy, source)


def _faults(errors: list[ErrorDetails], describe: MemberSchema, policy: str, source: str) -> list[Fault]:
    return list(dict.fromkeys(_fault(each, describe, policy, source) for each in errors))


def _fault(error: ErrorDetails, describe: MemberSchema, policy: str, source: str) -> Fault:
    path = [step for step in error["loc"] if isinstance(step, str) and step != "[key]"]
    context = error.get("ctx", {})
    code, sentence = _SENTENCES.get(error["type"], _TEXT)
    if error["type"] == "model_type" and not path:
        sentence = _NO_OBJECT
    if error["type"] == "unknown_route" and not context["nearest"]:
        sentence = _NO_LIKE_ROUTE
    if code == "unknown_field":
        member, described = str(error["loc"][-1] if path == [] else path[-1]), describe(*path[:-1])
        path = [*path[:-1], member[:LONGEST_MEMBER]]
    else:
        described = describe(*path)
    details = {**_allowed(described), **context}
    return Fault(context.get("member") or ".".join(path) or "policy", code, gettext(sentence) % details, policy, source)


def _allowed(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sentence may name, from the JSON Schema of a member."""
    choices = described.get("enum") or described.get("items", {}).get("enum") or described.get("properties", ())
    return {
        "allowed": ", ".join(choices),
        "most": described.get("maximum", described.get("maxItems", 0)),
        "longest": described.get("maxLength", described.get("items", {}).get("maxLength", 0)),
    }
