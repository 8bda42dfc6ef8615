"""The API of events for operators and for the pull of a SIEM."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from security_events.api import examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.line_negotiation import LINES, LineNegotiation, wants_lines
from security_events.api.serializers import events as shapes
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_pages import event_by_id, newest_events
from security_events.selectors.trail_pages import cursor_of
from security_events.services.event_lines import read_lines

PLAIN_TEXT = ExportFormat.CEF.media_type
FORMAT = OpenApiParameter(
    "format",
    str,
    enum=list(ExportFormat),
    default=ExportFormat.CEDRINA,
    description="The format of the lines. It needs `Accept: application/x-ndjson`.",
)
AFTER = OpenApiParameter(
    "after",
    str,
    description="The `X-Next-Cursor` of the answer before. It needs `Accept: application/x-ndjson`.",
)
NEXT_CURSOR = OpenApiParameter(
    "X-Next-Cursor",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="For lines: what `after` is next time. You have everything when it stays the same.",
)


class SecurityEventsView(SecurityEventsAPIView):
    """All events."""

    content_negotiation_class = LineNegotiation
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="list_security_events",
        tags=["administration"],
        summary="List security events",
        parameters=[shapes.EventPageInput, FORMAT, AFTER, NEXT_CURSOR],
        responses={
            (200, "application/json"): shapes.EventListOutput,
            (200, LINES): OpenApiTypes.STR,
            (200, PLAIN_TEXT): OpenApiTypes.STR,
        },
        examples=[
            OpenApiExample(
                "One",
                response_only=True,
                media_type="application/json",
                value={"results": [examples.EVENT], "next": None},
            ),
            OpenApiExample("Lines", response_only=True, media_type=LINES, value=examples.LINE),
            OpenApiExample("Lines of CEF", response_only=True, media_type=PLAIN_TEXT, value=examples.CEF_LINE),
        ],
    )
    def get(self, request: Request) -> Response | HttpResponse:
        """List events, newest first; or, as `application/x-ndjson`, in the order of the trail for a SIEM.

        A page may hold fewer events than `limit`, or none, although `next` says that more follow: 10,000 events are
        looked at for a page. Lines (up to 1,000, of 4 MiB) come in an order in which no event is ever added before one
        that was read: whoever sends `X-Next-Cursor` back as `after` misses none and gets none twice.
        """
        if wants_lines(request):
            return self._lines(request)
        query = shapes.EventPageInput(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = query.validated_data
        page = newest_events(query.wanted(), before=given.get("cursor"), limit=given["limit"])
        return Response({"results": page.forms, "next": page.next.hex if page.next else None})

    @staticmethod
    def _lines(request: Request) -> HttpResponse:
        query = shapes.EventLinesInput(data=request.query_params)
        query.is_valid(raise_exception=True)
        export_format = ExportFormat(query.validated_data["format"])
        lines = read_lines(
            query.position(),
            wanted=query.wanted(),
            export_format=export_format,
            limit=query.validated_data["limit"],
        )
        return HttpResponse(
            lines.text,
            content_type=f"{export_format.media_type}; charset=utf-8",
            headers={"X-Next-Cursor": cursor_of(lines.next), "Vary": "Accept"},
        )


class SecurityEventView(SecurityEventsAPIView):
    """One event."""

    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="read_security_event",
        tags=["administration"],
        summary="Read a security event",
        responses={200: shapes.EventOutput},
        examples=[OpenApiExample("A failed sign-in", response_only=True, value=examples.EVENT)],
    )
    def get(self, request: Request, event_id: UUID) -> Response:
        """Read one event: the same object as in lists, exports and as a leaf of the sealed trail."""
        return Response(event_by_id(event_id))
