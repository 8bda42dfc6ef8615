"""Rows of social sign-in: pending authorization requests, presented tokens, and stored tokens of providers."""

from datetime import datetime
from typing import ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from cedrina_base.uuids import uuid7
from tokens.fields import EncryptedTextField


class SocialPurpose(models.TextChoices):
    SIGN_IN = "sign_in", _("sign in")
    LINK = "link", _("connect to an account")
    REAUTHENTICATE = "reauthenticate", _("prove again who one is")


class SocialAuthorization(models.Model):
    """An authorization request to a provider whose callback has not come yet.

    Only the digest of the state is stored. A request of a signed-in user is bound to the user and the session.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    provider = models.CharField(_("provider"), max_length=50)
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=SocialPurpose.choices, default=SocialPurpose.SIGN_IN
    )
    redirect_uri = models.TextField(_("redirect address"))
    nonce = models.CharField(max_length=64, editable=False)
    code_verifier = EncryptedTextField()
    # The challenge of the client's own code verifier (RFC 7636); empty when the client sent none.
    client_challenge = models.CharField(max_length=43, blank=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("user"))
    session_id = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("social authorization")
        verbose_name_plural = _("social authorizations")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose=SocialPurpose.SIGN_IN, user__isnull=True, session_id__isnull=True)
                | (~models.Q(purpose=SocialPurpose.SIGN_IN) & models.Q(user__isnull=False, session_id__isnull=False)),
                name="accounts_social_authorization_is_bound",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="accounts_social_expiry_idx")]

    def __str__(self) -> str:
        return str(self.pk)


_REMEMBER = "INSERT INTO accounts_presentedtoken (digest, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"


class PresentedTokenManager(models.Manager["PresentedToken"]):
    def remember(self, *, digest: bytes, expires_at: datetime) -> bool:
        """Store that a token was presented; ``False`` if it was before. Of simultaneous calls one returns ``True``."""
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, [digest, expires_at])
            return bool(cursor.rowcount == 1)


class PresentedToken(models.Model):
    """The digest of a provider's token that was presented once, so that it is not accepted again."""

    digest = models.BinaryField(primary_key=True, max_length=32, editable=False)
    expires_at = models.DateTimeField(_("expires at"))

    objects: ClassVar[PresentedTokenManager] = PresentedTokenManager()

    class Meta:
        verbose_name = _("presented token")
        verbose_name_plural = _("presented tokens")
        indexes = [models.Index(fields=["expires_at"], name="accounts_presented_expiry_idx")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:8]


class ProviderToken(models.Model):
    """The tokens by which the application may act at a provider for a user, if the provider is so configured."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.OneToOneField(
        "socialaccount.SocialAccount", models.CASCADE, related_name="+", verbose_name=_("account of the provider")
    )
    access_token = EncryptedTextField()
    refresh_token = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("provider token")
        verbose_name_plural = _("provider tokens")

    def __str__(self) -> str:
        return str(self.pk)
