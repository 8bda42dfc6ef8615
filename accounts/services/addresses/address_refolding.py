"""Update the comparison forms of stored addresses to the current rule, and put doubtful addresses on hold.

Former versions compared addresses by case folding and mailed to them by IDNA2003: ``straße.de`` and ``strasse.de`` were
equal, and mail for the first went to the second. Most rows get the form that ``fold_email`` returns. For some addresses
it can't be known whose they are; then accounts are neither merged nor given to another person, but the address goes on
hold. Sign-in, providers and resets don't find an account by an address on hold, and nothing is mailed to it. The
account keeps its username, password, factors, connections and sessions. A hold ends with another address, which the
owner requests by `POST /auth/me/email` or an operator sets by `manage.py release_address`.

A migration runs this. So it uses SQL on columns of the first migrations, not models. It can be repeated at any time,
because servers of the former version may have stored rows meanwhile.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accounts.identifiers.domains import ascii_domain
from accounts.identifiers.names import HELD_PREFIX, email_key, fold_email, held_key
from accounts.providers import links

BATCH = 5000  # rows per transaction
_MIN_ID = UUID(int=0)
_NOT_ASCII = "[^\\x01-\\x7f]"

# The last id of a batch; no row if the batch is the last one.
_BATCH_END = "SELECT id FROM accounts_user WHERE id > %(after)s ORDER BY id OFFSET %(offset)s LIMIT 1"
_ROWS = """
SELECT id, email, email_folded FROM accounts_user
WHERE id > %(after)s AND (%(batch_end)s::uuid IS NULL OR id <= %(batch_end)s)
    AND email ~ %(not_ascii)s AND NOT starts_with(email_folded, %(held_prefix)s)
ORDER BY id
"""
_LOCK_ROWS = """
SELECT id, email, email_folded FROM accounts_user
WHERE id > %(after)s AND (%(batch_end)s::uuid IS NULL OR id <= %(batch_end)s)
    AND email ~ %(not_ascii)s AND NOT starts_with(email_folded, %(held_prefix)s)
ORDER BY id
FOR NO KEY UPDATE
"""
# Of several accounts that would get the same form, the oldest gets it.
_REFOLD = """
UPDATE accounts_user u SET email_folded = given.key
FROM (
    SELECT DISTINCT ON (key) id, key FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS each(id, key) ORDER BY key, id
) given
WHERE u.id = given.id AND NOT EXISTS (SELECT FROM accounts_user WHERE email_folded = given.key)
RETURNING u.id
"""
_HOLD = """
UPDATE accounts_user u SET email_folded = given.key, version = version + 1, updated_at = statement_timestamp()
FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS given(id, key)
WHERE u.id = given.id
"""
_REFOLD_IMPORTED = """
UPDATE accounts_importedperson i SET external_id = given.new
FROM unnest(%(ids)s::uuid[], %(old)s::text[], %(new)s::text[]) AS given(id, old, new)
WHERE i.user_id = given.id AND i.external_id = given.old
"""
_VALID_TOKENS = """
SELECT id, address FROM accounts_mailedtoken
WHERE used_at IS NULL AND expires_at > statement_timestamp() AND address ~ %(not_ascii)s
"""
_WITHDRAW_TOKENS = """
UPDATE accounts_mailedtoken SET used_at = statement_timestamp() WHERE id = ANY(%(ids)s) AND used_at IS NULL
"""
_WITHDRAW_TOKENS_OF_HELD = """
UPDATE accounts_mailedtoken t SET used_at = statement_timestamp()
FROM accounts_user u
WHERE u.id = t.user_id AND t.used_at IS NULL AND starts_with(u.email_folded, %(held_prefix)s) AND t.address = u.email
"""
_DROP_MAILS_TO_HELD = """
UPDATE accounts_outgoingmail m SET dropped_at = statement_timestamp(), drop_reason = 'address_on_hold'
FROM accounts_user u
WHERE u.id = m.user_id AND m.sent_at IS NULL AND m.dropped_at IS NULL
    AND starts_with(u.email_folded, %(held_prefix)s) AND m.address = u.email
"""
_LIST_HELD = """
SELECT id, username, email FROM accounts_user
WHERE starts_with(email_folded, %(held_prefix)s)
ORDER BY id LIMIT %(limit)s
"""
_COUNT_HELD = "SELECT count(*) FROM accounts_user WHERE starts_with(email_folded, %(held_prefix)s)"


class HoldReason(StrEnum):
    """Why an address is on hold."""

    LOCAL_PART = "local_part_not_ascii"  # no mail ever arrived there, and mail systems disagree about its case
    DOMAIN_INVALID = "domain_invalid"
    DOMAIN_CHANGED = "domain_changed"  # mail to it went to another domain, whose owner may have confirmed the address
    TAKEN = "address_taken"  # another account has the same address by the current rule


@dataclass(slots=True)
class RefoldingResult:
    """What was done with the rows that did not conform to the current rule."""

    refolded: int = 0
    held: dict[UUID, HoldReason] = field(default_factory=dict)
    withdrawn: int = 0

    def by_reason(self) -> dict[str, int]:
        return dict(Counter(map(str, self.held.values())))


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An account whose address is on hold. ``id`` is that of the account."""

    id: UUID
    username: str
    email: str
    reason: HoldReason


@dataclass(frozen=True, slots=True)
class AmbiguousConnection:
    """An account at a provider that was joined to an account here although their addresses are different."""

    id: UUID
    username: str
    provider: str


class _StoredAddress(NamedTuple):
    user_id: UUID
    email: str
    folded: str


class _HeldRow(NamedTuple):
    user_id: UUID
    username: str
    email: str


class _TokenAddress(NamedTuple):
    token_id: UUID
    address: str


def classify(email: str) -> tuple[str, HoldReason | None]:
    """Return the current form of an address that was stored by the former rule, or why it must go on hold."""
    key = email_key(email)
    local, _, domain = email.rpartition("@")
    encoded = ascii_domain(domain)
    if key is None:
        return "", HoldReason.LOCAL_PART if encoded and not local.isascii() else HoldReason.DOMAIN_INVALID
    if _former_mail_domain(domain) not in (encoded, None):
        return "", HoldReason.DOMAIN_CHANGED
    return key, None


def refold(
    *, is_first: bool = False, is_trial: bool = False, batch: int = BATCH, database: Any = connection
) -> RefoldingResult:
    """Store the current form of each address, or put the address on hold. ``database`` is the connection to use.

    Each transaction covers ``batch`` rows, so that the call can be interrupted and repeated. An account that has a form
    keeps it. If several accounts would get the same form, the oldest gets it and the others go on hold (``TAKEN``).

    ``is_first``: no server uses the current rule yet, so links that were mailed to doubtful addresses are withdrawn,
    whichever account they belong to. ``is_trial``: roll everything back; conflicts between batches are not found.
    """
    result = RefoldingResult()
    after: UUID | None = _MIN_ID
    while after is not None:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            batch_end = _batch_end(cursor, after, batch)
            rows = _stored_addresses(cursor, _LOCK_ROWS, after=after, batch_end=batch_end)
            _refold_rows(database, rows, result)
            result.withdrawn += _withdraw_links(cursor, is_first=is_first) if batch_end is None else 0
            transaction.set_rollback(is_trial, using=database.alias)
        after = batch_end
    return result


def count_outdated() -> int:
    """Return how many addresses are not stored by the current rule. Nothing is locked."""
    found = 0
    after: UUID | None = _MIN_ID
    while after is not None:
        with connection.cursor() as cursor:
            batch_end = _batch_end(cursor, after, BATCH)
            rows = _stored_addresses(cursor, _ROWS, after=after, batch_end=batch_end)
            found += sum(email_key(row.email) != row.folded for row in rows)
        after = batch_end
    return found


def held_addresses(*, most: int) -> Iterator[HeldAddress]:
    """Yield up to ``most`` accounts whose address is on hold, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST_HELD, {"held_prefix": HELD_PREFIX, "limit": most})
        rows = [_HeldRow(*row) for row in cursor.fetchall()]
    for row in rows:
        yield HeldAddress(row.user_id, row.username, row.email, classify(row.email)[1] or HoldReason.TAKEN)


def count_held() -> int:
    """Return how many addresses are on hold."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_HELD, {"held_prefix": HELD_PREFIX})
        return int(cursor.fetchone()[0])


def connections_by_former_rule() -> list[AmbiguousConnection]:
    """Return the accounts at providers that were joined by addresses that are different by the current rule."""
    return [
        AmbiguousConnection(found.user_id, found.username, found.provider)
        for found in links.list_addresses_matching(_NOT_ASCII)
        if found.reported
        and former_fold(found.stored) == former_fold(found.reported)
        and fold_email(found.stored) != fold_email(found.reported)
    ]


def former_fold(address: str) -> str:
    """Return the form in which former versions compared addresses."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def _batch_end(cursor: Any, after: UUID, batch: int) -> UUID | None:
    cursor.execute(_BATCH_END, {"after": after, "offset": batch - 1})
    row = cursor.fetchone()
    return row[0] if row else None


def _stored_addresses(cursor: Any, statement: str, *, after: UUID, batch_end: UUID | None) -> list[_StoredAddress]:
    cursor.execute(
        statement, {"after": after, "batch_end": batch_end, "not_ascii": _NOT_ASCII, "held_prefix": HELD_PREFIX}
    )
    return [_StoredAddress(*row) for row in cursor.fetchall()]


def _refold_rows(database: Any, rows: list[_StoredAddress], result: RefoldingResult) -> None:
    """Refold the addresses of a batch or put them on hold, and add the numbers to the result."""
    keys: dict[UUID, str] = {}
    former: dict[UUID, str] = {}
    held: dict[UUID, HoldReason] = {}
    for row in rows:
        if email_key(row.email) == row.folded:
            continue
        key, reason = classify(row.email)
        if reason is None:
            keys[row.user_id], former[row.user_id] = key, row.folded
        else:
            held[row.user_id] = reason
    refolded = _store_keys(database, keys)
    held |= dict.fromkeys(keys.keys() - refolded, HoldReason.TAKEN)
    with database.cursor() as cursor:
        # People of an imported dump without ids are identified by their address.
        ids = list(refolded)
        old, new = ([_import_key(key_of[user_id]) for user_id in ids] for key_of in (former, keys))
        cursor.execute(_REFOLD_IMPORTED, {"ids": ids, "old": old, "new": new})
        cursor.execute(_HOLD, {"ids": list(held), "keys": [held_key(user_id) for user_id in held]})
    result.refolded += len(refolded)
    result.held |= held


def _store_keys(database: Any, keys: dict[UUID, str]) -> set[UUID]:
    """Store these forms unless another account has them; return the accounts that got theirs."""
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute(_REFOLD, {"ids": list(keys), "keys": list(keys.values())})
            return {user_id for (user_id,) in cursor.fetchall()}
    except IntegrityError:
        # A registration with one of these addresses was committed meanwhile. The next attempt sees it.
        return _store_keys(database, keys)


def _import_key(key: str) -> str:
    return f"address:{hashlib.sha256(key.encode()).hexdigest()}"


def _withdraw_links(cursor: Any, *, is_first: bool) -> int:
    """Withdraw links that were mailed to doubtful addresses, and drop unsent mails to them; return how many links."""
    doubtful: list[UUID] = []
    if is_first:
        cursor.execute(_VALID_TOKENS, {"not_ascii": _NOT_ASCII})
        tokens = [_TokenAddress(*row) for row in cursor.fetchall()]
        doubtful = [token.token_id for token in tokens if classify(token.address)[1] is not None]
    cursor.execute(_WITHDRAW_TOKENS, {"ids": doubtful})
    withdrawn: int = cursor.rowcount
    cursor.execute(_WITHDRAW_TOKENS_OF_HELD, {"held_prefix": HELD_PREFIX})
    withdrawn += cursor.rowcount
    cursor.execute(_DROP_MAILS_TO_HELD, {"held_prefix": HELD_PREFIX})
    return withdrawn


def _former_mail_domain(domain: str) -> str | None:
    """Return the domain to which Django sent mail by IDNA2003; ``None`` if it sent nothing."""
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
