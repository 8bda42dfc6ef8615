"""Why a sign-in had its risk."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from security_events.api import examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.serializers.risks import RiskOutput
from security_events.detection.errors import RiskNotFound
from security_events.selectors.event_pages import event_by_id
from security_events.services.detection.risk_explanation import body_of, explain


class SecurityEventRiskView(SecurityEventsAPIView):
    """The risk of one sign-in."""

    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="explain_security_event_risk",
        tags=["administration"],
        summary="Explain the risk of a sign-in",
        responses={200: RiskOutput},
        examples=[OpenApiExample("A new device elsewhere", response_only=True, value=examples.RISK)],
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """Explain the risk that an event of a sign-in has, in the language of the request.

        It is computed again from the evidence that stands in the event. Events without a risk answer `not_found`.
        """
        explained = explain(event_by_id(event_id))
        if explained is None:
            raise RiskNotFound
        return Response(body_of(explained))
