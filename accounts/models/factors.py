"""Rows of second factors, beside the row that allauth has for each.

A secret is in a row whose primary key is its owner, and is encrypted under that key, so that it can't be decrypted in
the row of another user. allauth's rows hold no secrets.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from cedrina_base.uuids import uuid7
from tokens.fields import EncryptedTextField


class FactorSecret(models.Model):
    """One secret of a user. ``public_id`` is the id of the factor in the API."""

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="+", editable=False, verbose_name=_("user")
    )
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    secret = EncryptedTextField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.public_id)


class TotpSecret(FactorSecret):
    """The secret of an authenticator application (RFC 6238), and the time step of the last accepted code."""

    last_step = models.BigIntegerField(default=-1, editable=False)

    class Meta:
        verbose_name = _("authenticator application")
        verbose_name_plural = _("authenticator applications")


class RecoverySecret(FactorSecret):
    """The secret from which a user's recovery codes are derived."""

    class Meta:
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")


class TotpEnrolment(models.Model):
    """A secret that was shown and is not confirmed by a code yet. No code of it is accepted at a sign-in."""

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="+", editable=False, verbose_name=_("user")
    )
    secret = EncryptedTextField(editable=False)
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("authenticator application to confirm")
        verbose_name_plural = _("authenticator applications to confirm")
        indexes = [models.Index(fields=["expires_at"], name="accounts_enrolment_expiry_idx")]

    def __str__(self) -> str:
        return str(self.pk)


class SecurityKey(models.Model):
    """The parts of a WebAuthn credential that allauth does not store as columns: id, counter and flags."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    authenticator = models.OneToOneField("mfa.Authenticator", models.CASCADE, related_name="+")
    # No two users may have the same credential (WebAuthn Level 2, 7.1, step 17).
    credential_id = models.BinaryField(max_length=1023, unique=True, editable=False)
    sign_count = models.BigIntegerField(_("signature counter"), editable=False)
    is_backup_eligible = models.BooleanField(_("may be synchronised"), editable=False)
    is_backed_up = models.BooleanField(_("is synchronised"), editable=False)

    class Meta:
        verbose_name = _("security key")
        verbose_name_plural = _("security keys")

    def __str__(self) -> str:
        return str(self.pk)


class WebAuthnHandle(models.Model):
    """The user handle that authenticators store: random bytes without meaning (WebAuthn Level 2, 14.6.1)."""

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="+", editable=False, verbose_name=_("user")
    )
    handle = models.BinaryField(max_length=64, unique=True, editable=False)

    class Meta:
        verbose_name = _("user handle")
        verbose_name_plural = _("user handles")

    def __str__(self) -> str:
        return str(self.pk)


class SignInChallenge(models.Model):
    """A sign-in whose first factor was right and whose second factor is not shown yet.

    ``bound_to`` is the digest of the password hash at that moment, so that a password change ends the sign-in. Only the
    digest of the client's token is stored.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    bound_to = models.BinaryField(max_length=32, editable=False)
    amr = ArrayField(models.CharField(max_length=16), verbose_name=_("authentication methods"))
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in to complete")
        verbose_name_plural = _("sign-ins to complete")
        indexes = [models.Index(fields=["expires_at"], name="accounts_challenge_expiry_idx")]

    def __str__(self) -> str:
        return str(self.pk)


class CeremonyPurpose(models.TextChoices):
    REGISTRATION = "registration", _("registration of a key")
    SIGN_IN = "sign_in", _("second factor of a sign-in")
    REAUTHENTICATION = "reauthentication", _("re-authentication")
    PASSKEY = "passkey", _("sign-in by passkey")


class Ceremony(models.Model):
    """A WebAuthn challenge that was sent to a browser, found by its digest, and what its answer is bound to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    purpose = models.CharField(_("purpose"), max_length=16, choices=CeremonyPurpose.choices)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("user"))
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    sign_in = models.ForeignKey(SignInChallenge, models.CASCADE, null=True, blank=True, related_name="+")
    state = EncryptedTextField(editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("WebAuthn ceremony")
        verbose_name_plural = _("WebAuthn ceremonies")
        indexes = [models.Index(fields=["expires_at"], name="accounts_ceremony_expiry_idx")]

    def __str__(self) -> str:
        return str(self.pk)
