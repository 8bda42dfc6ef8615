"""Service clients, and what they have used up."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7


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
    # What the project that grants roles keeps of them, so that no request needs a query for them.
    role_grants = models.TextField(default="", db_default="", blank=True, editable=False)
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
