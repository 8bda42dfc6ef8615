"""The name by which a mail greets a person.

A full name is what somebody typed, perhaps somebody who registers another person's address to have us mail them. So it
is only used if it looks like a name: no digits, no address that a mail program turns into a link, no signs that hide
text or change its direction. Otherwise the username greets, which has letters, digits, ``-`` and ``_`` alone.
"""

import unicodedata

MAX_LENGTH = 60
MAX_WORDS = 8  # as in "José María Fernández de la Vega y Álvarez"
# Of O'Brien, Jean-Luc and Col·lell.
_MARKS = frozenset(
    " '-\N{MIDDLE DOT}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{MODIFIER LETTER APOSTROPHE}\N{MODIFIER LETTER TURNED COMMA}"
)
# Half-spaces and joiners, which words of Persian and of Indian languages contain.
_JOINERS = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")


def greeting_name(*, full_name: str, username: str) -> str:
    """Return the full name if it is safe to show in a mail, otherwise the username."""
    name = " ".join(full_name.split())
    return name if _is_name(name) else username


def _is_name(name: str) -> bool:
    if not 0 < len(name) <= MAX_LENGTH or len(name.split()) > MAX_WORDS or not name[0].isalpha():
        return False
    if any(_is_dotted(word) for word in name.split()):
        return False
    return all(
        char in _MARKS or char in _JOINERS or char == "." or unicodedata.category(char)[0] in "LM" for char in name
    )


def _is_dotted(word: str) -> bool:
    """Return whether a word has a dot that a mail program may read as that of a domain: ``evil.co``, not ``J.R.``."""
    *parts, last = word.split(".")
    if not parts:
        return False
    return last != "" and any(len(part) > 1 for part in (*parts, last))
