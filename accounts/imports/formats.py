"""What the dumps of other systems call things."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.imported_hashers import b64
from accounts.imports import hashes
from accounts.imports.hashes import Judged
from accounts.imports.people import Person, Policy, Values, assemble
from accounts.imports.refusals import RowRefused

_DIGEST_OF_KEYCLOAK = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_VERSION_OF_ARGON2 = {"1.0": 16, "1.3": 19, "16": 16, "19": 19}


@dataclass(frozen=True, slots=True)
class Format:
    """One system: how its rows become people, and of which columns a CSV file needs one each."""

    read: Callable[[Values, Policy, datetime], Person]
    columns: tuple[tuple[str, ...], ...]

    def missing(self, columns: list[str]) -> list[str]:
        """Name the columns that a CSV file lacks."""
        return [" or ".join(names) for names in self.columns if not set(names) & set(columns)]


def person_from(name: str, row: Mapping[str, Any], *, policy: Policy, now: datetime) -> Person:
    """Return the person in a row of a format.

    Raises: RowRefused.
    """
    return FORMATS[name].read(Values(row), policy, now)


def _django(row: Values, policy: Policy, now: datetime) -> Person:
    return _flat(row, policy, now, password=_unless_unusable(row.secret("password"), hashes.judge_django))


def _bcrypt(row: Values, policy: Policy, now: datetime) -> Person:
    digest = row.secret("password_hash", "hash", "password", "encrypted_password")
    return _flat(row, policy, now, password=_unless_unusable(digest, hashes.judge_bcrypt))


def _flat(row: Values, policy: Policy, now: datetime, *, password: Judged | None) -> Person:
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


def _keycloak(row: Values, policy: Policy, now: datetime) -> Person:
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


def _keycloak_password(credentials: Any) -> Judged | None:
    if credentials is None:
        return None
    if not isinstance(credentials, list):
        raise RowRefused("value_invalid")
    for entry in credentials:
        if isinstance(entry, dict) and entry.get("type") == "password":
            return _keycloak_credential(entry)
    return None


def _keycloak_credential(entry: dict[str, Any]) -> Judged:
    known = Values(entry).inner("credentialData")
    secret = Values(entry).inner("secretData")
    if entry.get("hashedSaltedValue"):  # before Keycloak 8
        known, secret = Values(entry), Values({"value": entry["hashedSaltedValue"], "salt": entry.get("salt")})
    algorithm = known.text("algorithm")
    salt, key = hashes.padded(secret.secret("salt")), hashes.padded(secret.secret("value"))
    iterations = _number(known.raw("hashIterations"))
    if algorithm == "argon2":
        return hashes.judge_argon2(_argon2_string(known.inner("additionalParameters"), iterations, salt, key))
    if algorithm not in _DIGEST_OF_KEYCLOAK:
        raise RowRefused("hash_unsupported")
    return hashes.judge_pbkdf2(digest=_DIGEST_OF_KEYCLOAK[algorithm], iterations=iterations, salt=salt, key=key)


def _argon2_string(parameters: Values, passes: int, salt: bytes, key: bytes) -> str:
    def first(name: str, default: str) -> str:
        value = parameters.raw(name)
        return str(value[0] if isinstance(value, list) and value else value or default)

    version = _VERSION_OF_ARGON2.get(first("version", "1.3"))
    coded = [b64(value).rstrip("=") for value in (salt, key)]
    return (
        f"$argon2{first('type', 'id')}$v={version}"
        f"$m={first('memory', '7168')},t={passes},p={first('parallelism', '1')}${coded[0]}${coded[1]}"
    )


def _supabase(row: Values, policy: Policy, now: datetime) -> Person:
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
        password=_unless_unusable(row.secret("encrypted_password"), hashes.judge_bcrypt),
    )


def _auth0(row: Values, policy: Policy, now: datetime) -> Person:
    own_id = row.raw("_id")
    external_id = str(own_id.get("$oid", "")) if isinstance(own_id, dict) else row.text("_id", "user_id")
    return assemble(
        policy=policy,
        now=now,
        email=row.text("email"),
        username=row.text("username", "preferred_username"),
        external_id=external_id,
        full_name=_unlike_an_address(row.text("name")),
        locale=row.text("locale"),
        is_active=not row.boolean("blocked", default=False),
        confirmed=row.boolean("email_verified", default=False),
        created_at=row.moment("created_at"),
        password=_auth0_password(row),
    )


def _unlike_an_address(name: str) -> str:
    # Auth0 puts the address there when it knows no name.
    return "" if "@" in name else name


def _auth0_password(row: Values) -> Judged | None:
    custom = row.raw("custom_password_hash")
    if not custom:
        return _unless_unusable(row.secret("passwordHash", "password_hash"), hashes.judge_bcrypt)
    outer = row.inner("custom_password_hash")
    algorithm, known = outer.text("algorithm"), outer.inner("hash")
    value, encoding = known.secret("value"), known.text("encoding") or "hex"
    if outer.inner("password").text("encoding") not in ("", "utf8", "utf-8"):
        raise RowRefused("hash_unsupported")
    if algorithm in ("bcrypt", "pbkdf2", "argon2", "ldap"):
        return hashes.judge_phc(value)
    salt = outer.inner("salt")
    salted = _decoded(salt.secret("value"), salt.text("encoding") or "utf8")
    if algorithm == "scrypt":
        return hashes.judge_scrypt(
            n=_number(outer.raw("cost")),
            r=_number(outer.raw("blockSize")),
            p=_number(outer.raw("parallelization")),
            salt=salted,
            key=_decoded(value, encoding),
        )
    is_suffix = salt.text("position") == "suffix"
    return hashes.judge_digest(
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


def _unless_unusable(digest: str, judge: Callable[[str], Judged]) -> Judged | None:
    """Return nothing for people who never had a password, or, as Django writes it, have none any more."""
    return None if not digest or digest.startswith("!") else judge(digest)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RowRefused("hash_unreadable")
    return value


FORMATS: Mapping[str, Format] = {
    "django": Format(_django, (("email",), ("password",))),
    "bcrypt": Format(_bcrypt, (("email",), ("password_hash", "hash", "password", "encrypted_password"))),
    "keycloak": Format(_keycloak, (("email",), ("credentials",))),
    "supabase": Format(_supabase, (("email",), ("encrypted_password",))),
    "auth0": Format(_auth0, (("email",),)),
}
