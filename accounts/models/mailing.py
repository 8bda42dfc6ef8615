"""Mail that is to be sent, and the tokens of the links in it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from accounts.models.sign_in import PendingRegistration
from accounts.models.users import User
from cedrina_base.uuids import uuid7

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from accounts.client_tokens.link_tokens import LinkToken

# Each password that is tried with a mailed token costs one hash for each former password. A token allows only a few.
MAX_PASSWORD_ATTEMPTS = 5

# The three statements below have the same conditions on a token `t` and its account `u`:
#
# - A deleted account can be reported, because an intruder may have deleted it. Nothing else can be done with it.
# - `bound_to` is the digest of what the token was issued for: the confirmation of an address is bound to the address of
#   the account, the report of a takeover to the address that the mail went to, all others to the password hash and the
#   address. accounts.services.mailing.mailed_tokens computes the same digest when it issues a token.
_FIND_USABLE = """
SELECT t.user_id, t.address, t.created_at
FROM accounts_mailedtoken t JOIN accounts_user u ON u.id = t.user_id
WHERE t.id = %(id)s AND t.purpose = %(purpose)s AND t.digest = %(digest)s
    AND t.used_at IS NULL AND t.expires_at > %(now)s AND t.rejected_passwords < %(max_attempts)s
    AND u.is_active AND (u.deleted_at IS NULL OR t.purpose = 'disown')
    AND t.bound_to = sha256(convert_to(CASE t.purpose
        WHEN 'confirm_email' THEN u.email_folded
        WHEN 'disown' THEN t.address
        ELSE u.password || chr(10) || u.email_folded
    END, 'UTF8'))
"""
_CHARGE_PASSWORD_ATTEMPT = """
UPDATE accounts_mailedtoken t SET rejected_passwords = t.rejected_passwords + 1
FROM accounts_user u
WHERE u.id = t.user_id AND t.id = %(id)s AND t.purpose = %(purpose)s AND t.digest = %(digest)s
    AND t.used_at IS NULL AND t.expires_at > %(now)s AND t.rejected_passwords < %(max_attempts)s
    AND u.is_active AND (u.deleted_at IS NULL OR t.purpose = 'disown')
    AND t.bound_to = sha256(convert_to(CASE t.purpose
        WHEN 'confirm_email' THEN u.email_folded
        WHEN 'disown' THEN t.address
        ELSE u.password || chr(10) || u.email_folded
    END, 'UTF8'))
RETURNING t.user_id, t.address, t.created_at
"""
# The account's row is locked first, and its present columns are compared. Of concurrent redemptions one updates the
# token. The counter of passwords is no condition: the last password that was charged may be the accepted one.
_REDEEM = """
WITH owner AS (
    SELECT u.id
    FROM accounts_user u JOIN accounts_mailedtoken t ON t.user_id = u.id
    WHERE t.id = %(id)s AND t.purpose = %(purpose)s
        AND u.is_active AND (u.deleted_at IS NULL OR t.purpose = 'disown')
        AND t.bound_to = sha256(convert_to(CASE t.purpose
            WHEN 'confirm_email' THEN u.email_folded
            WHEN 'disown' THEN t.address
            ELSE u.password || chr(10) || u.email_folded
        END, 'UTF8'))
    FOR NO KEY UPDATE OF u
)
UPDATE accounts_mailedtoken t SET used_at = %(now)s
FROM owner
WHERE t.user_id = owner.id AND t.id = %(id)s AND t.purpose = %(purpose)s AND t.digest = %(digest)s
    AND t.used_at IS NULL AND t.expires_at > %(now)s
RETURNING t.user_id, t.address, t.created_at
"""


class MailBudget(models.TextChoices):
    """The budget of the recipient that a mail is charged to; its size is in ``services.mailing.mail_budgets``."""

    ANYBODY = "anybody", _("anybody can cause it")
    KNOWN_DEVICE = "known_device", _("asked for on a known device")
    NOTICE = "notice", _("tells of a change")
    OPERATOR = "operator", _("caused by an operator")


class DropReason(StrEnum):
    """Why a mail is not sent; stored in ``OutgoingMail.drop_reason``."""

    ADDRESS_CHANGED = "address_changed"  # the account has another address now
    ADDRESS_UNUSABLE = "address_unusable"  # no mail server accepts such an address
    CONFIRMED = "confirmed"  # the address is confirmed already
    EXPIRED = "expired"  # the registration has expired
    NO_ACCOUNT = "no_account"  # the account is disabled or deleted
    ON_ITS_WAY = "on_its_way"  # a mail with the same link was sent a moment ago
    REFUSED = "refused"  # the mail server refuses it permanently
    SUPERSEDED = "superseded"  # its token was used or withdrawn
    TAKEN = "taken"  # another account has the address
    TOO_MANY = "too_many"  # the budget of the recipient is used up
    WITHDRAWN = "withdrawn"  # the owner of the account reported a takeover


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def unfinished(self) -> OutgoingMailQuerySet:
        """Return the mails that are neither sent nor dropped."""
        return self.filter(sent_at__isnull=True, dropped_at__isnull=True)

    def drop(self, *, reason: DropReason, now: datetime) -> int:
        """Mark the unfinished mails as dropped; return how many there were."""
        return self.unfinished().update(dropped_at=now, drop_reason=reason)


class OutgoingMail(models.Model):
    """One mail: its recipient, and whether it was sent or dropped.

    The row is written in the transaction of the event that the mail is about, with the address of that moment: if an
    intruder changes the address of an account, the notices still go to the former one. A worker locks the row while it
    sends the mail. The recipient has an account or a pending registration.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"), null=True, blank=True)
    # Without a constraint in the database: a registration can be deleted while a worker sends a mail of it.
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
    # The address as fold_email returns it, and the budget that the mail is charged to. Both have defaults in the
    # database, because servers of the former version insert rows during a deployment.
    recipient = models.CharField(_("recipient"), max_length=254, db_default="")
    budget = models.CharField(
        _("budget"), max_length=12, choices=MailBudget.choices, db_default=MailBudget.NOTICE.value
    )
    created_at = models.DateTimeField(_("created at"))
    # When a worker first began to send it. The budgets count mails by this.
    started_at = models.DateTimeField(_("taken up at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    dropped_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    drop_reason = models.CharField(_("why it was given up"), max_length=40, blank=True)

    objects = OutgoingMailQuerySet.as_manager()

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


class MailedTokenPurpose(models.TextChoices):
    """The one action that a mailed token allows."""

    CONFIRM_EMAIL = "confirm_email", _("confirm the address")
    OPEN_ACCOUNT = "open_account", _("confirm a registration")
    RESET_PASSWORD = "reset_password", _("set a new password")
    CHANGE_EMAIL = "change_email", _("confirm a new address")
    DISOWN = "disown", _("report a takeover")
    INVITATION = "invitation", _("choose the first password")


# Tokens that confirm a registration have no row: they are valid as long as the registration is pending.
_STORED_PURPOSES = [purpose for purpose in MailedTokenPurpose if purpose is not MailedTokenPurpose.OPEN_ACCOUNT]


class MailedTokenRecord(NamedTuple):
    """The account of a mailed token, the address that it was mailed to, and when the event of the mail happened."""

    user_id: UUID
    address: str
    created_at: datetime


class MailedTokenManager(models.Manager["MailedToken"]):
    def find_usable(self, link: LinkToken, *, now: datetime) -> MailedTokenRecord | None:
        """Return the record of a token that can be redeemed now. Nothing is written."""
        return self._fetch(_FIND_USABLE, link, now=now)

    def charge_password_attempt(self, link: LinkToken, *, now: datetime) -> MailedTokenRecord | None:
        """Count one more password for a token that can be redeemed now, and return its record."""
        return self._fetch(_CHARGE_PASSWORD_ATTEMPT, link, now=now)

    def redeem(self, link: LinkToken, *, now: datetime) -> MailedTokenRecord | None:
        """Mark a token as used, lock its account until the transaction ends, and return its record."""
        return self._fetch(_REDEEM, link, now=now)

    def _fetch(self, statement: str, link: LinkToken, *, now: datetime) -> MailedTokenRecord | None:
        params: dict[str, Any] = {
            "id": link.mail_id,
            "purpose": str(link.purpose),
            "digest": link.digest,
            "now": now,
            "max_attempts": MAX_PASSWORD_ATTEMPTS,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            row = cursor.fetchone()
        return MailedTokenRecord(*row) if row else None


class MailedToken(models.Model):
    """The token in the link of one mail. ``id`` is that of the mail: each attempt to send it has the same token.

    Only the digest of the token is stored. ``bound_to`` is the digest of what the token was issued for, see above;
    ``address`` is where the mail went: for a change the new address, for a report the one that the report restores.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    purpose = models.CharField(
        _("purpose"), max_length=20, choices=[(purpose.value, purpose.label) for purpose in _STORED_PURPOSES]
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    bound_to = models.BinaryField(max_length=32, editable=False)
    address = models.EmailField(_("address"), max_length=254)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used or withdrawn at"), null=True, blank=True)
    # Passwords that were tried with it and rejected. After MAX_PASSWORD_ATTEMPTS it is invalid.
    rejected_passwords = models.PositiveSmallIntegerField(_("rejected passwords"), default=0, db_default=0)

    objects: ClassVar[MailedTokenManager] = MailedTokenManager()

    class Meta:
        verbose_name = _("mailed token")
        verbose_name_plural = _("mailed tokens")
        indexes = [
            models.Index(fields=["user", "purpose"], name="accounts_token_of_user_idx"),
            models.Index(fields=["expires_at"], name="accounts_token_expiry_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose__in=[purpose.value for purpose in _STORED_PURPOSES]),
                name="accounts_token_purpose",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
