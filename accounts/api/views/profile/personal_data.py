from dataclasses import asdict
from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import examples
from accounts.api.base import AccountsAPIView, caller, principal
from accounts.api.serializers.profile.personal_data import ActivityListOutput, ExportOutput
from accounts.services.profile import activity, export
from tokens.api.serializers.sessions import PageInput
from tokens.api.step_up import RequiredFactor, no_step_up, requires


class ExportView(AccountsAPIView):
    """All that is kept about you."""

    step_up: ClassVar = {"get": requires(factor=RequiredFactor.SECOND)}
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["reauthentication_required", "step_up_required"]}

    @extend_schema(
        operation_id="export_me",
        tags=["accounts"],
        request=None,
        parameters=[
            OpenApiParameter(
                "Content-Disposition", str, OpenApiParameter.HEADER, response=[200], description="A file to keep."
            )
        ],
        responses={200: ExportOutput},
        examples=[OpenApiExample("Your data", response_only=True, value=examples.EXPORT)],
    )
    def get(self, request: Request) -> Response:
        """Take what is kept about you with you, as one JSON document (GDPR, article 20).

        There are no secrets in it and nothing of other people. Sections that can grow without bound hold the latest
        1,000 rows and say so when there are more.
        """
        user = caller(request)
        document = export.export(user=user, session_id=principal(request).session_id)
        name = f"cedrina-{user.username}.json"  # a username has letters, digits, hyphens and underscores
        return Response(document, headers={"Content-Disposition": f'attachment; filename="{name}"'})


class ActivityView(AccountsAPIView):
    """What happened to your account."""

    step_up: ClassVar = {"get": no_step_up("who finds a stranger in the list must not be held up")}
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["validation_error"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"get": ["invalid", "blank", "unknown_field"]}

    @extend_schema(
        operation_id="list_my_security_events",
        tags=["accounts"],
        parameters=[PageInput],
        responses={200: ActivityListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.ACTIVITY], "next": None}),
        ],
    )
    def get(self, request: Request) -> Response:
        """List your own activity and what was done to your account, newest first."""
        asked = PageInput(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = activity.page(
            user=caller(request), before=asked.validated_data.get("cursor"), limit=asked.validated_data["limit"]
        )
        return Response(
            {
                "results": [asdict(entry) for entry in page.entries],
                "next": page.next.hex if page.next else None,
            }
        )
