"""Domains of mail in the one form in which they are compared and handed to mail servers: A-labels of IDNA2008.

The rule, for every domain that enters: the mapping of UTS #46, non-transitional and with STD3 rules (upper case, width
and the ideographic full stop don't matter), then the checks of IDNA2008 for each label (RFC 5891, 5.4) and the Bidi
Rule for the whole domain (RFC 5893). What can't be seen is refused, also the joiners that IDNA2008 allows between some
letters: nobody could tell two such addresses apart. ``straße.de`` is ``xn--strae-oqa.de`` and never ``strasse.de``, as
IDNA2003 would have it: Python's own codec ``idna`` and Django's mail code follow that, and must be given ASCII alone.
"""

import re
import unicodedata

import idna

LONGEST_LABEL = 63  # RFC 1035, 2.3.4; an A-label is never shorter than what is read
LONGEST_DOMAIN = 253  # RFC 1035, 2.3.4; no mapping that we accept makes a longer text shorter than this
# Letters, digits and hyphens (RFC 1123, 2.1), without the two hyphens that are reserved (RFC 5890, 2.3.1).
_PLAIN_LABEL = r"(?!..--)(?!-)[a-z0-9-]{1,63}(?<!-)"
_PLAIN = re.compile(rf"{_PLAIN_LABEL}(?:\.{_PLAIN_LABEL})*")
# It was mapped to "ss" before Unicode 15.1 and to "ß" since: systems don't agree on the domain.
_CAPITAL_SHARP_S = "\N{LATIN CAPITAL LETTER SHARP S}"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def ascii_domain(text: str) -> str | None:
    """Return a domain as A-labels in lower case, ``None`` for what is no domain; a dot at the end is none either."""
    if len(text) > LONGEST_DOMAIN or _CAPITAL_SHARP_S in text:
        return None
    if text.isascii() and _PLAIN.fullmatch(plain := text.lower()):
        return plain
    try:
        mapped = idna.uts46_remap(text, std3_rules=True)
        # Some checks of a label are quadratic in its length, and come before the check of that.
        if any(len(label) > LONGEST_LABEL for label in mapped.split(".")):
            return None
        encoded = idna.encode(mapped).decode()
        readable = idna.decode(encoded)
        # The readable spelling is what is stored: it must lead back here.
        leads_back = idna.encode(idna.uts46_remap(readable)).decode() == encoded
        if not leads_back or encoded.endswith(".") or has_invisible(text + readable):
            return None
        labels = readable.split(".")
        if any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for label in labels for each in label):
            for label in labels:
                idna.check_bidi(label, check_ltr=True)
    except UnicodeError:  # IDNAError is one
        return None
    return encoded


def has_invisible(text: str) -> bool:
    """Tell whether a text has spaces, control characters, joiners or other characters that leave no mark."""
    return any(unicodedata.category(each)[0] in "CZ" for each in text)
