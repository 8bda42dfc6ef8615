"""Routes below ``/.well-known`` (RFC 8615)."""

from django.urls import path

from security_events.api.views.audit_trail import PublicCheckpointView

urlpatterns = [path("audit-checkpoint", PublicCheckpointView.as_view(), name="public-audit-checkpoint")]
