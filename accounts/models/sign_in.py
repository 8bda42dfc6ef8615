"""Registrations that wait for their address to be confirmed. They are no accounts yet, and stand apart from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import connection, models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.identifiers import uuid7
from accounts.models.users import User

if TYPE_CHECKING:
    from datetime import datetime

# The first half of the advisory locks on usernames; the second is the name's hash.
_USERNAME_LOCK = 0x5EC0_0102

_IS_USERNAME_TAKEN = """
SELECT EXISTS (SELECT FROM accounts_user WHERE lower(username) = lower(%(username)s))
    OR EXISTS (
        SELECT FROM accounts_pendingregistration WHERE lower(username) = lower(%(username)s) AND expires_at > %(at)s
    )
"""
_BY_USERNAME = """
SELECT {columns} FROM (VALUES (lower(%(username)s))) AS asked(username)
LEFT JOIN accounts_user u ON lower(u.username) = asked.username AND u.deleted_at IS NULL
LEFT JOIN accounts_pendingregistration p ON lower(p.username) = asked.username AND p.expires_at > %(at)s
"""
# An expired registration gives its name back; of one address the oldest make room. Rows that somebody else is just
# removing are passed over, and so is mail that is being handed over at this moment, so that nobody waits here.
_MAKE_ROOM = """
WITH outdated AS (
    SELECT id FROM accounts_pendingregistration
    WHERE (lower(username) = lower(%(username)s) AND expires_at <= %(at)s) OR id IN (
        SELECT id FROM accounts_pendingregistration WHERE email_folded = %(email_folded)s
        ORDER BY created_at DESC, id DESC OFFSET %(kept)s
    )
    ORDER BY id FOR UPDATE SKIP LOCKED
), mails AS (
    SELECT id FROM accounts_outgoingmail WHERE registration_id IN (SELECT id FROM outdated) FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM accounts_outgoingmail WHERE id IN (SELECT id FROM mails)
)
DELETE FROM accounts_pendingregistration WHERE id IN (SELECT id FROM outdated)
"""
# Accounts are asked for the name alone. Whether the address has one must not change what happens here.
_INSERT = """
INSERT INTO accounts_pendingregistration (
    id, username, email, email_folded, password, full_name, locale, created_at, expires_at
)
SELECT %(id)s::uuid, %(username)s, %(email)s, %(email_folded)s, %(password)s, %(full_name)s, %(locale)s,
    %(created_at)s::timestamptz, %(expires_at)s::timestamptz
WHERE NOT EXISTS (SELECT FROM accounts_user WHERE lower(username) = lower(%(username)s))
ON CONFLICT DO NOTHING
"""
# The mail becomes the account's, but for one that is being handed over at this moment: nobody waits for a mail server.
_HAND_OVER = """
WITH mails AS (
    SELECT id FROM accounts_outgoingmail WHERE registration_id = %(id)s FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE accounts_outgoingmail SET user_id = %(id)s, registration_id = NULL WHERE id IN (SELECT id FROM mails)
)
DELETE FROM accounts_pendingregistration WHERE id = %(id)s
"""
_RELEASE = """
WITH released AS (
    DELETE FROM accounts_pendingregistration WHERE lower(username) = lower(%(username)s) RETURNING id
)
DELETE FROM accounts_outgoingmail WHERE registration_id IN (SELECT id FROM released)
"""


class PendingRegistrationManager(models.Manager["PendingRegistration"]):
    def living(self, *, at: datetime) -> models.QuerySet[PendingRegistration]:
        """Return the registrations that can still be confirmed, as far as their time is concerned."""
        return self.filter(expires_at__gt=at)

    def named(self, username: str, *, at: datetime) -> PendingRegistration | None:
        """Return the living registration with a username, without regard to case."""
        rows = self.living(at=at).annotate(_folded=Lower("username"))
        return rows.filter(_folded=username.lower()).first()

    def latest_of(self, *, email_folded: str, at: datetime) -> PendingRegistration | None:
        """Return the living registration of an address that was made last."""
        return self.living(at=at).filter(email_folded=email_folded).order_by("-created_at", "-pk").first()

    def account_or_registration(self, *, username: str, at: datetime) -> tuple[User | None, PendingRegistration | None]:
        """Return the account that is not deleted and has a username, else the living registration that has it."""
        users = [field.attname for field in User._meta.concrete_fields]
        waiting = [field.attname for field in self.model._meta.concrete_fields]
        columns = ", ".join([*(f"u.{name}" for name in users), *(f"p.{name}" for name in waiting)])
        with connection.cursor() as cursor:
            cursor.execute(_BY_USERNAME.format(columns=columns), {"username": username, "at": at})
            row = cursor.fetchone()
        account, registration = row[: len(users)], row[len(users) :]
        if account[users.index("id")] is not None:
            return User.from_db(self.db, users, account), None
        is_waiting = registration[waiting.index("id")] is not None
        return None, self.model.from_db(self.db, waiting, registration) if is_waiting else None

    def is_username_taken(self, *, username: str, at: datetime) -> bool:
        """Tell whether an account or a living registration has a username."""
        with connection.cursor() as cursor:
            cursor.execute(_IS_USERNAME_TAKEN, {"username": username, "at": at})
            return bool(cursor.fetchone()[0])

    def lock_username(self, username: str, *, waits: bool = True) -> bool:
        """Keep everybody else from taking a name until the transaction ends; ``False`` if somebody else does.

        Accounts and registrations have unique indexes of their own. That a name is not taken in both tables at the same
        moment is what this lock is for: what a statement after it reads is still so when the transaction commits.
        Whoever locks several names must not wait for one of them: two such transactions could wait for each other.
        """
        with connection.cursor() as cursor:
            if waits:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(lower(%s)))", [_USERNAME_LOCK, username])
                return True
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(lower(%s)))", [_USERNAME_LOCK, username])
            return bool(cursor.fetchone()[0])

    def make_room(self, *, username: str, email_folded: str, kept: int, at: datetime) -> None:
        """Remove an expired registration of this name, and all but the latest ``kept`` ones of this address."""
        with connection.cursor() as cursor:
            cursor.execute(_MAKE_ROOM, {"username": username, "email_folded": email_folded, "kept": kept, "at": at})

    def insert_unless_taken(self, registration: PendingRegistration) -> bool:
        """Store a registration; ``False`` when somebody has the name, whoever has the address.

        In a transaction that holds the lock of the name.
        """
        names = [field.attname for field in self.model._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, {name: getattr(registration, name) for name in names})
            return bool(cursor.rowcount == 1)

    def hand_over(self, registration: PendingRegistration) -> None:
        """Remove a registration in favour of the account with its id, which gets its mail."""
        with connection.cursor() as cursor:
            cursor.execute(_HAND_OVER, {"id": registration.pk})

    def release_username(self, username: str) -> None:
        """Remove the registration that has a name, for an operator needs it."""
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, {"username": username})


class PendingRegistration(models.Model):
    """What somebody registered with, until the address is confirmed or ``expires_at`` has passed.

    There may be several for one address, and there may be one for an address that has an account: whether it has is
    only looked up by the background worker and by the confirmation, so that nothing else can tell. The username is
    reserved meanwhile. ``id`` becomes the account's, so that what a browser was given at the registration holds on.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    username = models.CharField(_("username"), max_length=50)
    email = models.EmailField(_("e-mail address"), max_length=254)
    email_folded = models.CharField(max_length=254, editable=False)
    password = models.CharField(_("password"), max_length=255)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    locale = models.CharField(_("language"), max_length=10, default="en")
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))

    objects: ClassVar[PendingRegistrationManager] = PendingRegistrationManager()

    class Meta:
        verbose_name = _("pending registration")
        verbose_name_plural = _("pending registrations")
        indexes = [
            models.Index(fields=["email_folded", "-created_at"], name="accounts_pending_address_idx"),
            models.Index(fields=["expires_at"], name="accounts_pending_expiry_idx"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_pending_username_key"),
            models.CheckConstraint(
                condition=models.Q(username__regex=r"^[A-Za-z0-9_-]{3,50}$"), name="accounts_pending_username_shape"
            ),
        ]

    def __str__(self) -> str:
        return self.username
