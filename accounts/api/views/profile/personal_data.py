from dataclasses import asdict
from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.serializers.profile.personal_data import ActivityListOutput, ExportOutput
from accounts.services.profile import activity, personal_data
from cedrina_base import database_clock
from tokens.api.serializers.sessions import PageInput
from tokens.api.step_up import RequiredFactor, no_step_up, requires


class ExportView(AccountsAPIView):
    """All that is kept about you."""

    step_up: ClassVar = {"get": requires(factor=RequiredFactor.SECOND)}
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["reauthentication_required", "step_up_required"]}

    @extend_schema(
        operation_id="export_me",
        tags=["accounts"],
        summary="Export your personal data",
        request=None,
        parameters=[
            OpenApiParameter(
                "Content-Disposition", str, OpenApiParameter.HEADER, response=[200], description="A file to keep."
            )
        ],
        responses={200: ExportOutput},
        examples=[OpenApiExample("Your data", response_only=True, value=openapi_examples.EXPORT)],
    )
    def get(self, request: Request) -> Response:
        """Take what is kept about you with you, as one JSON document (GDPR, article 20).

        There are no secrets in it and nothing of other people. Sections that can grow without bound hold the latest
        1,000 rows and say so when there are more.
        """
        user = request_user(request)
        data = personal_data.export(
            user=user, session_id=request_principal(request).session_id, now=database_clock.now()
        )
        filename = f"cedrina-{user.username}.json"  # a username has letters, digits, hyphens and underscores
        return Response(asdict(data), headers={"Content-Disposition": f'attachment; filename="{filename}"'})


class ActivityView(AccountsAPIView):
    """What happened to your account."""

    step_up: ClassVar = {"get": no_step_up("a user who finds an intruder's activity here must be able to act at once")}
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["validation_error"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"get": ["invalid", "blank", "unknown_field"]}

    @extend_schema(
        operation_id="list_my_security_events",
        tags=["accounts"],
        summary="List your security events",
        parameters=[PageInput],
        responses={200: ActivityListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [openapi_examples.ACTIVITY], "next": None}),
        ],
    )
    def get(self, request: Request) -> Response:
        """List your own activity and what was done to your account, newest first."""
        query = PageInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page = activity.list_entries(
            user=request_user(request), before=query.validated_data.get("cursor"), limit=query.validated_data["limit"]
        )
        return Response(
            {
                "results": [asdict(entry) for entry in page.entries],
                "next": page.next_cursor.hex if page.next_cursor else None,
            }
        )
