"""Is the process alive, and can it do its work? Both answers tell nothing else: anybody may ask."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from cedrina import problems


class Readiness:
    """Remembers that all migrations are applied: they don't go backwards while a process runs."""

    is_migrated = False

    def is_ready(self) -> bool:
        """Whether the database answers and has the schema that this code was written for."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if not self.is_migrated:
                executor = MigrationExecutor(connection)
                self.is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except Error:
            return False
        return self.is_migrated


readiness = Readiness()


@require_safe
def livez(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    if readiness.is_ready():
        return JsonResponse({"status": "ok"})
    return problems.response(request, "service_unavailable")
