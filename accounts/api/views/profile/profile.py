from typing import ClassVar

from django.utils.translation import gettext, gettext_noop
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.response_bodies import entity_tag, format_timestamp, user_body
from accounts.api.serializers.outputs import UserOutput
from accounts.api.serializers.profile.personal_data import DeletionInput, DeletionOutput
from accounts.api.serializers.profile.profile import ProfileInput
from accounts.services.profile import deletion, profile_changes
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from cedrina_base.frequent_views import Answer, answer
from cedrina_base.preconditions import versions_from
from tokens.api.step_up import RequiredFactor, check_no_proof_is_due, check_requirement, no_step_up, requires

ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The version, to be sent back in If-Match."
)
DELETED = gettext_noop("Your account is closed. Until it is erased, an operator can still restore it.")


class MeView(AccountsAPIView):
    """The account of the access token's user."""

    event_loop_methods = frozenset({"GET", "PATCH"})
    step_up: ClassVar = {
        "patch": no_step_up("a name and a language give no access"),
        "delete": no_step_up("the body carries the password; the method requires more where that is not enough"),
    }
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "patch": ["precondition_required", "version_mismatch"],
        "delete": [
            "invalid_credentials",
            "permission_denied",
            "reauthentication_required",
            "step_up_required",
            "too_many_attempts",
        ],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "patch": ["invalid", "blank", "max_length", "unknown_field"],
        "delete": ["required", "invalid", "blank", "unknown_field"],
    }

    @extend_schema(
        operation_id="me",
        tags=["accounts"],
        summary="Read your account",
        request=None,
        parameters=[ENTITY_TAG],
        responses={200: UserOutput},
        examples=[OpenApiExample("A person", response_only=True, value=openapi_examples.USER)],
    )
    def get(self, request: Request) -> Answer:
        """Read your account."""
        user = request_user(request)
        return answer(self, request, user_body(user), {"ETag": entity_tag(user)})

    @extend_schema(
        operation_id="update_me",
        tags=["accounts"],
        summary="Change your account",
        request=ProfileInput,
        parameters=[
            ENTITY_TAG,
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read."),
        ],
        responses={200: UserOutput},
        examples=[
            OpenApiExample("Another name", request_only=True, value={"full_name": "Mina Karimi", "locale": "en"}),
            OpenApiExample("A person", response_only=True, value=openapi_examples.USER),
        ],
    )
    def patch(self, request: Request) -> Response:
        """Change your name or language, if nobody changed the account since you read it."""
        versions = versions_from(request.headers.get("If-Match"))
        body = ProfileInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = profile_changes.update(
            user=request_user(request), change=body.profile_change(), versions=versions, now=database_clock.now()
        )
        return Response(user_body(user), headers={"ETag": entity_tag(user)})

    @extend_schema(
        operation_id="delete_me",
        tags=["accounts"],
        summary="Delete your account",
        request=DeletionInput,
        responses={202: DeletionOutput},
        examples=[
            OpenApiExample("Confirmed", request_only=True, value={"password": openapi_examples.PASSWORD}),
            OpenApiExample(
                "Closed",
                response_only=True,
                status_codes=["202"],
                value={
                    "message": DELETED,
                    "timestamp": openapi_examples.TIMESTAMP,
                    "erased_after": "2026-02-04T10:00:00Z",
                },
            ),
        ],
    )
    def delete(self, request: Request) -> Response:
        """Delete your account: it is closed and every session ends at once; you are erased after the retention time.

        Who has a password sends it. Who has a second factor must have shown it within the last five minutes, and who
        has no password must have signed in as recently.
        """
        body = DeletionInput(data=request.data)
        body.is_valid(raise_exception=True)
        user, principal, now = request_user(request), request_principal(request), database_clock.now()
        if user.is_mfa_enabled or not deletion.requires_password(user=user):
            check_requirement(requires(factor=RequiredFactor.SECOND), principal=principal, user=user, now=now)
        else:
            check_no_proof_is_due(principal, now=now)
        erased_after = deletion.request(
            user=user, session_id=principal.session_id, password=body.validated_data.get("password"), now=now
        )
        answer = {
            "message": gettext(DELETED),
            "timestamp": format_timestamp(now),
            "erased_after": format_timestamp(erased_after),
        }
        return set_content_language(Response(answer, status=202))
