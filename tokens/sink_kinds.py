"""The kinds of sinks of this app. Processes that deliver import this module by its name."""

from security_events.delivery.kinds import register
from tokens.services.shared_signals.poll_delivery import SignalPollKind
from tokens.services.shared_signals.push_delivery import SignalPushKind

register(SignalPushKind())
register(SignalPollKind())
