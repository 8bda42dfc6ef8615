"""Values that cross layers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

MAX_USER_AGENT_LENGTH = 512  # as stored and parsed; longer ones are cut


@dataclass(frozen=True, slots=True)
class ClientContext:
    """The address and the user agent of a request, as its session stores them."""

    ip_address: str | None = None
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a sign-in or a refresh (RFC 6749, 5.1). Lifetimes are in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    session_id: UUID
    token_type: str = "Bearer"


@dataclass(frozen=True, slots=True)
class Principal:
    """The user and the session of an accepted access token."""

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
    step_up_until: datetime | None = None  # a finding asks for a proof until then
    sign_in_risk: int | None = None  # 0 to 100, of the sign-in that opened the session; None where none was computed


@dataclass(frozen=True, slots=True)
class AdminPrincipal:
    """The user and the session of a browser that is signed in at the admin's pages."""

    user_id: Any
    session_id: UUID
    amr: tuple[str, ...]
    authenticated_at: datetime
    second_factor_at: datetime | None
    step_up_until: datetime | None
    sign_in_risk: int | None


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of an access token whose signature is verified; its session may have ended (RFC 9068, 2.2)."""

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
class AdminSessionClaims:
    """Whose session of the admin's pages a socket was opened from. ``expires_at`` is when it ends at the latest."""

    user_id: Any
    session_id: UUID
    family_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceClaims:
    """The claims of a service client's access token whose signature is verified (RFC 9068, 2.2).

    ``generation`` is that of the client's tokens: a client that was disabled or got a new secret at once has another.
    """

    client_id: UUID
    scopes: frozenset[str]
    generation: int
    jti: UUID
    issued_at: datetime
    expires_at: datetime
    kid: str = ""


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """A service client as ``request.user``.

    It is no person: ``is_authenticated`` is false, so that Django's and the framework's own guards refuse it, and only
    what asks for one of its scopes lets it in.
    """

    pk: UUID
    name: str
    scopes: frozenset[str]
    role_grants: str = ""  # what the project keeps in the client's row of the roles that it granted
    is_authenticated: ClassVar[bool] = False
    is_anonymous: ClassVar[bool] = True
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False
    is_service_client: ClassVar[bool] = True

    def get_username(self) -> str:
        """Return the name of the client, for events."""
        return self.name

    def has_perm(self, _permission: str, _obj: object = None) -> bool:
        """Return that it has no permission of Django's: its scopes are all that it has."""
        return False


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """What an accepted access token of a service client says: ``request.auth``."""

    client_id: UUID
    scopes: frozenset[str]
    jti: UUID
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """The answer to a client that asks for an access token of its own (RFC 6749, 4.4.3). The lifetime is in seconds."""

    access_token: str
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """The claims of a genuine refresh token, and the digest that the database stores for it."""

    family_id: UUID
    generation: int
    key_epoch: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What new tokens of a live family are made from."""

    family_id: UUID
    session_id: UUID
    user: Any
    generation: int
    key_epoch: int
    amr: tuple[str, ...]
    authenticated_at: datetime
    expires_at: datetime
    now: datetime
    signing_kid: str | None = None  # the signing key that the same statement found


@dataclass(frozen=True, slots=True)
class TokenIntrospection:
    """The members of an introspection response (RFC 7662, 2.2). An inactive token has no other member."""

    active: bool
    token_type: str | None = None
    iss: str | None = None
    aud: str | None = None
    sub: str | None = None
    username: str | None = None
    exp: int | None = None
    iat: int | None = None
    auth_time: int | None = None
    jti: str | None = None
    sid: str | None = None
    family_id: str | None = None
    amr: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    client_id: str | None = None
    scope: str | None = None
