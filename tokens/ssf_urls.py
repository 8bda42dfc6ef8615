"""Routes below ``/ssf/``: the stream management API of shared signals, which ``ssf-configuration`` names."""

from django.urls import path

from tokens.api.shared_signals.poll import SignalPollView
from tokens.api.shared_signals.stream_status import (
    SignalStreamStatusView,
    SignalSubjectAddView,
    SignalSubjectRemoveView,
    SignalVerificationView,
)
from tokens.api.shared_signals.streams import SignalStreamsView

urlpatterns = [
    path("streams", SignalStreamsView.as_view(), name="ssf-streams"),
    path("status", SignalStreamStatusView.as_view(), name="ssf-status"),
    path("subjects/add", SignalSubjectAddView.as_view(), name="ssf-add-subject"),
    path("subjects/remove", SignalSubjectRemoveView.as_view(), name="ssf-remove-subject"),
    path("verification", SignalVerificationView.as_view(), name="ssf-verification"),
    path("poll/<uuid:stream_id>", SignalPollView.as_view(), name="ssf-poll"),
]
