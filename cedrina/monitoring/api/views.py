"""Health and figures of this installation, for operators and for what they watch it with."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cedrina.monitoring.api.access import MayReadFigures, MayReadFiguresByToken
from cedrina.monitoring.api.prometheus_text import OnlyRenderer, PrometheusTextRenderer
from cedrina.monitoring.api.serializers import FiguresOutput, HealthOutput

_HEALTH = {
    "status": "warning",
    "checks": {
        "database": {"status": "ok", "latency_ms": 0.41, "detail": ""},
        "mail": {
            "status": "warning",
            "latency_ms": 0.87,
            "detail": "Mails could not be sent and are tried again. Look at the worker's log and at EMAIL_URL.",
        },
        "replica": {"status": "unused", "latency_ms": 0.01, "detail": ""},
    },
    "version": "1.0.0",
}
_FIGURES = {
    "results": [
        {
            "name": "cedrina_refreshes_total",
            "type": "counter",
            "description": "Refresh tokens presented, by what became of them.",
            "samples": [{"name": "cedrina_refreshes_total", "labels": {"verdict": "rotated"}, "value": 1841.0}],
        }
    ]
}


class HealthView(APIView):
    """How each part of the installation is."""

    permission_classes = [MayReadFigures]
    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="read_health",
        tags=["system"],
        summary="Read the health of each part",
        responses={200: HealthOutput},
        examples=[OpenApiExample("Mail is late", response_only=True, value=_HEALTH)],
    )
    def get(self, request: Request) -> Response:
        """Read how each part is, and how long it took to find out. The answer is at most a second old.

        Clients in METRICS_ALLOWED_NETWORKS need no token, so that health can be read while nobody can sign in. The
        answer is 200 whatever was found: load balancers ask `/readyz`.
        """
        # Operators ask, and few: a worker that is never asked needs none of it.
        from cedrina.monitoring.health.report import current_report  # noqa: PLC0415

        report = current_report()
        checks = {
            name: {"status": result.status, "latency_ms": result.latency_ms, "detail": result.detail}
            for name, result in report.checks.items()
        }
        return Response({"status": report.status, "checks": checks, "version": report.version})


class FiguresView(APIView):
    """The figures of `/metrics` as JSON."""

    permission_classes = [MayReadFiguresByToken]
    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="read_metrics",
        tags=["system"],
        summary="Read the figures of all processes",
        responses={200: FiguresOutput},
        examples=[OpenApiExample("Refreshes", response_only=True, value=_FIGURES)],
    )
    def get(self, request: Request) -> Response:
        """Read what was counted since the start, in all processes of this machine, and what is stored now."""
        from cedrina.monitoring.figures import exposition  # noqa: PLC0415 - as above

        return Response(
            {
                "results": [
                    {
                        "name": family.name,
                        "type": family.kind,
                        "description": family.description,
                        "samples": [sample._asdict() for sample in family.samples],
                    }
                    for family in exposition.families()
                ]
            }
        )


class PrometheusView(APIView):
    """The figures for Prometheus, outside of the API's paths, as its configuration expects them."""

    schema = None
    permission_classes = [MayReadFigures]
    renderer_classes = [PrometheusTextRenderer]
    content_negotiation_class = OnlyRenderer

    def get(self, request: Request) -> Response:
        from cedrina.monitoring.figures import exposition  # noqa: PLC0415 - as above

        return Response(exposition.as_text(), content_type=exposition.CONTENT_TYPE)
