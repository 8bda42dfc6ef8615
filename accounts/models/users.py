"""Who may sign in: people, and the passwords they had before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.identifiers import fold_email, is_held, name_key, parse_email, uuid7
from accounts.models.passwords import WAS_FAMILIAR, settling

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from security_events.services.recording import Rider


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

    def holders(self, *, username: str, email_folded: str) -> list[tuple[UUID, bool, bool]]:
        """Return who has this username or this address, and which of the two; nobody is left out."""
        sql = (
            "SELECT id, lower(username) = lower(%(username)s), email_folded = %(email_folded)s "  # noqa: S608 - our names
            f'FROM "{User._meta.db_table}" '
            "WHERE lower(username) = lower(%(username)s) OR email_folded = %(email_folded)s"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, {"username": username, "email_folded": email_folded})
            rows: list[tuple[UUID, bool, bool]] = cursor.fetchall()
        return rows

    def insert_unless_taken(self, user: User) -> bool:
        """Store a new person; ``False`` when the name or the address is somebody's.

        The unique indexes decide, so that of simultaneous registrations one wins, and the same statement runs for
        free and for taken addresses.
        """
        fields = User._meta.concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = [field.get_db_prep_save(field.pre_save(user, add=True), connection) for field in fields]
        sql = (
            f'INSERT INTO "{User._meta.db_table}" ({columns}) '  # noqa: S608 - names of our own columns only
            f"VALUES ({', '.join(['%s'] * len(fields))}) ON CONFLICT DO NOTHING"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            inserted: bool = cursor.rowcount == 1
        if inserted:
            user._state.adding = False
            user._state.db = self.db
        return inserted

    def mark_signed_in(
        self,
        *,
        user: User,
        checked_digest: str,
        new_digest: str,
        is_multi_factor: bool,
        event: Rider,
        settled: dict[str, Any],
        now: datetime | None,
    ) -> tuple[datetime, bool] | None:
        """Note a sign-in with its event in one statement and lock the row; ``None`` when the person may not any more.

        The hash that was checked is part of the condition: a password change, a deactivation or a deletion that
        committed while the hash was computed wins. So does a second factor that was added meanwhile, unless one was
        shown. ``settled`` is what the attempt was charged and where it came from; returned are the moment and whether
        the person has signed in from there before.
        """
        sql = (
            f'WITH signed_in AS (UPDATE "{User._meta.db_table}" '  # noqa: S608 - our own names, values are bound
            "SET last_login = COALESCE(%(now)s::timestamptz, statement_timestamp()), password = %(new_digest)s "
            "WHERE id = %(id)s AND password = %(checked_digest)s AND is_active AND deleted_at IS NULL "
            "AND (NOT is_mfa_enabled OR %(is_multi_factor)s) "
            f"RETURNING last_login), event AS ({event.sql}), {settling('signed_in', 'last_login')} "
            f"SELECT last_login, {WAS_FAMILIAR} FROM signed_in"
        )
        own = {
            "now": now,
            "new_digest": new_digest,
            "id": user.pk,
            "checked_digest": checked_digest,
            "is_multi_factor": is_multi_factor,
        }
        with connection.cursor() as cursor:
            cursor.execute(sql, {**event.params, **settled, **own})
            row: tuple[datetime, bool] | None = cursor.fetchone()
        return row

    def replace_password(self, *, user: User, checked_digest: str, new_digest: str, now: datetime) -> int | None:
        """Store a new password hash in place of the one that was checked; ``None`` when it is no longer there."""
        sql = (
            f'UPDATE "{User._meta.db_table}" SET password = %s, version = version + 1, updated_at = %s '  # noqa: S608
            "WHERE id = %s AND password = %s AND is_active AND deleted_at IS NULL RETURNING version"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [new_digest, now, user.pk, checked_digest])
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
        constraints = [
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_folded_key"),
            models.CheckConstraint(
                condition=models.Q(username__regex=r"^[A-Za-z0-9_-]{3,50}$"), name="accounts_user_username_shape"
            ),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="accounts_user_version_positive"),
        ]

    def __str__(self) -> str:
        return self.username

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
