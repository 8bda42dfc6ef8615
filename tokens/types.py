"""Frozen values that cross layers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ClientContext:
    """Where a request comes from, as its session remembers it."""

    ip_address: str | None = None
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets from a sign-in or a refresh. Lifetimes are in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    session_id: UUID
    token_type: str = "Bearer"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom and what an accepted access token speaks for."""

    user_id: Any
    session_id: UUID
    family_id: UUID
    generation: int
    jti: str
    amr: tuple[str, ...]
    authenticated_at: datetime
    second_factor_at: datetime | None
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of an access token whose signature was verified; its session may be over (RFC 9068, 2.2)."""

    user_id: Any
    session_id: UUID
    family_id: UUID
    generation: int
    jti: str
    issued_at: datetime
    expires_at: datetime
    tier: str | None = None
    kid: str = ""  # the key whose signature was verified


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a genuine refresh token says of itself, and the digest that it is stored by."""

    family_id: UUID
    generation: int
    key_epoch: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A living family as far as new tokens for it depend on it."""

    family_id: UUID
    session_id: UUID
    user: Any
    generation: int
    key_epoch: int
    amr: tuple[str, ...]
    authenticated_at: datetime
    expires_at: datetime
    now: datetime
    signing_kid: str | None = None  # the key to sign with, as the database had it in the same statement
