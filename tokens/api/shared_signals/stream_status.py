"""The status, subject and verification endpoints of streams (Shared Signals Framework 1.0, 8.1.2 to 8.1.4)."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.shared_signals.base import NO_STORE, STEP_UP, SharedSignalsView, body_of, owner_of, stream_id_of
from tokens.api.shared_signals.response_bodies import status_body
from tokens.api.step_up import no_step_up
from tokens.errors import SignalStreamNotFound
from tokens.services.shared_signals import excluded_subjects, stream_status
from tokens.shared_signals.stream_members import LONGEST_STATE, text_of, validated_status


class SignalStreamStatusView(SharedSignalsView):
    """The status of a stream."""

    step_up: ClassVar = {"post": STEP_UP}

    def get(self, request: Request) -> Response:
        """Return the status of a stream and why it has it."""
        stream_id = stream_id_of(request.query_params.get("stream_id"))
        stream = owner_of(request).streams().filter(pk=stream_id).first()
        if stream is None:
            raise SignalStreamNotFound
        return Response(status_body(stream), headers=NO_STORE)

    def post(self, request: Request) -> Response:
        """Enable, pause or disable a stream."""
        body = body_of(request)
        stream_id = stream_id_of(body.get("stream_id"))
        status, reason = validated_status(body)
        stream = stream_status.set_by_receiver(
            owner=owner_of(request), stream_id=stream_id, status=status, reason=reason, now=database_clock.now()
        )
        return Response(status_body(stream), headers=NO_STORE)


class SignalVerificationView(SharedSignalsView):
    """Lets receivers find out whether a stream works."""

    step_up: ClassVar = {"post": no_step_up("it sends the receiver of one's own stream one event")}

    def post(self, request: Request) -> Response:
        """Send a verification event with the ``state`` of the request over a stream, within a few seconds."""
        body = body_of(request)
        stream_id = stream_id_of(body.get("stream_id"))
        state = text_of(body, "state", longest=LONGEST_STATE, is_opaque=True)
        stream_status.request_verification(
            owner=owner_of(request), stream_id=stream_id, state=state, now=database_clock.now()
        )
        return Response(status=204, headers=NO_STORE)


class SignalSubjectAddView(SharedSignalsView):
    """Adds subjects that were removed from a stream."""

    step_up: ClassVar = {"post": STEP_UP}

    def post(self, request: Request) -> Response:
        """Send signals about a subject again. The answer does not say whether the subject is known here."""
        body = body_of(request)
        stream_id = stream_id_of(body.get("stream_id"))
        excluded_subjects.add(
            owner=owner_of(request), stream_id=stream_id, subject=body.get("subject"), now=database_clock.now()
        )
        return Response(status=200, headers=NO_STORE)


class SignalSubjectRemoveView(SharedSignalsView):
    """Removes subjects from a stream."""

    step_up: ClassVar = {"post": STEP_UP}

    def post(self, request: Request) -> Response:
        """Send no signals about a subject any more. The answer does not say whether the subject is known here."""
        body = body_of(request)
        stream_id = stream_id_of(body.get("stream_id"))
        excluded_subjects.remove(
            owner=owner_of(request), stream_id=stream_id, subject=body.get("subject"), now=database_clock.now()
        )
        return Response(status=204, headers=NO_STORE)
