"""Sessions, their token families, and the keys of tokens. Services change the rows, each with one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from tokens import end_reasons
from tokens.fields import EncryptedTextField
from tokens.signing_algorithm_names import RS256, SIGNING_ALGORITHM_NAMES

if TYPE_CHECKING:
    from datetime import datetime


MULTI_FACTOR = "mfa"  # the authentication method of a sign-in with more than one factor (RFC 8176, 2)


class SessionKind(models.TextChoices):
    """What a session authenticates: API requests by tokens, or the admin's pages by a cookie."""

    API = "api", _("tokens")
    # The family of an admin session has no refresh token.
    ADMIN = "admin", _("admin pages")


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, *, at: datetime) -> SessionQuerySet:
        """Keep the sessions whose tokens are accepted at that moment."""
        return self.filter(
            ended_at__isnull=True, families__is_revoked=False, families__expires_at__gt=at, expires_at__gt=at
        )


class Session(models.Model):
    """One sign-in on one device, which its user can see and end."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    # Its index is the one of the user's sessions below.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions", db_index=False, verbose_name=_("user")
    )
    kind = models.CharField(
        _("kind"), max_length=8, choices=SessionKind.choices, default=SessionKind.API, db_default=SessionKind.API
    )
    ip_address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=512, blank=True)
    created_at = models.DateTimeField(_("signed in at"))
    last_activity_at = models.DateTimeField(_("last active at"))
    authenticated_at = models.DateTimeField(_("last authenticated at"))
    second_factor_at = models.DateTimeField(_("second factor last shown at"), null=True, blank=True)
    amr = ArrayField(models.CharField(max_length=16), verbose_name=_("authentication methods"))
    expires_at = models.DateTimeField(_("expires at the latest"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=32, choices=end_reasons.choices, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) ^ ~models.Q(end_reason=""),
                name="tokens_session_end_has_reason",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="tokens_session_of_user_idx"),
            # A sign-in reads the user's open sessions, of which there are few; ended ones are kept for a month or two.
            models.Index(
                fields=["user", "-id"], name="tokens_session_open_idx", condition=models.Q(ended_at__isnull=True)
            ),
            # The absolute deadline never moves, so refreshes don't touch this index.
            models.Index(fields=["expires_at"], name="tokens_session_expiry_idx"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class TokenFamily(models.Model):
    """The refresh tokens of one session: the digests of the current one and of the one before.

    A session has one live family, and gets a new one when its user changes the password. ``expires_at`` moves with use
    up to the session's ``expires_at``.
    """

    family_id = models.UUIDField(_("token family"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    session = models.ForeignKey(Session, models.CASCADE, related_name="families", verbose_name=_("session"))
    token_hash = models.BinaryField(max_length=32, editable=False)
    previous_token_hash = models.BinaryField(max_length=32, null=True, editable=False)
    key_epoch = models.PositiveSmallIntegerField(editable=False)
    generation = models.PositiveBigIntegerField(_("generation"), default=1)
    confirmed_generation = models.PositiveBigIntegerField(_("confirmed generation"), default=0)
    created_at = models.DateTimeField(_("created at"))
    rotated_at = models.DateTimeField(_("rotated at"))
    # When the current token was last returned again for a lost response; NULL if it was returned once.
    repeated_at = models.DateTimeField(_("repeated at"), null=True, blank=True)
    # Digests of the client that received the current token last, to compare it with a client that repeats.
    client_network = models.BinaryField(max_length=8, null=True, editable=False)
    client_kind = models.BinaryField(max_length=8, null=True, editable=False)
    # Consecutive generations in which a response seemed lost, and those of them in which another client repeated.
    repeats = models.PositiveSmallIntegerField(_("repeats"), default=0, db_default=0)
    foreign_repeats = models.PositiveSmallIntegerField(_("repeats by other clients"), default=0, db_default=0)
    is_foreign_repeated = models.BooleanField(_("repeated by another client"), default=False, db_default=False)
    expires_at = models.DateTimeField(_("expires at"))
    is_revoked = models.BooleanField(_("revoked"), default=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoke_reason = models.CharField(_("why it was revoked"), max_length=32, choices=end_reasons.choices, blank=True)

    class Meta:
        verbose_name = _("token family")
        verbose_name_plural = _("token families")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_revoked=False, revoked_at__isnull=True, revoke_reason="")
                | (models.Q(is_revoked=True, revoked_at__isnull=False) & ~models.Q(revoke_reason="")),
                name="tokens_family_revocation_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_generation__lte=models.F("generation")),
                name="tokens_family_confirmed_is_issued",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class RefreshKeyEpoch(models.Model):
    """One row with the current and the oldest accepted epoch of the refresh token key. At first there is none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    current = models.PositiveSmallIntegerField(_("current epoch"))
    minimum = models.PositiveSmallIntegerField(_("oldest epoch that is accepted"))
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("epoch of the refresh token key")
        verbose_name_plural = _("epochs of the refresh token key")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="tokens_refresh_epoch_is_one_row"),
            models.CheckConstraint(
                condition=models.Q(minimum__gte=1, minimum__lte=models.F("current"), current__lte=255),
                name="tokens_refresh_epoch_is_in_order",
            ),
        ]

    def __str__(self) -> str:
        return str(self.current)


class SigningKey(models.Model):
    """A key that signs access tokens from ``activated_at`` and verifies them until ``expires_at``."""

    kid = models.CharField(_("key id"), primary_key=True, max_length=64)  # RFC 7638 thumbprint
    algorithm = models.CharField(
        _("algorithm"), max_length=8, choices=[(name, name) for name in SIGNING_ALGORITHM_NAMES], default=RS256
    )
    public_key = models.TextField(_("public key"))
    private_key = EncryptedTextField()
    created_at = models.DateTimeField(_("created at"))
    activated_at = models.DateTimeField(_("signs from"))
    retired_at = models.DateTimeField(_("signs until"), null=True, blank=True)
    expires_at = models.DateTimeField(_("published until"), null=True, blank=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(algorithm__in=list(SIGNING_ALGORITHM_NAMES)),
                name="tokens_signing_key_algorithm_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.kid


class ClientAuthenticationMethod(models.TextChoices):
    """How a service client proves who it is."""

    CLIENT_SECRET = "client_secret", _("a secret (client_secret_basic, client_secret_post)")
    PRIVATE_KEY_JWT = "private_key_jwt", _("a signature with its own key (private_key_jwt)")


class ServiceClient(models.Model):
    """A program that gets access tokens for itself, without a person (RFC 6749, 4.4). Its id is its ``client_id``.

    ``token_generation`` is in each of its tokens: raising it refuses all that were issued before.
    """

    id = models.UUIDField(_("client id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    scopes = ArrayField(models.CharField(max_length=64), verbose_name=_("scopes"))
    authentication_method = models.CharField(
        _("authentication method"),
        max_length=16,
        choices=ClientAuthenticationMethod.choices,
        default=ClientAuthenticationMethod.CLIENT_SECRET,
    )
    jwks = models.JSONField(_("public keys (JWKS)"), null=True, blank=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    token_generation = models.PositiveIntegerField(default=1, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("changed at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    # No foreign key: the client outlives the person, and a command has no person.
    created_by = models.CharField(_("created by"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("service client")
        verbose_name_plural = _("service clients")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(authentication_method="client_secret", jwks__isnull=True)
                | models.Q(authentication_method="private_key_jwt", jwks__isnull=False),
                name="tokens_service_client_has_its_keys",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ServiceClientSecret(models.Model):
    """The digest of one secret of a service client. While a rotation overlaps, two are accepted."""

    client = models.ForeignKey(ServiceClient, models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("accepted until"), null=True, blank=True)

    class Meta:
        verbose_name = _("secret of a service client")
        verbose_name_plural = _("secrets of service clients")

    def __str__(self) -> str:
        return str(self.pk)


class UsedAssertion(models.Model):
    """A client assertion that was accepted, so that it is not accepted again (RFC 7523, 3, ``jti``).

    It refers to no row: a client may be deleted at the same moment.
    """

    client_id = models.UUIDField()
    digest = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client_id", "digest"], name="tokens_assertion_is_used_once")]
        indexes = [
            models.Index(fields=["client_id", "expires_at"], name="tokens_assertion_client_idx"),
            models.Index(fields=["expires_at"], name="tokens_assertion_expiry_idx"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class RevokedServiceToken(models.Model):
    """An access token of a service client that was revoked before it expired (RFC 7009)."""

    jti = models.UUIDField(primary_key=True)
    client_id = models.UUIDField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)
