from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import examples
from accounts.api.base import AccountsAPIView, caller
from accounts.api.documents import entity_tag, user_document
from accounts.api.preconditions import versions_from
from accounts.api.serializers.outputs import UserOutput
from accounts.api.serializers.profiles import ProfileInput
from accounts.services import profiles
from tokens.api.step_up import no_need

ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The version, to be sent back in If-Match."
)


class MeView(AccountsAPIView):
    """The account that the access token speaks for."""

    step_up: ClassVar = {"patch": no_need("a name and a language open no door")}
    problem_codes: ClassVar[dict[str, list[str]]] = {"patch": ["precondition_required", "version_mismatch"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"patch": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="me",
        tags=["accounts"],
        request=None,
        parameters=[ENTITY_TAG],
        responses={200: UserOutput},
        examples=[OpenApiExample("A person", response_only=True, value=examples.USER)],
    )
    def get(self, request: Request) -> Response:
        """Read your account."""
        user = caller(request)
        return Response(user_document(user), headers={"ETag": entity_tag(user)})

    @extend_schema(
        operation_id="update_me",
        tags=["accounts"],
        request=ProfileInput,
        parameters=[
            ENTITY_TAG,
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read."),
        ],
        responses={200: UserOutput},
        examples=[
            OpenApiExample("Another name", request_only=True, value={"full_name": "Mina Karimi", "locale": "en"}),
            OpenApiExample("A person", response_only=True, value=examples.USER),
        ],
    )
    def patch(self, request: Request) -> Response:
        """Change your name or language, if nobody changed the account since you read it."""
        versions = versions_from(request.headers.get("If-Match"))
        body = ProfileInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = profiles.update(user=caller(request), change=body.change(), versions=versions)
        return Response(user_document(user), headers={"ETag": entity_tag(user)})
