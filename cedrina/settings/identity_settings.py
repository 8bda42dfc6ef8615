"""The settings of tokens, passwords, social sign-in and second factors."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from cedrina.settings.setting_types import (
    LOWER,
    SIGNING_ALGORITHM,
    Characters,
    Hours,
    Items,
    Number,
    Objects,
    Seconds,
    Section,
    Text,
)

MINUTE = 60
DAY = 24 * 60 * MINUTE


class Tokens(Section):
    model_config = ConfigDict(title="Tokens and sessions")

    TOKEN_PROFILE: Annotated[Literal["standard", "hardened"], LOWER] = "standard"
    """`hardened` ends sessions after 30 idle minutes and after 12 hours, unless the two settings say otherwise."""
    TOKEN_ISSUER: Text | None = Field(None, json_schema_extra={"x-default": "`PUBLIC_URL`"})
    """The `iss` of access tokens."""
    TOKEN_AUDIENCE: Text = "cedrina"
    """The `aud` of access tokens."""
    ACCESS_TOKEN_ALGORITHM: Annotated[Literal["RS256", "ES256", "EdDSA"], SIGNING_ALGORITHM] = "RS256"
    """The algorithm of new signing keys; `EdDSA` is Ed25519. After a change, `manage.py rotate_signing_key` makes a
    key of the new one. See key-rotation.md."""
    SSF_EMAIL_SUBJECTS: bool = False
    """Whether receivers of shared signals may ask to get people named by their e-mail addresses instead of their ids.
    See shared-signals.md."""
    ACCESS_TOKEN_SECONDS: Seconds = Field(900, ge=30, le=86400)
    """How long an access token lives."""
    SESSION_IDLE_SECONDS: Seconds | None = Field(
        None, ge=60, json_schema_extra={"x-default": "604800 (7 days), hardened 1800"}
    )
    """A session ends after this long without use."""
    SESSION_ABSOLUTE_SECONDS: Seconds | None = Field(
        None, ge=60, json_schema_extra={"x-default": "2592000 (30 days), hardened 43200"}
    )
    """A session ends this long after the sign-in, used or not."""
    REFRESH_RACE_SECONDS: Seconds = Field(10, ge=0, le=60)
    """How long racing tabs are given the same successor of a refresh token: those of the client that got it, in the
    same network and with the same kind of user agent."""
    REFRESH_LOST_REPLY_HOURS: Hours = Field(24, ge=0, le=168)
    """How long a successor that was never used is given again, because its reply was lost."""
    REFRESH_OWN_REPEATS: Number = Field(10, ge=0, le=1000)
    """In how many generations in a row a lost reply is forgiven; the next is taken for theft."""
    REFRESH_FOREIGN_REPEATS: Number = Field(2, ge=0, le=1000)
    """In how many of them it may be another client that asks again than the one that has the successor: from
    another network or with another kind of user agent. Not more than `REFRESH_OWN_REPEATS`."""
    REFRESH_KEY_EPOCH: Number = Field(1, ge=1, le=255)
    """The epoch of the key that refresh tokens are made with, at the least: `manage.py rotate_refresh_key` begins
    the next one without a restart, and the higher of the two counts. See key-rotation.md."""
    JWKS_PROPAGATION_SECONDS: Seconds = Field(300, ge=120, le=86400)
    """How long a new signing key is published before it signs."""
    MAX_SESSIONS_PER_USER: Number = Field(5, ge=1, le=1000)
    """Sessions that one person may have; those of the admin are counted by themselves."""
    SESSION_OVERFLOW: Annotated[Literal["evict_oldest", "reject"], LOWER] = "evict_oldest"
    """What the session beyond the limit does: it ends the oldest, as at the admin always, or it is refused."""


class Passwords(Section):
    model_config = ConfigDict(title="Passwords")

    PASSWORD_MIN_LENGTH: Characters = Field(12, ge=8, le=64)
    """Shortest password."""
    PASSWORD_HISTORY: Number = Field(5, ge=0, le=50)
    """Former passwords that may not come back."""
    BCRYPT_ROUNDS: Number = Field(12, ge=4, le=20)
    """Work factor of password hashes."""
    HASHING_THREADS: Number = Field(2, ge=1, le=64)
    """Threads of a worker that hash passwords, at a lower priority than the rest."""
    HASHING_QUEUE: Number = Field(60, ge=1, le=10000)
    """Hashes that may wait in a worker, three quarters of them from one network (IPv4 /16, IPv6 /48). One more, and
    the newest of the network that has most waiting is answered 503 with Retry-After."""
    HASHING_WAIT_SECONDS: Seconds = Field(6, ge=1, le=60)
    """How long a hash may wait before its request is answered 503 with Retry-After."""


class SocialSignIn(Section):
    model_config = ConfigDict(title="Social sign-in")

    SOCIAL_PROVIDERS: Objects = Field([], repr=False)
    """The providers by which people may sign in: a list of objects with `id`, `kind` (`google`, `microsoft`,
    `facebook`, `openid_connect`), `client_id`, `secret` or `secret_file`, `issuer`, `redirect_uris` and more.
    social-sign-in.md has them all, with an example for each kind."""


class SecondFactors(Section):
    model_config = ConfigDict(title="Second factors")

    TOTP_ISSUER: Text = Field("", json_schema_extra={"x-default": "`APP_NAME`"})
    """What authenticator applications and security keys call this installation."""
    WEBAUTHN_RP_ID: Text | None = Field(
        None, json_schema_extra={"x-default": "the host of `PUBLIC_URL`; `localhost` for a loopback address"}
    )
    """The domain that security keys and passkeys are made for: that of `PUBLIC_URL` or one above it. With another
    one all of them are lost."""
    WEBAUTHN_ORIGINS: Items = Field([], json_schema_extra={"x-default": "that of `PUBLIC_URL`"})
    """Origins of the pages on which security keys and passkeys are accepted, `https://app.example.com`."""
    SECOND_FACTOR_RESET_HOURS: Hours = Field(72, ge=1, le=336)
    """How long a person can stop a reset of their second factors that an operator has requested, counted from the
    delivery of the mail about it. Resets that wait already keep their time."""
