"""What a span says of a SQL statement: its first word, and its text without a value of it."""

import re
from functools import lru_cache
from typing import NamedTuple

MOST_CHARACTERS = 4_000
# The lexical structure of PostgreSQL (manual, 4.1): comments, quoted identifiers, and string constants by escapes, with
# doubled quotes or in dollar quotes. What has no end goes on to the last character. Comments and identifiers have to be
# known, or an apostrophe in one of them would turn constants inside out.
_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))
      | (?P<identifier>"[^"]*"?)
      | (?P<string>[eE]'(?:[^'\\]|''|\\.)*'? | '(?:[^']|'')*'? | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$))
      | (?P<number>(?<![\w.$%])\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)""",
    re.VERBOSE | re.DOTALL,
)
# PostgreSQL's comments nest, which the expression above can't follow: behind such a comment it could take text for
# constants and constants for text. None of our statements has one.
_NESTED_COMMENT = re.compile(r"/\*(?:(?!\*/).)*/\*", re.DOTALL)
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[A-Za-z]+")


class Statement(NamedTuple):
    """``operation`` is the statement's first word, as in `SELECT`; ``text`` has `?` in place of each constant."""

    operation: str
    text: str


@lru_cache(maxsize=512)
def describe(sql: str) -> Statement:
    """Return what a span shows of a statement, without its comments.

    Parameters are no part of the text, and constants are taken out of it as well: code that has put a value into its
    text would give it away otherwise.
    """
    text = _SPACE.sub(" ", _TOKENS.sub(_shown, sql)).strip()
    found = _WORD.match(text)
    operation = found[0].upper() if found else "SQL"
    return Statement(operation, "" if _NESTED_COMMENT.search(sql) else text[:MOST_CHARACTERS])


def _shown(token: re.Match[str]) -> str:
    if token["comment"] is not None:
        return " "
    return "?" if token["identifier"] is None else token["identifier"]
