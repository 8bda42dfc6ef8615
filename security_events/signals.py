"""Signals of responses to findings. Who receives them does what the response asks for, in the same transaction.

Keyword arguments of both: ``response`` (a ``ResponseOrder`` of ``security_events.types``) and ``now``.
"""

from django.dispatch import Signal

response_started = Signal()
response_undone = Signal()
