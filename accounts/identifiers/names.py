"""Usernames and e-mail addresses: generate, validate and compare them."""

import re
import secrets
import string
import unicodedata
import uuid
from collections.abc import Iterator

from accounts.conf import account_settings
from accounts.identifiers.domains import ascii_domain, has_invisible

EMAIL_MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
HELD_PREFIX = "held:"  # contains no at sign, so that no address starts with it
_RESERVED = (".test", ".localhost", ".example")
_USERNAME = re.compile(r"[A-Za-z0-9_-]{3,50}")


def is_username(text: str) -> bool:
    """Return whether a text is a valid username. Usernames contain no at sign, so they are never addresses."""
    return _USERNAME.fullmatch(text) is not None


def username_candidates(*names: str) -> Iterator[str]:
    """Yield usernames derived from a person's names, the plainest first; the last ones are practically unique.

    They are not derived from addresses, because usernames are public and addresses are not.
    """
    bases = [base for base in map(_username_from, names) if base]
    yield from bases
    base = bases[0] if bases else "member"
    for length in (2, 2, 3, 4, 8):
        yield f"{base[:30]}-{secrets.token_hex(length)}"


def _username_from(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:50].rstrip("-_")
    return text if is_username(text) else ""


def parse_email(text: str) -> str | None:
    """Return the address as it is stored; ``None`` if the text is not a plain address (RFC 5322, 3.4.1).

    Refused are display names, comments, quoted local parts, address literals, lists and control characters. Local parts
    with other characters than ASCII are refused, too: mail systems disagree about which of them are equal, and Django
    can't send to them. The domain must be valid by ``domains``, and ``email_validator`` must compute the same
    A-labels. Whether mail arrives is found out by a confirmation, not by a DNS query. Domains that nobody can own
    (RFC 2606, 2) are refused unless RESERVED_DOMAINS lists them.
    """
    if len(text) > EMAIL_MAX_LENGTH or has_invisible(text):
        return None
    local, _, domain = text.rpartition("@")
    encoded = ascii_domain(domain) if local.isascii() else None
    if encoded is None or len(local) + 1 + len(encoded) > EMAIL_MAX_LENGTH:
        return None
    reserved = encoded.rpartition(".")[2] if encoded.endswith(_RESERVED) else ""
    if reserved and reserved not in account_settings.RESERVED_DOMAINS:
        return None
    import email_validator  # 35 ms, which a command without addresses need not wait for

    # It refuses `test` and `localhost`, but takes `example`, which stands in for them.
    stand_in = f"{encoded.removesuffix(reserved)}example" if reserved else encoded
    try:
        parsed = email_validator.validate_email(
            f"{local}@{stand_in}" if reserved else text,
            strict=True,
            check_deliverability=False,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
        )
    except email_validator.EmailNotValidError:
        return None
    if stand_in != parsed.ascii_domain:
        return None
    u_labels = f"{parsed.domain.removesuffix('example')}{reserved}" if reserved else parsed.domain
    # The owner's upper and lower case is kept. Domains with other characters than ASCII are stored as U-labels.
    is_plain = domain.isascii() and encoded == domain.lower() == u_labels
    return f"{local}@{domain if is_plain else u_labels}"


def fold_email(address: str) -> str:
    """Return the form in which addresses are compared, counted and looked up. Equal forms mean the same mailbox.

    ASCII letters of the local part become lower case. Dots, hyphens and plus signs stay, because in some mail systems
    they make another mailbox. The domain is encoded as A-labels (``domains``). Texts that are no address get a
    form that no address has, so that this never fails.
    """
    if address.isascii() or len(address) > EMAIL_MAX_LENGTH:
        return _ascii_lower(address)
    local, at, domain = address.rpartition("@")
    return _ascii_lower(local) + at + (ascii_domain(domain) or _ascii_lower(domain))


def email_key(text: str) -> str | None:
    """Parse an address that was typed in and fold it, for counters per address; ``None`` if it is not an address."""
    address = parse_email(text)
    return None if address is None else fold_email(address)


def name_key(name: str) -> str:
    """Return the form in which names for sign-in, addresses or usernames, are compared and counted."""
    return fold_email(name) if "@" in name else name.lower()


def ascii_email(address: str) -> str | None:
    """Return an address as it is sent to mail servers; ``None`` if no server can accept it.

    The domain is encoded, so that no library encodes it by another rule (RFC 5321, 2.3.5). Addresses in ASCII and local
    parts stay as they are.
    """
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    encoded = ascii_domain(domain)
    return f"{local}@{encoded}" if local and local.isascii() and encoded else None


def held_key(user_id: uuid.UUID) -> str:
    """Return the value of ``User.email_folded`` for an account whose address is on hold. No address equals it."""
    return f"{HELD_PREFIX}{user_id}"


def is_held(key: str) -> bool:
    """Return whether a value of ``User.email_folded`` means that the address is on hold."""
    return key.startswith(HELD_PREFIX)


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)
