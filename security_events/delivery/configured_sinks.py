"""The sinks of the setting ``SINKS`` as rows, so that each has a position, a state and a place in the admin."""

from collections.abc import Mapping
from datetime import datetime

from security_events.conf import security_event_settings
from security_events.delivery.kinds import DeliveryFailed
from security_events.models import Sink
from security_events.selectors.sealing.checkpoint_positions import before_newest_checkpoint
from security_events.selectors.trail import START, TrailPosition, end_of_trail
from security_events.sinks.sink_targets import FileTarget, SinkTarget, SyslogTarget, WebhookTarget
from security_events.sinks.sink_urls import read_sinks

SYSLOG, FILE = "syslog", "file"
CHECKPOINT_SYSLOG, CHECKPOINT_FILE, CHECKPOINT_WEBHOOK = "checkpoint_syslog", "checkpoint_file", "checkpoint_webhook"
EVENT_KINDS: Mapping[type[SinkTarget], str] = {SyslogTarget: SYSLOG, FileTarget: FILE}
CHECKPOINT_KINDS: Mapping[type[SinkTarget], str] = {
    SyslogTarget: CHECKPOINT_SYSLOG,
    FileTarget: CHECKPOINT_FILE,
    WebhookTarget: CHECKPOINT_WEBHOOK,
}
KINDS = frozenset({*EVENT_KINDS.values(), *CHECKPOINT_KINDS.values()})


def synchronise(*, now: datetime) -> None:
    """Make the rows that the setting asks for, and switch off those that it does not name any more.

    A row that was switched off keeps its position, and goes on from there once its URL is back.

    Raises: SinkUrlFault.
    """
    wanted = {
        (kind, target.name): _initial_position(kind, target)
        for target in read_sinks(security_event_settings.SINKS)
        for kind in _kinds_of(target)
    }
    stored = {(sink.kind, sink.name): sink for sink in Sink.objects.filter(kind__in=KINDS)}
    missing = [
        Sink(kind=kind, name=name, transaction_id=position[0], event_id=position[1], created_at=now)
        for (kind, name), position in wanted.items()
        if (kind, name) not in stored
    ]
    # Another process may do the same at this moment.
    Sink.objects.bulk_create(missing, ignore_conflicts=True)
    for is_enabled in (True, False):
        changed = [sink.pk for key, sink in stored.items() if (key in wanted) is is_enabled is not sink.is_enabled]
        if changed:
            Sink.objects.filter(pk__in=changed).update(is_enabled=is_enabled, next_attempt_at=None)


def target_of(sink: Sink) -> SinkTarget:
    """Return what the setting says of a sink.

    Raises: DeliveryFailed, when it says nothing: other processes run with another setting.
    """
    for target in read_sinks(security_event_settings.SINKS):
        if target.name == sink.name and sink.kind in _kinds_of(target):
            return target
    raise DeliveryFailed("The setting AUDIT_SINKS of this process does not name it.")


def _kinds_of(target: SinkTarget) -> list[str]:
    kinds = []
    if target.takes_events:
        kinds.append(EVENT_KINDS[type(target)])
    if target.takes_checkpoints:
        kinds.append(CHECKPOINT_KINDS[type(target)])
    return kinds


def _initial_position(kind: str, target: SinkTarget) -> TrailPosition:
    """Return where a new sink begins: with new events and the newest checkpoint, unless it wants all that are there."""
    if target.starts_at_oldest:
        return START
    return before_newest_checkpoint() if kind in CHECKPOINT_KINDS.values() else end_of_trail()
