"""Check the values of a row and build a user from them who could have an account here."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.conf import account_settings
from accounts.identifiers.names import fold_email, is_username, parse_email
from accounts.importing.hashes import AssessedHash
from accounts.importing.refusals import RowRefused

MAX_NAME_LENGTH = 150
MAX_EXTERNAL_ID_LENGTH = 255
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes"}), frozenset({"false", "f", "0", "no", ""})
_MAX_STEM_LENGTH = 41  # so that a hyphen and eight digits can follow
_MIN_USERNAME_LENGTH = 3
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10**11  # seconds would be in the year 5138


@dataclass(slots=True)
class ParsedUser:
    """A user to import, with the hash of the password."""

    email: str
    username: str
    external_id: str
    is_username_derived: bool = False
    full_name: str = ""
    locale: str = "en"
    is_active: bool = True
    email_confirmed_at: datetime | None = None
    created_at: datetime | None = None
    password: AssessedHash | None = field(default=None, repr=False)

    @property
    def email_folded(self) -> str:
        return fold_email(self.email)

    def another_username(self) -> str:
        """Return the username to take if the derived one is taken. It is always the same for the same person."""
        return f"{self.username[:_MAX_STEM_LENGTH]}-{hashlib.sha256(self.external_id.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class ImportPolicy:
    """What the operator decides for all rows: whether addresses count as confirmed and usernames are derived."""

    trusts_addresses: bool = False
    derives_usernames: bool = False


class RowValues:
    """The values of one row, read by the expected type. Each method raises RowRefused for a value of another type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, *names: str) -> str:
        """Return the first of these that is not empty, without surrounding space."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, bool) or not isinstance(value, str | int | None):
                raise RowRefused("value_invalid")
            if value not in (None, ""):
                return _storable(str(value)).strip()
        return ""

    def secret(self, *names: str) -> str:
        """Return the first of these that is not empty, unchanged."""
        for name in names:
            value = self._values.get(name)
            if value is not None and not isinstance(value, str):
                raise RowRefused("hash_unreadable")
            if value:
                return value
        return ""

    def boolean(self, *names: str, default: bool) -> bool:
        """Return the first of these that is not empty. CSV has words for true and false."""
        for name in names:
            value = self._values.get(name)
            if value is None or value == "":
                continue
            word = str(value).lower() if isinstance(value, str | bool | int) else "?"
            if word not in _TRUE | _FALSE:
                raise RowRefused("value_invalid")
            return word in _TRUE
        return default

    def moment(self, *names: str) -> datetime | None:
        """Return the first of these that is not empty: ISO 8601, or seconds or milliseconds since 1970."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, dict):  # MongoDB's own JSON
                value = value.get("$date")
            if value in (None, ""):
                continue
            return _moment(value)
        return None

    def inner(self, name: str) -> "RowValues":
        """Return the members of an object, which may also be JSON in a text."""
        value = self._values.get(name)
        if isinstance(value, str) and value:
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise RowRefused("value_invalid") from error
        if value in (None, ""):
            value = {}
        if not isinstance(value, dict):
            raise RowRefused("value_invalid")
        return RowValues(value)

    def raw(self, name: str) -> Any:
        return self._values.get(name)


def assemble(
    *,
    policy: ImportPolicy,
    now: datetime,
    email: str,
    username: str,
    external_id: str,
    full_name: str,
    locale: str,
    is_active: bool,
    confirmed: bool | datetime | None,
    created_at: datetime | None,
    password: AssessedHash | None,
) -> ParsedUser:
    """Return a user whose username, address, name and times are valid here.

    Raises: RowRefused.
    """
    address = parse_email(email)
    if address is None:
        raise RowRefused("email_invalid" if email.rpartition("@")[0].isascii() else "email_not_ascii")
    folded = fold_email(address)
    name, is_derived = _username(username, address, policy)
    if created_at is not None and created_at > now + timedelta(days=1):
        raise RowRefused("created_at_invalid")
    if len(full_name) > MAX_NAME_LENGTH or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in full_name):
        raise RowRefused("full_name_invalid")
    if len(external_id) > MAX_EXTERNAL_ID_LENGTH:
        raise RowRefused("external_id_invalid")
    confirmed_at = confirmed if isinstance(confirmed, datetime) else now if confirmed else None
    return ParsedUser(
        email=address,
        username=name,
        is_username_derived=is_derived,
        full_name=full_name,
        # Without an id in the other system the address identifies a person; only its digest is stored.
        external_id=external_id or "address:" + hashlib.sha256(folded.encode()).hexdigest(),
        locale=locale if locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE,
        is_active=is_active,
        email_confirmed_at=confirmed_at or (now if policy.trusts_addresses else None),
        created_at=created_at,
        password=password,
    )


def _username(given: str, address: str, policy: ImportPolicy) -> tuple[str, bool]:
    is_reserved = given.lower() in account_settings.RESERVED_USERNAMES
    if is_username(given) and not is_reserved:
        return given, False
    # An address as the username is replaced by a derived username.
    if given and "@" not in given and not policy.derives_usernames:
        raise RowRefused("username_reserved" if is_reserved else "username_invalid")
    return _derived(given.partition("@")[0] or address.partition("@")[0]), True


def _derived(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", errors="ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:_MAX_STEM_LENGTH]
    if len(stem) < _MIN_USERNAME_LENGTH or stem.lower() in account_settings.RESERVED_USERNAMES:
        stem = f"user-{stem}".rstrip("-")
    return stem


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]+", value):
            found = datetime.fromisoformat(value)
        else:
            number = float(value)  # type: ignore[arg-type]  # what is no number is refused below
            found = datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
        # A moment without a zone is taken for UTC; one at the edge of the calendar overflows here.
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise RowRefused("created_at_invalid") from error
    if at < _EARLIEST:
        raise RowRefused("created_at_invalid")
    return at


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can write
        raise RowRefused("value_invalid") from error
    if "\0" in text:
        raise RowRefused("nul_character")
    return text
