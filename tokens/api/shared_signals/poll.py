"""The endpoint of streams that are polled (RFC 8936)."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.shared_signals.base import NO_STORE, SharedSignalsView, body_of, owner_of
from tokens.api.step_up import no_step_up
from tokens.errors import SignalStreamInvalid
from tokens.services.shared_signals import poll_delivery
from tokens.services.shared_signals.refusals import error_code

_LONGEST_JTI = 128
_NO_CODE = "unknown"


class SignalPollView(SharedSignalsView):
    """Gives a receiver the tokens of its stream, and takes its acknowledgements.

    It answers at once, also without ``returnImmediately``: how long a poll waits for tokens is for the transmitter to
    say (RFC 8936, 2.4), and a request that waits would hold a thread that others need.
    """

    step_up: ClassVar = {"post": no_step_up("it reads one's own stream, every few seconds")}

    def post(self, request: Request, stream_id: UUID) -> Response:
        """Acknowledge tokens and get the next ones, the oldest first."""
        body = body_of(request)
        _boolean(body, "returnImmediately")
        polled = poll_delivery.poll(
            owner=owner_of(request),
            stream_id=stream_id,
            most=_most(body),
            acknowledged=_acknowledged(body),
            refused=_refused(body),
            now=database_clock.now(),
        )
        return Response({"sets": polled.tokens, "moreAvailable": polled.has_more}, headers=NO_STORE)


def _boolean(body: Mapping[str, Any], name: str) -> None:
    if not isinstance(body.get(name, False), bool):
        raise SignalStreamInvalid(member=name, sentence=_("It must be true or false."))


def _most(body: Mapping[str, Any]) -> int:
    most = body.get("maxEvents", poll_delivery.MOST_AT_ONCE)
    if type(most) is not int or most < 0:
        raise SignalStreamInvalid(member="maxEvents", sentence=_("It must be an integer, 0 or more."))
    return most


def _acknowledged(body: Mapping[str, Any]) -> list[str]:
    jtis = body.get("ack", [])
    if not isinstance(jtis, list) or not all(map(_is_jti, jtis)):
        raise SignalStreamInvalid(member="ack", sentence=_("It must be a list of ids of tokens."))
    return jtis


def _refused(body: Mapping[str, Any]) -> dict[str, str]:
    errors = body.get("setErrs", {})
    if not isinstance(errors, Mapping) or not all(
        _is_jti(jti) and isinstance(error, Mapping) for jti, error in errors.items()
    ):
        sentence = _("It must be an object of errors by the ids of tokens.")
        raise SignalStreamInvalid(member="setErrs", sentence=sentence)
    return {jti: error_code(error) or _NO_CODE for jti, error in errors.items()}


def _is_jti(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= _LONGEST_JTI
