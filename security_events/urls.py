"""The routes of events for operators. A project mounts them where it likes, such as below ``api/admin/``."""

from django.urls import path

from security_events.api.views.events import SecurityEventsView, SecurityEventView

urlpatterns = [
    path("security-events", SecurityEventsView.as_view(), name="security-events"),
    path("security-events/<uuid:event_id>", SecurityEventView.as_view(), name="security-event"),
]
