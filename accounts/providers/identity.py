"""Who somebody is at a provider, once that is verified."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.errors import SocialTokenInvalid
from accounts.identifiers import parse_email

_LONGEST_UID = 191  # of the column
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What lets the application act at the provider for the person."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """A person as a provider knows them: ``uid`` never changes there, an address may (OpenID Connect Core, 5.7)."""

    provider: str
    uid: str
    email: str | None = None
    is_email_verified: bool = False
    name: str = ""
    nickname: str = ""
    tokens: ProviderTokens | None = None
    authenticated_at: datetime | None = None


def plain_uid(value: Any) -> str:
    """Return the provider's name of a person, if it is one that can be kept.

    Raises: SocialTokenInvalid.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_UID or not value.isprintable():
        raise SocialTokenInvalid(reason="unusable_subject")
    return value


def plain_email(value: Any) -> str | None:
    """Return an address that can be stored, ``None`` for whatever is not one."""
    return parse_email(value) if isinstance(value, str) else None


def plain_name(value: Any) -> str:
    """Return a person's name on one line, without what can't be shown."""
    if not isinstance(value, str):
        return ""
    kept = (" " if unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") else each for each in value)
    return " ".join("".join(kept).split())[:_LONGEST_NAME]


def is_true(value: Any) -> bool:
    """Tell whether a claim says yes; some providers write booleans as text."""
    return value is True or value == "true"
