"""The verified identity of a person at a provider, with its values cleaned."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.errors import SocialTokenInvalid
from accounts.identifiers.names import parse_email

_MAX_SUBJECT_LENGTH = 191  # of the column in allauth's table
_MAX_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """The tokens by which the application can act at the provider for the person."""

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


def clean_subject(value: Any) -> str:
    """Return the subject identifier of a person, if it can be stored.

    Raises: SocialTokenInvalid.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_SUBJECT_LENGTH or not value.isprintable():
        raise SocialTokenInvalid(reason="unusable_subject")
    return value


def clean_email(value: Any) -> str | None:
    """Return an address that can be stored; ``None`` for any other value."""
    return parse_email(value) if isinstance(value, str) else None


def clean_name(value: Any) -> str:
    """Return a name on one line, without control characters, shortened to the length of the column."""
    if not isinstance(value, str):
        return ""
    kept = (" " if unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") else each for each in value)
    return " ".join("".join(kept).split())[:_MAX_NAME_LENGTH]


def is_true(value: Any) -> bool:
    """Tell whether a claim is true. Some providers write booleans as text."""
    return value is True or value == "true"
