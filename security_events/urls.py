"""The routes of events for operators. A project mounts them where it likes, such as below ``api/admin/``."""

from django.urls import path

from security_events.api.views.audit_trail import (
    CheckpointsView,
    ConsistencyProofView,
    InclusionProofView,
    NewestCheckpointView,
)
from security_events.api.views.events import SecurityEventsView, SecurityEventView

urlpatterns = [
    path("security-events", SecurityEventsView.as_view(), name="security-events"),
    path("security-events/<uuid:event_id>", SecurityEventView.as_view(), name="security-event"),
    path("security-events/<uuid:event_id>/proof", InclusionProofView.as_view(), name="security-event-proof"),
    path("audit-trail/checkpoints", CheckpointsView.as_view(), name="audit-checkpoints"),
    path("audit-trail/checkpoint", NewestCheckpointView.as_view(), name="audit-checkpoint"),
    path("audit-trail/consistency", ConsistencyProofView.as_view(), name="audit-consistency"),
]
