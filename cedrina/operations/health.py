"""Liveness and readiness. Both responses carry nothing but a status, because anybody may ask."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.http import problems
from cedrina.http.paths import on_event_loop

# False on a standby, and where the database refuses writes: sign-in and refresh write.
_IS_WRITABLE = "SELECT current_setting('transaction_read_only') = 'off'"


class Readiness:
    """Whether this process can answer calls. It remembers that all migrations are applied: none is undone meanwhile."""

    is_migrated = False

    def is_ready(self) -> bool:
        """Return whether the next calls can be answered, by this process or by another worker on the same port.

        That is the case when the database answers this process, takes writes, and has the schema of this code, and when
        no other worker has an open circuit. Connections are not checked here: each is checked before its use.
        """
        if circuit_breaker.is_open_in_any_worker:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute(_IS_WRITABLE)
                if not cursor.fetchone()[0]:
                    return False
            if not self.is_migrated:
                executor = MigrationExecutor(connection)
                self.is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except Error:
            return False
        return self.is_migrated


readiness = Readiness()


@on_event_loop("GET", "HEAD")
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process runs."""
    return JsonResponse({"status": "ok"})


@on_event_loop("GET", "HEAD")
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while calls can be answered, otherwise 503."""
    if readiness.is_ready():
        return JsonResponse({"status": "ok"})
    return problems.response(request, "service_unavailable")
