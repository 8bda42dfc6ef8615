"""Sessions, the lineages of their refresh tokens, and the keys that sign access tokens.

How rows change stands in the services: each change is one statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from tokens.fields import EncryptedTextField

if TYPE_CHECKING:
    from datetime import datetime


MULTI_FACTOR = "mfa"  # the authentication method's name where more than one factor was shown (RFC 8176, 2)


class SessionKind(models.TextChoices):
    """By what a session acts."""

    API = "api", _("tokens")
    # A cookie of the admin's pages. Its family has no refresh token that anybody knows.
    ADMIN = "admin", _("admin pages")


class EndReason(models.TextChoices):
    LOGOUT = "logout", _("signed out")
    LOGOUT_ALL = "logout_all", _("signed out everywhere")
    ENDED_BY_OWNER = "ended_by_owner", _("ended from another session")
    SESSION_LIMIT = "session_limit", _("too many sessions")
    PASSWORD_CHANGE = "password_change", _("password changed")
    REUSE_DETECTED = "reuse_detected", _("refresh token used twice")
    TOKEN_REVOKED = "token_revoked", _("token revoked by its client")
    ADMINISTRATOR = "administrator", _("ended by an administrator")
    ACCOUNT_DEACTIVATED = "account_deactivated", _("account deactivated")
    TAKEOVER_REPORTED = "takeover_reported", _("reported as not theirs")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, *, at: datetime) -> SessionQuerySet:
        """Keep the sessions that could still act at that moment."""
        return self.filter(
            ended_at__isnull=True, families__is_revoked=False, families__expires_at__gt=at, expires_at__gt=at
        )


class Session(models.Model):
    """One sign-in on one device: what a person sees and ends."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions", verbose_name=_("user"))
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
    end_reason = models.CharField(_("why it ended"), max_length=32, choices=EndReason.choices, blank=True)

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
            # The absolute deadline never moves, so refreshes don't touch this index.
            models.Index(fields=["expires_at"], name="tokens_session_expiry_idx"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class TokenFamily(models.Model):
    """The lineage of one session's refresh tokens: the digests of the current token and the one before, nothing else.

    A session has one living family; a changed password gives it a new one. ``expires_at`` moves with use up to the
    session's own end.
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
    # When the present token was last given again for a lost reply; empty as long as it was given once.
    repeated_at = models.DateTimeField(_("repeated at"), null=True, blank=True)
    # The client that it was given to last, as digests: compared with the one that asks again.
    client_network = models.BinaryField(max_length=8, null=True, editable=False)
    client_kind = models.BinaryField(max_length=8, null=True, editable=False)
    # In how many generations in a row a reply seemed lost, and in how many of them to another client.
    repeats = models.PositiveSmallIntegerField(_("repeats"), default=0, db_default=0)
    foreign_repeats = models.PositiveSmallIntegerField(_("repeats by other clients"), default=0, db_default=0)
    is_foreign_repeated = models.BooleanField(_("repeated by another client"), default=False, db_default=False)
    expires_at = models.DateTimeField(_("expires at"))
    is_revoked = models.BooleanField(_("revoked"), default=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoke_reason = models.CharField(_("why it was revoked"), max_length=32, choices=EndReason.choices, blank=True)

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
    """The one row that says which key makes refresh tokens, and from which on tokens are accepted; none at first."""

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
    """A key that signs access tokens, once it was published long enough, and verifies them until it expires."""

    kid = models.CharField(_("key id"), primary_key=True, max_length=64)  # RFC 7638 thumbprint
    algorithm = models.CharField(_("algorithm"), max_length=8, default="RS256")
    public_key = models.TextField(_("public key"))
    private_key = EncryptedTextField()
    created_at = models.DateTimeField(_("created at"))
    activated_at = models.DateTimeField(_("signs from"))
    retired_at = models.DateTimeField(_("signs until"), null=True, blank=True)
    expires_at = models.DateTimeField(_("published until"), null=True, blank=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")

    def __str__(self) -> str:
        return self.kid
