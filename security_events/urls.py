"""The routes of events for operators. A project mounts them where it likes, such as below ``api/admin/``."""

from django.urls import path

from security_events.api.views.audit_trail import (
    CheckpointsView,
    ConsistencyProofView,
    InclusionProofView,
    NewestCheckpointView,
)
from security_events.api.views.detection_rules import (
    DetectionRulesView,
    DetectionRuleVersionsView,
    DetectionRuleView,
)
from security_events.api.views.events import SecurityEventsView, SecurityEventView
from security_events.api.views.incidents import (
    IncidentEventsView,
    IncidentsView,
    IncidentUndoView,
    IncidentView,
)
from security_events.api.views.risks import SecurityEventRiskView
from security_events.api.views.webhook_deliveries import (
    WebhookDeliveriesView,
    WebhookDeliveryReplayView,
    WebhookDeliveryView,
    WebhookReplayView,
    WebhookTestView,
)
from security_events.api.views.webhooks import WebhookSecretView, WebhooksView, WebhookView

urlpatterns = [
    path("security-events", SecurityEventsView.as_view(), name="security-events"),
    path("security-events/<uuid:event_id>", SecurityEventView.as_view(), name="security-event"),
    path("security-events/<uuid:event_id>/proof", InclusionProofView.as_view(), name="security-event-proof"),
    path("security-events/<uuid:event_id>/risk", SecurityEventRiskView.as_view(), name="security-event-risk"),
    path("audit-trail/checkpoints", CheckpointsView.as_view(), name="audit-checkpoints"),
    path("audit-trail/checkpoint", NewestCheckpointView.as_view(), name="audit-checkpoint"),
    path("audit-trail/consistency", ConsistencyProofView.as_view(), name="audit-consistency"),
    path("incidents", IncidentsView.as_view(), name="incidents"),
    path("incidents/<uuid:incident_id>", IncidentView.as_view(), name="incident"),
    path("incidents/<uuid:incident_id>/events", IncidentEventsView.as_view(), name="incident-events"),
    path("incidents/<uuid:incident_id>/undo", IncidentUndoView.as_view(), name="incident-undo"),
    path("detection-rules", DetectionRulesView.as_view(), name="detection-rules"),
    path("detection-rules/<str:rule_id>", DetectionRuleView.as_view(), name="detection-rule"),
    path("detection-rules/<str:rule_id>/versions", DetectionRuleVersionsView.as_view(), name="detection-rule-versions"),
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/rotate-secret", WebhookSecretView.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:webhook_id>/test", WebhookTestView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:webhook_id>/replay", WebhookReplayView.as_view(), name="webhook-replay"),
    path("webhooks/<uuid:webhook_id>/deliveries", WebhookDeliveriesView.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>",
        WebhookDeliveryView.as_view(),
        name="webhook-delivery",
    ),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
        WebhookDeliveryReplayView.as_view(),
        name="webhook-delivery-replay",
    ),
]
