"""Sign-ins whose second factor is not shown yet."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from cedrina_base.uuids import uuid7


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
