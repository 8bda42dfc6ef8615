"""Names of people and rows: how they are made, judged and compared."""

import re
import secrets
import unicodedata
import uuid
from collections.abc import Iterator

import email_validator
import uuid_utils.compat

EMAIL_MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_USERNAME = re.compile(r"[A-Za-z0-9_-]{3,50}")


def uuid7() -> uuid.UUID:
    """Return a time-ordered identifier (RFC 9562, 5.7), so that new rows sit together in the index."""
    return uuid_utils.compat.uuid7()


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


def fold_email(address: str) -> str:
    """Return the form in which addresses are compared: without regard to case and to Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def parse_email(text: str) -> str | None:
    """Return the address in the spelling to be stored, ``None`` for what is not a plain address (RFC 5322, 3.4.1).

    Display names, comments, quoted local parts, literals, lists and control characters are refused. Whether mail
    arrives there is for a confirmation to find out, not for a look-up in the DNS.
    """
    if len(text) > EMAIL_MAX_LENGTH or any(unicodedata.category(character)[0] in "CZ" for character in text):
        return None
    try:
        parsed = email_validator.validate_email(
            text,
            strict=True,
            check_deliverability=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
        )
    except email_validator.EmailNotValidError:
        return None
    address = parsed.normalized
    if len(address) > EMAIL_MAX_LENGTH or len(fold_email(address)) > EMAIL_MAX_LENGTH:
        return None
    # Upper and lower case are the owner's to choose; anything else is stored as the library spells it.
    return text if text.casefold() == address.casefold() else address
