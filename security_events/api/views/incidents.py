"""The API of incidents: list them, read one with its events, change it, take a response back."""

from typing import ClassVar
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_str
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base.content_language import set_content_language
from cedrina_base.preconditions import versions_from
from security_events.api import incident_examples as examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.permissions import CHANGE_INCIDENTS, READ_INCIDENTS
from security_events.api.serializers import incidents as shapes
from security_events.api.views.webhooks import ENTITY_TAG, IF_MATCH, STEP_UP_CODES, actor_of, validated
from security_events.detection.errors import VerdictInvalid
from security_events.selectors.detection import incidents as selectors
from security_events.selectors.detection.incidents import IncidentFilter
from security_events.services.detection import incident_changes, responses
from security_events.types import IncidentStatus, Verdict

_TIMELINE_SHOWN = 20


class IncidentAPIView(SecurityEventsAPIView):
    """Asks who may read or change incidents, and answers a verdict that can't be with 422."""

    actions: ClassVar = {"get": READ_INCIDENTS, "patch": CHANGE_INCIDENTS, "post": CHANGE_INCIDENTS}

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, VerdictInvalid):
            exc = ValidationError({"verdict": [ErrorDetail(force_str(exc.sentence), code=exc.member_code)]})
        return super().handle_exception(exc)


class IncidentsView(IncidentAPIView):
    """All incidents."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "max_length", "blank", "unknown_field"]}

    @extend_schema(
        operation_id="list_incidents",
        tags=["administration"],
        summary="List incidents",
        parameters=[shapes.IncidentPageInput],
        responses={200: shapes.IncidentListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.INCIDENT], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List the incidents, the newest first. All filters given have to fit."""
        page = validated(shapes.IncidentPageInput, request.query_params.dict())
        limit, before = page.pop("limit"), page.pop("cursor", None)
        rows = selectors.incidents_page(IncidentFilter(**page), before=before, limit=limit)
        following = str(rows[limit - 1].pk) if len(rows) > limit else None
        answer = Response({"results": [shapes.incident_body(row) for row in rows[:limit]], "next": following})
        return set_content_language(answer) if rows else answer  # titles are translated


class IncidentView(IncidentAPIView):
    """One incident."""

    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*STEP_UP_CODES, "already_exists", "precondition_required", "version_mismatch"],
    }
    field_codes: ClassVar = {"patch": ["required", "invalid", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="read_incident",
        tags=["administration"],
        summary="Read an incident with its newest events",
        parameters=[ENTITY_TAG],
        responses={200: shapes.IncidentDetailOutput},
        examples=[
            OpenApiExample(
                "An incident",
                response_only=True,
                value={**examples.INCIDENT, "timeline": [examples.ENTRY], "timeline_next": None},
            )
        ],
    )
    def get(self, request: Request, incident_id: UUID) -> Response:
        """Read an incident, what was done about it, and the newest of the events that led to it.

        The ETag is the version of what operators write. It stays while the incident grows.
        """
        return _answer(incident_id)

    @extend_schema(
        operation_id="change_incident",
        tags=["administration"],
        summary="Acknowledge, resolve or reopen an incident",
        request=shapes.IncidentChangeInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.IncidentDetailOutput},
        examples=[
            OpenApiExample("Acknowledge it", request_only=True, value={"status": "acknowledged"}),
            OpenApiExample(
                "A false alarm",
                request_only=True,
                value={name: examples.RESOLVED[name] for name in ("status", "verdict", "note")},
            ),
            OpenApiExample(
                "Resolved",
                response_only=True,
                value={**examples.RESOLVED, "timeline": [examples.ENTRY], "timeline_next": None},
            ),
        ],
    )
    def patch(self, request: Request, incident_id: UUID) -> Response:
        """Change the status, the verdict and the note of an incident that nobody changed meanwhile.

        `resolved` needs a `verdict`. As `false_positive` it takes all responses back that are in force, in the same
        transaction. A resolved incident can be reopened, unless a newer one of the same cause is not resolved.
        """
        versions = versions_from(request.headers.get("If-Match"))
        given = validated(shapes.IncidentChangeInput, request.data)
        incident_changes.change(
            incident_id=incident_id,
            status=IncidentStatus(given["status"]) if "status" in given else None,
            verdict=Verdict(given["verdict"]) if "verdict" in given else None,
            note=given.get("note"),
            versions=versions,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _answer(incident_id)


class IncidentUndoView(IncidentAPIView):
    """The responses of an incident."""

    problem_codes: ClassVar = {"post": [*STEP_UP_CODES, "already_exists"]}
    field_codes: ClassVar = {"post": ["required", "invalid", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="undo_incident_response",
        tags=["administration"],
        summary="Take a response to an incident back",
        request=shapes.ResponseUndoInput,
        parameters=[ENTITY_TAG],
        responses={200: shapes.IncidentDetailOutput},
        examples=[
            OpenApiExample(
                "Take it back", request_only=True, value={"response": examples.INCIDENT["responses"][0]["id"]}
            ),
            OpenApiExample(
                "Taken back",
                response_only=True,
                value={**examples.RESOLVED, "timeline": [examples.ENTRY], "timeline_next": None},
            ),
        ],
    )
    def post(self, request: Request, incident_id: UUID) -> Response:
        """Take a response back. It is not started again for this incident. A second call changes nothing.

        What was over at once, such as a mail or ended sessions, can't be taken back: 409.
        """
        given = validated(shapes.ResponseUndoInput, request.data)
        responses.undo(
            response_id=given["response"],
            incident_id=incident_id,
            actor=actor_of(request),
            note=given["note"],
            now=timezone.now(),
        )
        return _answer(incident_id)


class IncidentEventsView(IncidentAPIView):
    """The events of an incident."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="list_incident_events",
        tags=["administration"],
        summary="List the events of an incident",
        parameters=[shapes.CursorPageInput],
        responses={200: shapes.TimelineOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.ENTRY], "next": None})],
    )
    def get(self, request: Request, incident_id: UUID) -> Response:
        """List the events that led to an incident, the newest first. The first thousand are kept."""
        page = validated(shapes.CursorPageInput, request.query_params.dict())
        selectors.incident(incident_id=incident_id)
        return Response(_timeline(incident_id, before=page.get("cursor"), limit=page["limit"]))


def _answer(incident_id: UUID) -> Response:
    """Return an incident with its newest events and its version as the ETag."""
    incident = selectors.incident(incident_id=incident_id)
    events = _timeline(incident_id, before=None, limit=_TIMELINE_SHOWN)
    body = {**shapes.incident_body(incident), "timeline": events["results"], "timeline_next": events["next"]}
    return set_content_language(Response(body, headers={"ETag": f'"{incident.version}"', "Cache-Control": "no-store"}))


def _timeline(incident_id: UUID, *, before: UUID | None, limit: int) -> dict[str, object]:
    entries = selectors.timeline_page(incident_id=incident_id, before=before, limit=limit)
    return shapes.timeline_body(entries, limit=limit, events_path=reverse("security-events"))
