"""Is the process alive, and can it do its work? Both answers tell nothing else: anybody may ask."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from cedrina.database.circuit_breaker import outage
from cedrina.http import problems

# Not on a standby, and not where the database refuses to be written to: sign-in and refresh write.
_MAY_WRITE = "SELECT current_setting('transaction_read_only') = 'off'"


class Readiness:
    """Remembers that all migrations are applied: they don't go backwards while a process runs."""

    is_migrated = False

    def is_ready(self) -> bool:
        """Whether the calls that come next can be answered, by this process or by its siblings on the same port.

        The database answers this process, takes writes and has the schema that this code was written for; no sibling
        waits for it in vain. Connections need no look here: each is looked at before it is used.
        """
        if outage.is_on_anywhere:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute(_MAY_WRITE)
                if not cursor.fetchone()[0]:
                    return False
            if not self.is_migrated:
                executor = MigrationExecutor(connection)
                self.is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except Error:
            return False
        return self.is_migrated


readiness = Readiness()


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    if readiness.is_ready():
        return JsonResponse({"status": "ok"})
    return problems.response(request, "service_unavailable")
