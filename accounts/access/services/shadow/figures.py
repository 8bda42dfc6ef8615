"""Add what this process found about a draft to the figures of all processes."""

from django.db import transaction
from django.db.models import F

from accounts.access.models import ShadowRun
from accounts.access.services.shadow import comparison
from accounts.access.services.shadow.comparison import MOST_EXAMPLES, Differences


def write() -> bool:
    """Store what was found since the last time; return whether there was anything. Kept for the next time if it fails.

    What was found for a run that is gone is dropped.
    """
    taken = comparison.take()
    if not taken:
        return False
    try:
        with transaction.atomic():
            for run_id in sorted(taken):
                row = ShadowRun.objects.select_for_update().filter(pk=run_id).first()
                if row is not None:
                    _add(row, taken[run_id])
    except Exception:
        comparison.put_back(taken)
        raise
    return True


def _add(row: ShadowRun, found: Differences) -> None:
    row.evaluated = F("evaluated") + found.evaluated
    row.differences = F("differences") + found.differences
    row.skipped = F("skipped") + found.skipped
    kinds = {(each["rule_before"], each["rule_after"]): each for each in row.examples}
    for kind, example in found.examples.items():
        if len(kinds) < MOST_EXAMPLES:
            kinds.setdefault(kind, example)
    row.examples = list(kinds.values())
    row.save(update_fields=["evaluated", "differences", "skipped", "examples"])
