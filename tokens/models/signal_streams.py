"""Streams of shared signals, and what they have to deliver (OpenID Shared Signals Framework 1.0)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from security_events.models import Sink
from tokens.fields import EncryptedTextField


class DeliveryMethod(models.TextChoices):
    """How a receiver gets its security event tokens. The values are those of the framework, 7.1."""

    PUSH = "urn:ietf:rfc:8935", _("push (RFC 8935)")
    POLL = "urn:ietf:rfc:8936", _("poll (RFC 8936)")


class StreamStatus(models.TextChoices):
    """What happens to the signals of a stream (the framework, 8.1.2.1)."""

    ENABLED = "enabled", _("enabled")
    PAUSED = "paused", _("paused")
    DISABLED = "disabled", _("disabled")


class UserIdentifierFormat(models.TextChoices):
    """How a stream names people (RFC 9493, 3.2)."""

    ISS_SUB = "iss_sub", _("issuer and id")
    EMAIL = "email", _("e-mail address")


class SignalStream(models.Model):
    """A stream from this transmitter to one receiver. It belongs to the service client or the person that made it.

    Its id is that of its sink, which has the position in the trail and what came of the deliveries.
    """

    sink = models.OneToOneField(Sink, models.CASCADE, primary_key=True, related_name="+", verbose_name=_("sink"))
    client = models.ForeignKey(
        "tokens.ServiceClient",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="signal_streams",
        verbose_name=_("service client"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    description = models.CharField(_("description"), max_length=500, blank=True)
    delivery_method = models.CharField(_("delivery"), max_length=24, choices=DeliveryMethod.choices)
    endpoint_url = models.CharField(_("address of the receiver"), max_length=2000, blank=True)
    authorization_header = EncryptedTextField()  # empty where the receiver needs none
    events_requested = ArrayField(models.CharField(max_length=255), verbose_name=_("requested events"))
    user_format = models.CharField(
        _("people are named by"),
        max_length=8,
        choices=UserIdentifierFormat.choices,
        default=UserIdentifierFormat.ISS_SUB,
    )
    status = models.CharField(_("status"), max_length=8, choices=StreamStatus.choices, default=StreamStatus.ENABLED)
    status_reason = models.CharField(_("why"), max_length=255, blank=True)
    # Whether only an operator may enable it again.
    is_held = models.BooleanField(_("held by an operator"), default=False)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("changed at"))
    verified_at = models.DateTimeField(_("verification last requested at"), null=True, blank=True)
    refusals = models.PositiveBigIntegerField(_("refused by the receiver"), default=0)
    last_refusal = models.CharField(_("last refusal"), max_length=200, blank=True)
    last_refusal_at = models.DateTimeField(_("last refused at"), null=True, blank=True)

    class Meta:
        verbose_name = _("signal stream")
        verbose_name_plural = _("signal streams")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(client__isnull=True) ^ models.Q(user__isnull=True),
                name="tokens_signal_stream_has_one_owner",
            ),
            models.CheckConstraint(
                condition=models.Q(delivery_method="urn:ietf:rfc:8936", endpoint_url="")
                | (models.Q(delivery_method="urn:ietf:rfc:8935") & ~models.Q(endpoint_url="")),
                name="tokens_signal_stream_push_has_address",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ExcludedSubject(models.Model):
    """A person, or one session of theirs, whose signals a receiver does not want. Ids are kept as text."""

    stream = models.ForeignKey(SignalStream, models.CASCADE, related_name="excluded_subjects")
    user_id = models.CharField(max_length=64)
    session_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("subject left out of a stream")
        verbose_name_plural = _("subjects left out of streams")
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "user_id", "session_id"], name="tokens_excluded_subject_is_stored_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PendingSignal(models.Model):
    """A security event token that waits for its receiver: of a stream that is polled, or about a stream itself.

    It is signed anew for each delivery. The order of a stream is that of the ids. The row has the person's id and no
    address: an address is read when the token is signed, so that nothing of an erased person is left here.
    """

    id = models.BigAutoField(primary_key=True)
    stream = models.ForeignKey(SignalStream, models.CASCADE, related_name="pending_signals")
    jti = models.CharField(max_length=128)
    # Empty for a token about the stream itself.
    user_id = models.CharField(max_length=64, blank=True)
    session_id = models.CharField(max_length=64, blank=True)
    transaction_identifier = models.CharField(max_length=64, blank=True)  # the claim ``txn``
    events = models.JSONField()
    # Delivered whatever the status of the stream is, since it says that the status has changed.
    is_status_change = models.BooleanField(default=False)
    issued_at = models.DateTimeField()  # the claim ``iat``

    class Meta:
        verbose_name = _("undelivered signal")
        verbose_name_plural = _("undelivered signals")
        constraints = [models.UniqueConstraint(fields=["stream", "jti"], name="tokens_pending_signal_is_stored_once")]
        indexes = [
            models.Index(fields=["stream", "id"], name="tokens_pending_in_order_idx"),
        ]

    def __str__(self) -> str:
        return self.jti
