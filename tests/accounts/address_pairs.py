"""Pairs of addresses, and whether they are equal for storage, sign-in, delivery, federation and limits."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SAME, DIFFERENT, REFUSED = "same", "different", "refused"


@dataclass(frozen=True)
class Pair:
    verdict: str
    one: str
    other: str
    reason: str

    def __str__(self):
        return ascii(f"{self.one} {self.other}")


def table(name):
    """Return the rows of a file with tab-separated columns, which may contain Python's escapes."""
    lines = (HERE / name).read_text(encoding="ascii").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [[column.encode().decode("unicode_escape") for column in row] for row in rows]


PAIRS = [Pair(*row) for row in table("address_pairs.tsv")]
ADDRESSES = sorted({pair.one for pair in PAIRS} | {pair.other for pair in PAIRS if pair.verdict != REFUSED})
