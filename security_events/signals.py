"""Signals of committed events, and of responses to findings.

Who receives a response does what it asks for, in the same transaction. Keyword arguments of both: ``response`` (a
``ResponseOrder`` of ``security_events.types``) and ``now``.
"""

from django.dispatch import Signal

# After the commit, without arguments. What another connection wrote is not announced, nor what SQL functions write.
event_committed = Signal()
response_started = Signal()
response_undone = Signal()
