"""Count the rows of a large table without reading it."""

import json
from typing import Any

from django.db import connection
from django.db.models import QuerySet

# Of a table with so many rows or fewer, the rows are counted; that takes about 10 ms.
MOST_COUNTED = 50_000
_ROWS = "SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass"


def count_or_estimate(rows: QuerySet[Any]) -> int:
    """Return how many rows there are. For a large table it is what PostgreSQL's planner expects, by its statistics.

    A table that was never analysed counts as small if its file is: then the count is exact.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [connection.ops.quote_name(rows.model._meta.db_table)])
        (expected,) = cursor.fetchone()
    if expected <= MOST_COUNTED:
        return rows[: MOST_COUNTED + 1].count()
    plan = json.loads(rows.order_by().explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
