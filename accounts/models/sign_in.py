"""Pending registrations: their address is not confirmed yet. They are kept apart from accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import connection, models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from cedrina_base.uuids import uuid7

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
# Delete an expired registration of the username, and the oldest registrations of the address. Rows and mails that are
# locked by another transaction are skipped, so that this never waits.
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
# Only the username is compared with accounts: whether the address has an account must make no difference.
_INSERT = """
INSERT INTO accounts_pendingregistration (
    id, username, email, email_folded, password, full_name, locale, created_at, expires_at
)
SELECT %(id)s::uuid, %(username)s, %(email)s, %(email_folded)s, %(password)s, %(full_name)s, %(locale)s,
    %(created_at)s::timestamptz, %(expires_at)s::timestamptz
WHERE NOT EXISTS (SELECT FROM accounts_user WHERE lower(username) = lower(%(username)s))
ON CONFLICT DO NOTHING
"""
# The registration's mails become the account's, except one that is being sent now: nothing here waits for mail servers.
_DELETE_AND_MOVE_MAILS = """
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
        """Return the registrations that have not expired."""
        return self.filter(expires_at__gt=at)

    def named(self, username: str, *, at: datetime) -> PendingRegistration | None:
        """Return the registration with this username that has not expired; case is ignored."""
        rows = self.living(at=at).annotate(_folded=Lower("username"))
        return rows.filter(_folded=username.lower()).first()

    def latest_of(self, *, email_folded: str, at: datetime) -> PendingRegistration | None:
        """Return the latest registration of an address that has not expired."""
        return self.living(at=at).filter(email_folded=email_folded).order_by("-created_at", "-pk").first()

    def account_or_registration(self, *, username: str, at: datetime) -> tuple[User | None, PendingRegistration | None]:
        """Return the account with a username, deleted ones left out; if there is none, the unexpired registration."""
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
        """Return whether an account or an unexpired registration has a username."""
        with connection.cursor() as cursor:
            cursor.execute(_IS_USERNAME_TAKEN, {"username": username, "at": at})
            return bool(cursor.fetchone()[0])

    def lock_username(self, username: str, *, waits: bool = True) -> bool:
        """Lock a username until the transaction ends; with ``waits=False`` return ``False`` if it is locked already.

        Accounts and registrations each have a unique index. This lock prevents that a name is taken in both tables at
        the same time. A transaction that locks several names must not wait for them, or two of them could deadlock.
        """
        with connection.cursor() as cursor:
            if waits:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(lower(%s)))", [_USERNAME_LOCK, username])
                return True
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(lower(%s)))", [_USERNAME_LOCK, username])
            return bool(cursor.fetchone()[0])

    def make_room(self, *, username: str, email_folded: str, kept: int, at: datetime) -> None:
        """Delete an expired registration of this username, and all but the latest ``kept`` of this address."""
        with connection.cursor() as cursor:
            cursor.execute(_MAKE_ROOM, {"username": username, "email_folded": email_folded, "kept": kept, "at": at})

    def insert_unless_taken(self, registration: PendingRegistration) -> bool:
        """Store a registration; ``False`` when the username is taken. The caller holds the lock of the username."""
        names = [field.attname for field in self.model._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, {name: getattr(registration, name) for name in names})
            return bool(cursor.rowcount == 1)

    def delete_and_move_mails(self, registration: PendingRegistration) -> None:
        """Delete a registration and give its mails to the account with the same id."""
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_AND_MOVE_MAILS, {"id": registration.pk})

    def release_username(self, username: str) -> None:
        """Delete the registration that reserves a username, because an operator needs the name."""
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, {"username": username})


class PendingRegistration(models.Model):
    """The details of a registration until its address is confirmed or ``expires_at`` has passed.

    One address can have several, and an address that has an account can have some, too: only the background worker and
    the confirmation look that up, so that no other call can reveal it. The username is reserved meanwhile. ``id``
    becomes the account's, so that the device token of the registration stays valid.
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
