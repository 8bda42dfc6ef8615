"""What social sign-in remembers: authorizations under way, tokens that were presented, tokens kept for later use."""

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
    """Somebody who was sent to a provider and has yet to come back.

    Of the state that comes back with them only the digest is stored. What is for somebody signed in is bound to them
    and to their session.
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
    # What the client proves by its own code verifier that it began this (RFC 7636); empty when it gave none.
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


class PresentedTokenManager(models.Manager["PresentedToken"]):
    def remember(self, *, digest: bytes, expires_at: datetime) -> bool:
        """Note a token; ``False`` when it was noted before. Of simultaneous calls one is told ``True``."""
        sql = (
            f'INSERT INTO "{self.model._meta.db_table}" (digest, expires_at) VALUES (%s, %s) '  # noqa: S608 - our name
            "ON CONFLICT DO NOTHING"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [digest, expires_at])
            return bool(cursor.rowcount == 1)


class PresentedToken(models.Model):
    """A token of a provider that was exchanged once, by its digest, so that it is not exchanged again."""

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
    """The tokens by which the application may act at a provider for a person, where the provider is so configured."""

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
