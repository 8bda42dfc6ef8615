"""Asking for a code by mail: the proof of people without a second factor."""

from typing import ClassVar

from django.utils.translation import gettext, gettext_noop
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers.outputs import MessageOutput
from accounts.services.sign_in import mailed_codes
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens.api.step_up import is_proof_due, no_step_up

CODE_MAILED = gettext_noop("A code was mailed to you. It works once, for 10 minutes.")


class MailedCodeView(AccountsAPIView):
    """Have a code mailed to you, with which you prove that this session is yours.

    For people without a second factor to whom a call answered `step_up_required`, because somebody else may be using
    their account. The code goes to the confirmed address, works once and for 10 minutes, and is sent as `mailed_code`
    to `POST /auth/reauthenticate`. A session gets three an hour.
    """

    step_up: ClassVar = {"post": no_step_up("it is how a session gets fresh")}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["permission_denied", "email_not_confirmed", "too_many_attempts"]
    }

    @extend_schema(
        operation_id="mail_code",
        tags=["sign-in"],
        summary="Have a code mailed to re-authenticate",
        request=None,
        responses={202: MessageOutput},
        examples=[
            OpenApiExample(
                "On its way",
                response_only=True,
                status_codes=["202"],
                value={"message": CODE_MAILED, "timestamp": openapi_examples.TIMESTAMP},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        principal, now = request_principal(request), database_clock.now()
        mailed_codes.mail(
            user=request_user(request),
            session_id=principal.session_id,
            is_proof_due=is_proof_due(principal, now=now),
            now=now,
        )
        body = {"message": gettext(CODE_MAILED), "timestamp": format_timestamp(now)}
        return set_content_language(Response(body, status=202))
