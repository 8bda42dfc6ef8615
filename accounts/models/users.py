"""Accounts, and the passwords that they had before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models.functions import Collate, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.identifiers.names import fold_email, is_held, name_key, parse_email
from accounts.models.passwords import REFUND_IF_SIGNED_IN, REMEMBER_CLIENT_IF_SIGNED_IN, WAS_KNOWN_CLIENT
from cedrina_base.uuids import uuid7
from security_events.event_cte import append_sql

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from security_events.event_cte import AppendedEvent

_HOLDERS = """
SELECT id, lower(username) = lower(%(username)s) AS has_username, email_folded = %(email_folded)s AS has_address
FROM accounts_user
WHERE lower(username) = lower(%(username)s) OR email_folded = %(email_folded)s
"""
_INSERT_UNLESS_TAKEN = """
INSERT INTO accounts_user (
    id, password, last_login, is_superuser, username, email, email_folded, email_confirmed_at, full_name, locale, tier,
    department, location, is_active, is_staff, is_mfa_enabled, is_password_reset_required, deleted_at, version,
    created_at, updated_at
) VALUES (
    %(id)s, %(password)s, %(last_login)s, %(is_superuser)s, %(username)s, %(email)s, %(email_folded)s,
    %(email_confirmed_at)s, %(full_name)s, %(locale)s, %(tier)s, %(department)s, %(location)s, %(is_active)s,
    %(is_staff)s, %(is_mfa_enabled)s, %(is_password_reset_required)s, %(deleted_at)s, %(version)s, %(created_at)s,
    %(updated_at)s
)
ON CONFLICT DO NOTHING
"""
# Only the statement knows whether the client is new: it looks at what was there before it.
_DATA_WITH_CLIENT = f"(%(event_data)s::jsonb || jsonb_build_object('is_new_client', NOT {WAS_KNOWN_CLIENT}))"
_RECORD_SIGN_IN = f"""
WITH signed_in AS (
    UPDATE accounts_user
    SET last_login = %(now)s::timestamptz, password = %(new_digest)s
    WHERE id = %(id)s AND password = %(checked_digest)s AND is_active AND deleted_at IS NULL
        AND (NOT is_mfa_enabled OR %(is_multi_factor)s)
        AND NOT (is_password_reset_required AND %(is_by_password)s)
    RETURNING last_login
),
event AS ({append_sql(source="signed_in", columns={"data": _DATA_WITH_CLIENT})} RETURNING id),
refunded AS ({REFUND_IF_SIGNED_IN}),
remembered AS ({REMEMBER_CLIENT_IF_SIGNED_IN})
SELECT last_login, {WAS_KNOWN_CLIENT} AS was_known_client, event.id AS event_id FROM signed_in, event
"""  # noqa: S608 - parts of our own
_REPLACE_PASSWORD = """
UPDATE accounts_user
SET password = %(new_digest)s, is_password_reset_required = FALSE, version = version + 1, updated_at = %(at)s
WHERE id = %(id)s AND password = %(checked_digest)s AND is_active AND deleted_at IS NULL
RETURNING version
"""


class IdentifierHolder(NamedTuple):
    """An account that has a username or an address that was asked for."""

    user_id: UUID
    has_username: bool
    has_address: bool


class SignInRecord(NamedTuple):
    """When a sign-in was recorded, whether the person had used the same client before, and the id of the event."""

    signed_in_at: datetime
    was_known_client: bool
    event_id: UUID


class UserQuerySet(models.QuerySet["User"]):
    def present(self) -> UserQuerySet:
        """Leave out people who asked to be deleted and only wait for erasure."""
        return self.filter(deleted_at__isnull=True)

    def named(self, name: str) -> UserQuerySet:
        """Find by username or e-mail address, in whatever spelling of it.

        A username never contains "@" and an address always does, so no name can mean two people.
        """
        if "@" in name:
            return self.filter(email_folded=name_key(name))
        return self.annotate(_folded=Lower("username")).filter(_folded=name_key(name))


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def present(self) -> UserQuerySet:
        return self.get_queryset().present()

    def holders(self, *, username: str, email_folded: str) -> list[IdentifierHolder]:
        """Return the accounts that have this username or this address, deleted ones included."""
        with connection.cursor() as cursor:
            cursor.execute(_HOLDERS, {"username": username, "email_folded": email_folded})
            return [IdentifierHolder(*row) for row in cursor.fetchall()]

    def insert_unless_taken(self, user: User) -> bool:
        """Store a new person; ``False`` when the name or the address is somebody's.

        The unique indexes decide, so that one of several simultaneous registrations wins, and the same statement runs
        for free and for taken addresses.
        """
        values = {
            field.attname: field.get_db_prep_save(field.pre_save(user, add=True), connection)
            for field in User._meta.concrete_fields
        }
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_UNLESS_TAKEN, values)
            inserted: bool = cursor.rowcount == 1
        if inserted:
            user._state.adding = False
            user._state.db = self.db
        return inserted

    def record_sign_in(
        self,
        *,
        user: User,
        checked_digest: str,
        new_digest: str,
        is_multi_factor: bool,
        is_by_password: bool,
        event: AppendedEvent,
        attempt_and_client: dict[str, Any],
        now: datetime,
    ) -> SignInRecord | None:
        """Record a sign-in with its event in one statement and lock the row; ``None`` if it is not allowed any more.

        The hash that was checked is part of the condition: a password change, a deactivation or a deletion that
        committed while the hash was computed wins. So does a second factor that was added meanwhile, unless one was
        shown, and for a sign-in by password an operator's demand for a new one. ``attempt_and_client`` are the
        parameters made by ``refund_and_remember_params``.
        """
        own: dict[str, Any] = {
            "now": now,
            "new_digest": new_digest,
            "id": user.pk,
            "checked_digest": checked_digest,
            "is_multi_factor": is_multi_factor,
            "is_by_password": is_by_password,
        }
        with connection.cursor() as cursor:
            cursor.execute(_RECORD_SIGN_IN, {**event.params, **attempt_and_client, **own})
            row = cursor.fetchone()
        return SignInRecord(*row) if row else None

    def replace_password(self, *, user: User, checked_digest: str, new_digest: str, now: datetime) -> int | None:
        """Store a new password hash in place of the one that was checked; return the new version of the account.

        ``None`` when the checked hash is no longer the account's.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                _REPLACE_PASSWORD,
                {"new_digest": new_digest, "at": now, "id": user.pk, "checked_digest": checked_digest},
            )
            row = cursor.fetchone()
        return row[0] if row else None

    def get_by_natural_key(self, username: str | None) -> User:
        """Let Django's own sign-in (the admin's) find people as the API does."""
        return self.present().named(username or "").get()

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        address = parse_email(email)
        if address is None:
            raise ValidationError(_("This is not an e-mail address."), code="email_invalid")
        user = self.model(username=username, email=address, email_folded=fold_email(address), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user


class Tier(models.TextChoices):
    FREE = "free", _("Free")
    PRO = "pro", _("Pro")
    ENTERPRISE = "enterprise", _("Enterprise")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Names are unique without regard to case, addresses as ``fold_email`` compares them.

    Those of deleted people count until they are erased.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    # Longer than Django's: what is imported from elsewhere may carry 64 bytes of hash and their salt.
    password = models.CharField(_("password"), max_length=255)
    username = models.CharField(_("username"), max_length=50)
    email = models.EmailField(_("e-mail address"), max_length=254)
    # By fold_email, which is not the database's lower(); or what stands there while the address is on hold.
    email_folded = models.CharField(max_length=254, unique=True, editable=False)
    email_confirmed_at = models.DateTimeField(_("address confirmed at"), null=True, blank=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    locale = models.CharField(_("language"), max_length=10, default="en")
    tier = models.CharField(_("tier"), max_length=20, choices=Tier.choices, default=Tier.FREE)
    department = models.CharField(_("department"), max_length=100, blank=True)
    location = models.CharField(_("location"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    # Whether a factor is enrolled, kept beside the factors' own rows so that no request needs a query for it.
    is_mfa_enabled = models.BooleanField(_("second factor"), default=False, editable=False)
    # An operator demands a new password: the present one opens no session any more. Any new password ends it.
    # The default stands in the database, because servers of the former version insert rows during a deployment.
    is_password_reset_required = models.BooleanField(
        _("new password required"), default=False, db_default=False, editable=False
    )
    # A copy of the grants of access control, as rules/subject_facts packs it, so that no request needs a query for it.
    role_grants = models.TextField(default="", db_default="", blank=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    # Counts changes, for If-Match (RFC 9110, 13.1.1).
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = [
            models.Index(
                fields=["deleted_at"],
                name="accounts_user_deleted_idx",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # Two lists of few users among millions, in their order.
            models.Index(fields=["id"], name="accounts_user_inactive_idx", condition=models.Q(is_active=False)),
            models.Index(
                fields=["id"],
                name="accounts_user_privileged_idx",
                condition=models.Q(is_staff=True) | models.Q(is_superuser=True),
            ),
            # In the order of characters, so that a search for the beginning of a username can use it.
            models.Index(Collate(Lower("username"), "C"), name="accounts_user_prefix_idx"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_folded_key"),
            models.CheckConstraint(
                condition=models.Q(username__regex=r"^[A-Za-z0-9_-]{3,50}$"), name="accounts_user_username_shape"
            ),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="accounts_user_version_positive"),
        ]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        """Return the full name, as AbstractUser does; empty for people who gave none."""
        return self.full_name

    @property
    def is_email_confirmed(self) -> bool:
        """Whether it is known whose the address is. Of one that is on hold, it is not, whatever was known before."""
        return self.email_confirmed_at is not None and not self.is_email_held

    @property
    def is_email_held(self) -> bool:
        """Whether nobody is found by the address nor written to it, because it was stored by a rule that erred."""
        return is_held(self.email_folded)


class PasswordHistory(models.Model):
    """A password hash that somebody used before, so that it is not used again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_history")
    password = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("former password")
        verbose_name_plural = _("former passwords")
        indexes = [models.Index(fields=["user", "-created_at"], name="accounts_history_recent_idx")]

    def __str__(self) -> str:
        return str(self.pk)
