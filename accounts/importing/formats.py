"""The formats of dumps: which columns or members of another system hold what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.importing import hashes
from accounts.importing.hashers import b64
from accounts.importing.hashes import AssessedHash
from accounts.importing.parsed_users import ImportPolicy, ParsedUser, RowValues, assemble
from accounts.importing.refusals import RowRefused

_DIGEST_OF_KEYCLOAK = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_VERSION_OF_ARGON2 = {"1.0": 16, "1.3": 19, "16": 16, "19": 19}


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """How the rows of one system are read. A CSV file needs one of each tuple in ``columns``."""

    read: Callable[[RowValues, ImportPolicy, datetime], ParsedUser]
    columns: tuple[tuple[str, ...], ...]

    def missing(self, columns: list[str]) -> list[str]:
        """Return the names of the columns that a CSV file lacks."""
        return [" or ".join(names) for names in self.columns if not set(names) & set(columns)]


def parse_row(name: str, row: Mapping[str, Any], *, policy: ImportPolicy, now: datetime) -> ParsedUser:
    """Return the user in a row of a format.

    Raises: RowRefused.
    """
    return FORMATS[name].read(RowValues(row), policy, now)


def _django(row: RowValues, policy: ImportPolicy, now: datetime) -> ParsedUser:
    return _flat(row, policy, now, password=_unless_unusable(row.secret("password"), hashes.assess_django))


def _bcrypt(row: RowValues, policy: ImportPolicy, now: datetime) -> ParsedUser:
    digest = row.secret("password_hash", "hash", "password", "encrypted_password")
    return _flat(row, policy, now, password=_unless_unusable(digest, hashes.assess_bcrypt))


def _flat(row: RowValues, policy: ImportPolicy, now: datetime, *, password: AssessedHash | None) -> ParsedUser:
    names = f"{row.text('first_name')} {row.text('last_name')}".strip()
    return assemble(
        policy=policy,
        now=now,
        email=row.text("email"),
        username=row.text("username"),
        external_id=row.text("id", "pk", "external_id"),
        full_name=row.text("full_name", "name") or names,
        locale=row.text("locale", "language"),
        is_active=row.boolean("is_active", "active", default=True),
        confirmed=row.boolean("email_verified", "email_confirmed", default=False),
        created_at=row.moment("date_joined", "created_at"),
        password=password,
    )


def _keycloak(row: RowValues, policy: ImportPolicy, now: datetime) -> ParsedUser:
    locale = row.inner("attributes").raw("locale")
    return assemble(
        policy=policy,
        now=now,
        email=row.text("email"),
        username=row.text("username"),
        external_id=row.text("id"),
        full_name=f"{row.text('firstName')} {row.text('lastName')}".strip(),
        locale=locale[0] if isinstance(locale, list) and locale and isinstance(locale[0], str) else "",
        is_active=row.boolean("enabled", default=True),
        confirmed=row.boolean("emailVerified", default=False),
        created_at=row.moment("createdTimestamp"),
        password=_keycloak_password(row.raw("credentials")),
    )


def _keycloak_password(credentials: Any) -> AssessedHash | None:
    if credentials is None:
        return None
    if not isinstance(credentials, list):
        raise RowRefused("value_invalid")
    for entry in credentials:
        if isinstance(entry, dict) and entry.get("type") == "password":
            return _keycloak_credential(entry)
    return None


def _keycloak_credential(entry: dict[str, Any]) -> AssessedHash:
    known = RowValues(entry).inner("credentialData")
    secret = RowValues(entry).inner("secretData")
    if entry.get("hashedSaltedValue"):  # before Keycloak 8
        known, secret = RowValues(entry), RowValues({"value": entry["hashedSaltedValue"], "salt": entry.get("salt")})
    algorithm = known.text("algorithm")
    salt, key = hashes.padded(secret.secret("salt")), hashes.padded(secret.secret("value"))
    iterations = _number(known.raw("hashIterations"))
    if algorithm == "argon2":
        return hashes.assess_argon2(_argon2_string(known.inner("additionalParameters"), iterations, salt, key))
    if algorithm not in _DIGEST_OF_KEYCLOAK:
        raise RowRefused("hash_unsupported")
    return hashes.assess_pbkdf2(digest=_DIGEST_OF_KEYCLOAK[algorithm], iterations=iterations, salt=salt, key=key)


def _argon2_string(parameters: RowValues, passes: int, salt: bytes, key: bytes) -> str:
    def first(name: str, default: str) -> str:
        value = parameters.raw(name)
        return str(value[0] if isinstance(value, list) and value else value or default)

    version = _VERSION_OF_ARGON2.get(first("version", "1.3"))
    coded = [b64(value).rstrip("=") for value in (salt, key)]
    return (
        f"$argon2{first('type', 'id')}$v={version}"
        f"$m={first('memory', '7168')},t={passes},p={first('parallelism', '1')}${coded[0]}${coded[1]}"
    )


def _supabase(row: RowValues, policy: ImportPolicy, now: datetime) -> ParsedUser:
    if row.raw("deleted_at"):
        raise RowRefused("deleted_there")
    banned_until = row.text("banned_until")
    is_banned = bool(banned_until) and (banned_until == "infinity" or (row.moment("banned_until") or now) > now)
    about = row.inner("raw_user_meta_data")
    return assemble(
        policy=policy,
        now=now,
        email=row.text("email"),
        username=about.text("preferred_username", "user_name", "username"),
        external_id=row.text("id"),
        full_name=about.text("full_name", "name"),
        locale=about.text("locale"),
        is_active=not is_banned,
        confirmed=row.moment("email_confirmed_at", "confirmed_at"),
        created_at=row.moment("created_at"),
        password=_unless_unusable(row.secret("encrypted_password"), hashes.assess_bcrypt),
    )


def _auth0(row: RowValues, policy: ImportPolicy, now: datetime) -> ParsedUser:
    own_id = row.raw("_id")
    external_id = str(own_id.get("$oid", "")) if isinstance(own_id, dict) else row.text("_id", "user_id")
    return assemble(
        policy=policy,
        now=now,
        email=row.text("email"),
        username=row.text("username", "preferred_username"),
        external_id=external_id,
        full_name=_name_unless_address(row.text("name")),
        locale=row.text("locale"),
        is_active=not row.boolean("blocked", default=False),
        confirmed=row.boolean("email_verified", default=False),
        created_at=row.moment("created_at"),
        password=_auth0_password(row),
    )


def _name_unless_address(name: str) -> str:
    # Auth0 stores the address as the name when it knows no name.
    return "" if "@" in name else name


def _auth0_password(row: RowValues) -> AssessedHash | None:
    custom = row.raw("custom_password_hash")
    if not custom:
        return _unless_unusable(row.secret("passwordHash", "password_hash"), hashes.assess_bcrypt)
    outer = row.inner("custom_password_hash")
    algorithm, known = outer.text("algorithm"), outer.inner("hash")
    value, encoding = known.secret("value"), known.text("encoding") or "hex"
    if outer.inner("password").text("encoding") not in ("", "utf8", "utf-8"):
        raise RowRefused("hash_unsupported")
    if algorithm in ("bcrypt", "pbkdf2", "argon2", "ldap"):
        return hashes.assess_phc(value)
    salt = outer.inner("salt")
    salted = _decoded(salt.secret("value"), salt.text("encoding") or "utf8")
    if algorithm == "scrypt":
        return hashes.assess_scrypt(
            n=_number(outer.raw("cost")),
            r=_number(outer.raw("blockSize")),
            p=_number(outer.raw("parallelization")),
            salt=salted,
            key=_decoded(value, encoding),
        )
    is_suffix = salt.text("position") == "suffix"
    return hashes.assess_digest(
        algorithm, _decoded(value, encoding), prefix=b"" if is_suffix else salted, suffix=salted if is_suffix else b""
    )


def _decoded(text: str, encoding: str) -> bytes:
    try:
        match encoding:
            case "hex":
                return bytes.fromhex(text)
            case "base64":
                return hashes.padded(text)
            case "utf8" | "utf-8":
                return text.encode()
    except ValueError as error:
        raise RowRefused("hash_unreadable") from error
    raise RowRefused("hash_unsupported")


def _unless_unusable(digest: str, assess: Callable[[str], AssessedHash]) -> AssessedHash | None:
    """Assess a hash; return ``None`` for an empty one and for one that Django marks as unusable by ``!``."""
    return None if not digest or digest.startswith("!") else assess(digest)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RowRefused("hash_unreadable")
    return value


FORMATS: Mapping[str, ImportFormat] = {
    "django": ImportFormat(_django, (("email",), ("password",))),
    "bcrypt": ImportFormat(_bcrypt, (("email",), ("password_hash", "hash", "password", "encrypted_password"))),
    "keycloak": ImportFormat(_keycloak, (("email",), ("credentials",))),
    "supabase": ImportFormat(_supabase, (("email",), ("encrypted_password",))),
    "auth0": ImportFormat(_auth0, (("email",),)),
}
