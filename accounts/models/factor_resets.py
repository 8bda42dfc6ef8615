"""Resets of second factors that operators have requested, and how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.mailing import OutgoingMail
from accounts.models.users import User
from cedrina_base.uuids import uuid7

if TYPE_CHECKING:
    from datetime import datetime


class ResetOutcome(models.TextChoices):
    """How a reset ended. All but the first leave the second factors as they are."""

    CARRIED_OUT = "carried_out", _("second factors were removed")
    STOPPED = "stopped", _("stopped by the link of the mail")
    FACTOR_SHOWN = "factor_shown", _("a second factor was used")
    FACTORS_CHANGED = "factors_changed", _("the second factors were changed")
    WITHDRAWN = "withdrawn", _("withdrawn by an operator")
    NOT_NOTIFIED = "not_notified", _("the mail could not be delivered")
    ACCOUNT_CLOSED = "account_closed", _("the account was closed")
    NOT_ALLOWED = "not_allowed", _("the operator may not do this any more")


class SecondFactorResetManager(models.Manager["SecondFactorReset"]):
    def waiting(self) -> models.QuerySet[SecondFactorReset]:
        """Return the resets that have not ended."""
        return self.filter(closed_at__isnull=True)

    def due(self, *, now: datetime) -> models.QuerySet[SecondFactorReset]:
        """Return the resets whose waiting time is over or whose mail was dropped, the oldest first."""
        dropped = OutgoingMail.objects.filter(pk=models.OuterRef("notice_id"), dropped_at__isnull=False)
        is_due = models.Q(due_at__lte=now) | models.Q(models.Exists(dropped))
        return self.waiting().filter(is_due).order_by("due_at", "pk")


class SecondFactorReset(models.Model):
    """One request of an operator to remove all second factors of a user after a waiting time.

    ``notice_id`` is the id of the mail to the address that the account had then; its link stops the reset. ``wait`` is
    the waiting time as the setting was then. It is counted from the delivery of that mail, so ``due_at`` may be moved
    to a later time, never to an earlier one. ``requested_by`` is the operator's id without a constraint, so that it
    outlives the operator's account; ``None`` means the command line, which may do everything.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    requested_by = models.UUIDField(_("requested by"), null=True, blank=True)
    notice_id = models.UUIDField(editable=False)
    requested_at = models.DateTimeField(_("requested at"))
    wait = models.DurationField(_("waiting time"))
    due_at = models.DateTimeField(_("due at"))
    closed_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=ResetOutcome.choices, blank=True)

    objects: ClassVar[SecondFactorResetManager] = SecondFactorResetManager()

    class Meta:
        verbose_name = _("reset of second factors")
        verbose_name_plural = _("resets of second factors")
        indexes = [
            models.Index(
                fields=["due_at"], name="accounts_factorreset_due_idx", condition=models.Q(closed_at__isnull=True)
            ),
            models.Index(fields=["user", "-requested_at"], name="accounts_factorreset_user_idx"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], name="accounts_factorreset_one_key", condition=models.Q(closed_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) ^ ~models.Q(outcome=""), name="accounts_factorreset_outcome"
            ),
            models.CheckConstraint(
                condition=models.Q(due_at__gt=models.F("requested_at")), name="accounts_factorreset_waits"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
