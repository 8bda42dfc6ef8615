"""The configuration endpoint: create, read, change and delete streams (Shared Signals Framework 1.0, 8.1.1)."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.shared_signals.base import NO_STORE, STEP_UP, SharedSignalsView, body_of, owner_of, stream_id_of
from tokens.api.shared_signals.response_bodies import stream_body
from tokens.errors import SignalStreamNotFound
from tokens.services.shared_signals import streams
from tokens.shared_signals.stream_members import require_expected


class SignalStreamsView(SharedSignalsView):
    """The streams of the caller."""

    step_up: ClassVar = {"post": STEP_UP, "patch": STEP_UP, "put": STEP_UP, "delete": STEP_UP}

    def get(self, request: Request) -> Response:
        """Return one stream, or a list of all without ``stream_id``."""
        rows = owner_of(request).streams()
        if "stream_id" not in request.query_params:
            return Response([stream_body(row) for row in rows.order_by("pk")], headers=NO_STORE)
        stream = rows.filter(pk=stream_id_of(request.query_params["stream_id"])).first()
        if stream is None:
            raise SignalStreamNotFound
        return Response(stream_body(stream), headers=NO_STORE)

    def post(self, request: Request) -> Response:
        """Create a stream. Without ``delivery`` it is polled."""
        stream = streams.create(owner=owner_of(request), body=body_of(request), now=database_clock.now())
        return Response(stream_body(stream), status=201, headers=NO_STORE)

    def patch(self, request: Request) -> Response:
        """Change the members that are sent."""
        return self._change(request, is_replaced=False)

    def put(self, request: Request) -> Response:
        """Replace all members that receivers set."""
        return self._change(request, is_replaced=True)

    def delete(self, request: Request) -> Response:
        """Delete a stream with what it has not delivered."""
        stream_id = stream_id_of(request.query_params.get("stream_id"))
        streams.delete(owner=owner_of(request), stream_id=stream_id, now=database_clock.now())
        return Response(status=204, headers=NO_STORE)

    def _change(self, request: Request, *, is_replaced: bool) -> Response:
        owner, body = owner_of(request), body_of(request)
        stream_id = stream_id_of(body.get("stream_id"))
        current = owner.streams().filter(pk=stream_id).first()
        if current is None:
            raise SignalStreamNotFound
        require_expected(body, stream_body(current))
        changed = streams.change(
            owner=owner, stream_id=stream_id, body=body, is_replaced=is_replaced, now=database_clock.now()
        )
        return Response(stream_body(changed), headers=NO_STORE)
