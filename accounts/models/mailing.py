"""Mail on its way out, and the tokens that stand in it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.sign_in import PendingRegistration
from accounts.models.users import User
from cedrina_base.uuids import uuid7


class MailBudget(models.TextChoices):
    """The allowance of the recipient that a mail counts against. ``services.mailing.mail_budgets`` has the figures."""

    ANYBODY = "anybody", _("anybody can cause it")
    KNOWN_DEVICE = "known_device", _("asked for on a known device")
    NOTICE = "notice", _("tells of a change")


class OutgoingMail(models.Model):
    """One mail: to whom it was to go when there was reason for it, and whether it has been handed over.

    The row is written in the transaction of the change that the mail tells of. The address is the one of that moment:
    who takes over an account and changes its address doesn't get the warnings. Holding the row's lock is the right to
    hand the mail over. It is written to somebody with an account, or to somebody who waits for one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"), null=True, blank=True)
    # Without a constraint in the database: a registration goes while a mail of it is perhaps just being handed over.
    registration = models.ForeignKey(
        PendingRegistration,
        models.CASCADE,
        related_name="+",
        verbose_name=_("pending registration"),
        null=True,
        blank=True,
        db_constraint=False,
    )
    kind = models.CharField(_("kind"), max_length=40)
    address = models.EmailField(_("address"), max_length=254)
    # The address as addresses are compared, and the allowance that the mail counts against.
    # With defaults in the database, since servers of the former version write rows while this one is rolled out.
    recipient = models.CharField(_("recipient"), max_length=254, db_default="")
    budget = models.CharField(
        _("budget"), max_length=12, choices=MailBudget.choices, db_default=MailBudget.NOTICE.value
    )
    created_at = models.DateTimeField(_("created at"))
    # When a worker first took it up: what the budgets count.
    started_at = models.DateTimeField(_("taken up at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    dropped_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    drop_reason = models.CharField(_("why it was given up"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mail")
        indexes = [
            models.Index(fields=["recipient", "-started_at"], name="accounts_mail_budget_idx"),
            models.Index(fields=["created_at"], name="accounts_mail_age_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(registration__isnull=True),
                name="accounts_mail_of_one_person",
            ),
            models.CheckConstraint(
                condition=models.Q(dropped_at__isnull=True) ^ ~models.Q(drop_reason=""),
                name="accounts_mail_drop_has_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True) | models.Q(dropped_at__isnull=True),
                name="accounts_mail_sent_or_dropped",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Purpose(models.TextChoices):
    """What a mailed token lets its holder do, and nothing else."""

    CONFIRM_EMAIL = "confirm_email", _("confirm the address")
    OPEN_ACCOUNT = "open_account", _("confirm a registration")
    RESET_PASSWORD = "reset_password", _("set a new password")
    CHANGE_EMAIL = "change_email", _("confirm a new address")
    DISOWN = "disown", _("report a takeover")


# A registration is its own token's row.
_WITH_ROW = [purpose for purpose in Purpose if purpose is not Purpose.OPEN_ACCOUNT]


class MailedToken(models.Model):
    """The token of one mail, whose id it has: a mail that is written twice carries the same token twice.

    Of the token only the digest is stored. ``bound_to`` is the digest of what the token was made for, see
    ``accounts.services.mailing.mailed_tokens``; ``address`` is where the mail went, which is the new address of a
    change and the one that a reported takeover restores.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=[(purpose.value, purpose.label) for purpose in _WITH_ROW]
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    bound_to = models.BinaryField(max_length=32, editable=False)
    address = models.EmailField(_("address"), max_length=254)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used or withdrawn at"), null=True, blank=True)
    # Passwords that were tried with it and not taken; a few make it invalid.
    rejected_passwords = models.PositiveSmallIntegerField(_("rejected passwords"), default=0, db_default=0)

    class Meta:
        verbose_name = _("mailed token")
        verbose_name_plural = _("mailed tokens")
        indexes = [
            models.Index(fields=["user", "purpose"], name="accounts_token_of_user_idx"),
            models.Index(fields=["expires_at"], name="accounts_token_expiry_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose__in=[purpose.value for purpose in _WITH_ROW]), name="accounts_token_purpose"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
