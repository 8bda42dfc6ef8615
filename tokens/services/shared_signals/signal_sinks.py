"""What the two kinds of sinks have in common: the stream of a sink, and whether it may deliver."""

from datetime import datetime

from security_events.models import Sink
from tokens.models import SignalStream, StreamStatus
from tokens.services.shared_signals.stream_owners import is_entitled
from tokens.services.shared_signals.stream_status import pause_unentitled


def delivering_stream(sink: Sink, *, now: datetime) -> SignalStream | None:
    """Return the stream of a sink, ``None`` if it must not deliver now.

    Of a client or a person that was deleted the sink alone is left, which ends here. A stream whose owner may not have
    one any more is paused before anything leaves.
    """
    stream = SignalStream.objects.select_related("client", "user").filter(pk=sink.pk).first()
    if stream is None:
        Sink.objects.filter(pk=sink.pk).delete()
        return None
    if stream.status == StreamStatus.ENABLED and not is_entitled(stream):
        pause_unentitled(stream.pk, now=now)
        return None
    return stream
