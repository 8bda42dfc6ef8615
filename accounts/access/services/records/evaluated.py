"""What a decision was made of, as text that is stored and read back without any difference."""

import json
from collections.abc import Mapping
from typing import Any

from accounts.access.deciding.attributes import Attributes

LONGEST = 4000  # characters of one record
_MOST_ROLES = 200
_PLAIN = (bool, int, float, str, type(None))


def to_text(roles: frozenset[str], attributes: Attributes, *, scopes: frozenset[str] | None = None) -> str:
    """Return roles, attributes and scopes as JSON; an empty text if they can't be read back, or are too long."""
    bound = {} if scopes is None else {"scopes": sorted(scopes)}
    if len(roles) > _MOST_ROLES or not _is_plain(attributes, depth=0):
        return ""
    try:
        # NaN and Infinity are no JSON, but json reads what it wrote; a column of jsonb would refuse or change numbers.
        text = json.dumps(
            {"roles": sorted(roles), "attributes": attributes, **bound}, default=dict, separators=(",", ":")
        )
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return ""
    return text if len(text) <= LONGEST else ""


def from_text(text: str) -> tuple[frozenset[str], Attributes]:
    """Return roles and attributes, given what ``to_text`` returned, unless that is empty."""
    found = json.loads(text)
    return frozenset(found["roles"]), found["attributes"]


def scopes_of(text: str) -> frozenset[str] | None:
    """Return the scopes that bounded a service client; ``None`` if none did."""
    found = json.loads(text).get("scopes")
    return None if found is None else frozenset(found)


def _is_plain(value: Any, *, depth: int) -> bool:
    """Return whether JSON keeps a value: a tuple would come back as a list, which is not equal to it."""
    if isinstance(value, Mapping):
        return depth < 32 and all(type(key) is str and _is_plain(each, depth=depth + 1) for key, each in value.items())
    if type(value) is list:
        return depth < 32 and len(value) <= LONGEST and all(_is_plain(each, depth=depth + 1) for each in value)
    return isinstance(value, _PLAIN) and (not isinstance(value, str) or len(value) <= LONGEST)
