"""Push security event tokens to the receivers of streams (RFC 8935)."""

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from cedrina_base.outgoing_http import OutgoingAnswer, OutgoingClient, OutgoingHttpError
from security_events.delivery.kinds import DeliveryFailed
from security_events.delivery.schedule import RETRY_DELAYS
from security_events.delivery.sender import BATCH_SECONDS
from security_events.models import Sink
from security_events.selectors.trail import TrailEvent
from tokens.models import PendingSignal, SignalStream, StreamStatus
from tokens.services.shared_signals import signal_queue
from tokens.services.shared_signals.refusals import error_code, note
from tokens.services.shared_signals.security_event_tokens import sign
from tokens.services.shared_signals.signal_sinks import delivering_stream
from tokens.services.shared_signals.streams import PUSH_KIND

_ACCEPTED, _BAD_REQUEST = 202, 400
# Errors about the receiver's trust in us and not about the one token: it is sent again once that is mended (RFC 8935,
# 2.4). Other errors would come again for the same token.
_TRUST_ERRORS = frozenset({"invalid_key", "authentication_failed", "access_denied"})
_MOST_ANSWER_BYTES = 16 * 1024
_MOST_AT_ONCE = 50
_LONGEST_RETRY_AFTER = 86_400

log = structlog.get_logger(__name__)


class SignalPushKind:
    """The sinks of streams that are pushed."""

    name = PUSH_KIND
    batch_size = 500
    retry_delays: Sequence[timedelta] = RETRY_DELAYS

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Push the signals of events in their order, after those that wait already.

        Raises: DeliveryFailed.
        """
        stream = delivering_stream(sink, now=now)
        if stream is None or stream.status != StreamStatus.ENABLED:
            return 0
        until = time.monotonic() + BATCH_SECONDS
        with OutgoingClient() as client:
            try:
                if not push_waiting(stream, client=client, until=until, now=now):
                    return 0
            except OutgoingHttpError as error:
                raise DeliveryFailed(error.reason) from error
            for delivered, event in enumerate(events):
                if time.monotonic() > until:
                    return delivered
                try:
                    _push(signal_queue.signals_of(event.form, stream), stream, client=client, now=now)
                except DeliveryFailed as failure:
                    failure.delivered = delivered
                    raise
        return len(events)

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Push what waits beside the trail: verifications, and what the receiver is told about the stream.

        If that fails it is pushed before the next signal, or with the next request.
        """
        stream = delivering_stream(sink, now=now)
        if stream is None:
            return
        try:
            with OutgoingClient() as client:
                push_waiting(stream, client=client, until=time.monotonic() + BATCH_SECONDS, now=now)
        except (DeliveryFailed, OutgoingHttpError) as error:
            log.warning("signal_push_failed", stream_id=str(stream.pk), reason=error.reason)
            Sink.objects.filter(pk=sink.pk).update(last_error=error.reason[:200])


def push_waiting(stream: SignalStream, *, client: OutgoingClient, until: float, now: datetime) -> bool:
    """Push what waits in the queue of a stream; return whether all of it was taken in time (``time.monotonic``).

    Raises: DeliveryFailed.
    """
    while waiting := signal_queue.deliverable(stream, limit=_MOST_AT_ONCE):
        for signal in waiting:
            if time.monotonic() > until:
                return False
            _push([signal], stream, client=client, now=now)
            signal_queue.acknowledge(stream_id=stream.pk, jtis=[signal.jti])
    return True


def _push(signals: Sequence[PendingSignal], stream: SignalStream, *, client: OutgoingClient, now: datetime) -> None:
    """Push tokens one after the other. One that the receiver calls wrong is counted and not sent again.

    Raises: DeliveryFailed.
    """
    if not signals:
        return
    tokens = sign(signals, stream=stream, now=now)
    for signal in signals:
        headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
        if stream.authorization_header:
            headers["Authorization"] = stream.authorization_header
        try:
            answer = client.request(
                "POST",
                stream.endpoint_url,
                body=tokens[signal.jti].encode(),
                headers=headers,
                max_body_bytes=_MOST_ANSWER_BYTES,
            )
        except OutgoingHttpError as error:
            raise DeliveryFailed(error.reason) from error
        if answer.status != _ACCEPTED:
            note(stream, codes={signal.jti: _refusal(answer)}, now=now)


def _refusal(answer: OutgoingAnswer) -> str:
    """Return the code with which a receiver refuses a token for good (RFC 8935, 2.3).

    Raises: DeliveryFailed, for every other answer.
    """
    code = error_code(_parsed(answer.body)) if answer.status == _BAD_REQUEST else ""
    if not code or code in _TRUST_ERRORS:
        reason = f"HTTP {answer.status}" + (f" {code}" if code else "")
        raise DeliveryFailed(reason, retry_after=_retry_after(answer))
    return code


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _retry_after(answer: OutgoingAnswer) -> timedelta | None:
    given = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    is_number = given.isascii() and given.isdigit() and len(given) < 10
    return timedelta(seconds=min(int(given), _LONGEST_RETRY_AFTER)) if is_number else None
