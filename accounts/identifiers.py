"""Names of people and rows: how they are made, judged and compared."""

import re
import secrets
import string
import unicodedata
import uuid
from collections.abc import Iterator

import email_validator

from accounts.domains import ascii_domain, has_invisible

EMAIL_MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
HELD = "held:"  # without an at sign
_USERNAME = re.compile(r"[A-Za-z0-9_-]{3,50}")


def is_username(text: str) -> bool:
    """Tell whether a text has the shape of a username, which is never that of an address."""
    return _USERNAME.fullmatch(text) is not None


def username_candidates(*names: str) -> Iterator[str]:
    """Yield usernames after what somebody is called, the plainest first; the last ones nobody else can have.

    None is made of an address: usernames are public, addresses are not.
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
    """Return the address in the spelling to be stored, ``None`` for what is not a plain address (RFC 5322, 3.4.1).

    Display names, comments, quoted local parts, literals, lists and control characters are refused, and so are local
    parts with other characters than ASCII: mail systems disagree on which of them are the same, and Django can't send
    to them. The domain follows ``accounts.domains``, and ``email_validator`` must find the same A-labels. Whether mail
    arrives there is for a confirmation to find out, not for a look-up in the DNS.
    """
    if len(text) > EMAIL_MAX_LENGTH or has_invisible(text):
        return None
    local, _, domain = text.rpartition("@")
    encoded = ascii_domain(domain) if local.isascii() else None
    if encoded is None or len(local) + 1 + len(encoded) > EMAIL_MAX_LENGTH:
        return None
    try:
        parsed = email_validator.validate_email(
            text,
            strict=True,
            check_deliverability=False,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
        )
    except email_validator.EmailNotValidError:
        return None
    if encoded != parsed.ascii_domain:
        return None
    # Upper and lower case are the owner's to choose; letters outside of ASCII are stored as A-labels are read.
    is_plain = domain.isascii() and encoded == domain.lower() == parsed.domain
    return f"{local}@{domain if is_plain else parsed.domain}"


def fold_email(address: str) -> str:
    """Return the form in which addresses are compared, stored, counted and looked up; equal means one mailbox.

    The local part without regard to upper and lower case of ASCII, and nothing else: dots, hyphens and plus signs make
    another mailbox wherever its system says so. The domain as A-labels (``accounts.domains``). Whatever else there is
    keeps its own form, which no address has: this never fails.
    """
    if address.isascii() or len(address) > EMAIL_MAX_LENGTH:
        return _ascii_lower(address)
    local, at, domain = address.rpartition("@")
    return _ascii_lower(local) + at + (ascii_domain(domain) or _ascii_lower(domain))


def email_key(text: str) -> str | None:
    """Parse an address as it was typed and fold it: what is counted for each address is counted by this."""
    address = parse_email(text)
    return None if address is None else fold_email(address)


def name_key(name: str) -> str:
    """Return the form in which the names are compared and counted that people sign in with: addresses or usernames."""
    return fold_email(name) if "@" in name else name.lower()


def ascii_email(address: str) -> str | None:
    """Return an address as it is given to mail servers, the local part untouched; ``None`` if none can take it.

    Nothing behind this has an encoding left to choose (RFC 5321, 2.3.5). ASCII is handed on as it is.
    """
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    encoded = ascii_domain(domain)
    return f"{local}@{encoded}" if local and local.isascii() and encoded else None


def held_key(user_id: uuid.UUID) -> str:
    """Return what stands in the place of a folded address for somebody whose address is on hold; it equals none."""
    return f"{HELD}{user_id}"


def is_held(key: str) -> bool:
    """Tell whether it stands for an address on hold: one by which nobody is found and to which nothing is mailed."""
    return key.startswith(HELD)


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)
