"""Which attributes were recorded under earlier versions: those that their rules read."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from accounts.access import policy_reads, selectors
from accounts.access.models import PolicyVersion
from accounts.access.types import ChangeKind

_MOST_CHANGES = 2000  # versions that are taken back; of still earlier ones nothing is known


def recorded_attributes(versions: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the attributes of each version, by one walk back through the changes since then."""
    found: dict[int, frozenset[str]] = {}
    if not versions:
        return found
    # How many rules read each attribute.
    counts = Counter(name for rule in selectors.all_rules().values() for name in policy_reads.of_document(rule))
    waiting = sorted(versions)
    later = PolicyVersion.objects.filter(number__gt=waiting[0], is_of_rules=True).order_by("-number")
    for row in later[:_MOST_CHANGES].iterator(chunk_size=200):
        _note(found, waiting, counts, since=row.number)
        for change in row.changes:
            if change["kind"] == ChangeKind.RULE:
                _take_back(counts, change)
    if later.count() <= _MOST_CHANGES:
        _note(found, waiting, counts, since=0)
    return found


def _note(found: dict[int, frozenset[str]], waiting: list[int], counts: Counter[str], *, since: int) -> None:
    """Note what is read now for the versions from an instant on that are still waited for."""
    while waiting and waiting[-1] >= since:
        found[waiting.pop()] = frozenset(name for name, number in counts.items() if number > 0)


def _take_back(counts: Counter[str], change: Mapping[str, Any]) -> None:
    if change["after"] is not None:
        counts.subtract(policy_reads.of_document(change["after"]))
    if change["before"] is not None:
        counts.update(policy_reads.of_document(change["before"]))
