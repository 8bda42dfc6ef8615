"""Sessions and their token families. Services change the rows, each with one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from tokens import end_reasons

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
    # Until then a finding about the account asks for a proof at sensitive calls; NULL once it was given.
    step_up_until = models.DateTimeField(_("proof asked for until"), null=True, blank=True)
    # Of the sign-in that opened it, 0 to 100; NULL where none was computed. Each request reads this row anyway.
    sign_in_risk = models.PositiveSmallIntegerField(_("risk of the sign-in"), null=True, blank=True)
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


class StepUpOrder(models.Model):
    """A finding about an account: its sessions, present and later ones, must show a proof at sensitive calls.

    ``id`` is that of the response that asked for it. ``session`` is the session that the finding is about, without a
    foreign key, because sessions are deleted earlier; NULL means all sessions opened at or after ``since``. Sessions
    that are opened while the order lasts copy ``until`` to their own row, which each request reads anyway.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    session = models.UUIDField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        verbose_name = _("proof asked for")
        verbose_name_plural = _("proofs asked for")

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
