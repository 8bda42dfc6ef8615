"""Mail domains in the form in which they are compared and sent to mail servers: A-labels of IDNA2008.

Each domain is mapped by UTS #46, non-transitional and with STD3 rules (upper case, width and the ideographic full stop
make no difference). Then each label is checked by IDNA2008 (RFC 5891, 5.4), and the whole domain by the Bidi Rule
(RFC 5893). Invisible characters are refused, even the joiners that IDNA2008 allows between some letters, because people
could not distinguish two such addresses. ``straße.de`` becomes ``xn--strae-oqa.de``. By IDNA2003 it would be
``strasse.de``; Python's codec ``idna`` and Django's mail code use IDNA2003 and must only get ASCII.
"""

import re
import unicodedata

import idna

LONGEST_LABEL = 63  # RFC 1035, 2.3.4; an A-label is never shorter than its U-label
LONGEST_DOMAIN = 253  # RFC 1035, 2.3.4; the mapping never makes a longer domain that short
# Letters, digits and hyphens (RFC 1123, 2.1), without the two hyphens that are reserved (RFC 5890, 2.3.1).
_PLAIN_LABEL = r"(?!..--)(?!-)[a-z0-9-]{1,63}(?<!-)"
_PLAIN = re.compile(rf"{_PLAIN_LABEL}(?:\.{_PLAIN_LABEL})*")
# Before Unicode 15.1 it was mapped to "ss", since then to "ß", so that systems disagree about the domain.
_CAPITAL_SHARP_S = "\N{LATIN CAPITAL LETTER SHARP S}"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def ascii_domain(text: str) -> str | None:
    """Return a domain as A-labels in lower case; ``None`` if it is not valid. A dot at the end is not valid."""
    if len(text) > LONGEST_DOMAIN or _CAPITAL_SHARP_S in text:
        return None
    if text.isascii() and _PLAIN.fullmatch(plain := text.lower()):
        return plain
    try:
        mapped = idna.uts46_remap(text, std3_rules=True)
        # Checked first, because some checks of the library take time quadratic in the length of a label.
        if any(len(label) > LONGEST_LABEL for label in mapped.split(".")):
            return None
        encoded = idna.encode(mapped).decode()
        u_labels = idna.decode(encoded)
        # The U-labels are stored, so they must encode to the same A-labels.
        is_reversible = idna.encode(idna.uts46_remap(u_labels)).decode() == encoded
        if not is_reversible or encoded.endswith(".") or has_invisible(text + u_labels):
            return None
        labels = u_labels.split(".")
        if any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for label in labels for each in label):
            for label in labels:
                idna.check_bidi(label, check_ltr=True)
    except UnicodeError:  # IDNAError is a subclass
        return None
    return encoded


def has_invisible(text: str) -> bool:
    """Return whether a text contains spaces, control characters, joiners or other invisible characters."""
    return any(unicodedata.category(each)[0] in "CZ" for each in text)
