"""The keys of tokens."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tokens.fields import EncryptedTextField
from tokens.signing_algorithm_names import RS256, SIGNING_ALGORITHM_NAMES


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
    """A key that signs access tokens from ``activated_at`` and verifies them until ``expires_at``.

    A key that does not sign access tokens signs security event tokens only: those need RS256, whatever the algorithm of
    access tokens is.
    """

    kid = models.CharField(_("key id"), primary_key=True, max_length=64)  # RFC 7638 thumbprint
    algorithm = models.CharField(
        _("algorithm"), max_length=8, choices=[(name, name) for name in SIGNING_ALGORITHM_NAMES], default=RS256
    )
    public_key = models.TextField(_("public key"))
    private_key = EncryptedTextField()
    signs_access_tokens = models.BooleanField(_("signs access tokens"), default=True, db_default=True)
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
