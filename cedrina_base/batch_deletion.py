"""Delete many rows in short transactions."""

from typing import Any

from django.db.models import QuerySet

BATCH_SIZE = 1000


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete the rows of a query, up to 1,000 in a statement; return how many, without those of other models.

    A row that a concurrent transaction changes so that it no longer fits the query is not deleted: the condition stands
    in the DELETE, which PostgreSQL evaluates again.
    """
    total, deleted = 0, BATCH_SIZE
    while deleted == BATCH_SIZE:
        batch = list(rows.order_by().values_list("pk", flat=True)[:BATCH_SIZE])
        _all, of_each = rows.filter(pk__in=batch).delete()
        deleted = of_each.get(rows.model._meta.label, 0)
        total += deleted
    return total
