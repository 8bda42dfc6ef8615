"""The addresses of the console, below those of the admin."""

from django.urls import path

from cedrina.console import action_views, event_views, incident_views, views

urlpatterns = [
    path("", views.page, name="console"),
    path("figures", views.figures_call, name="console-figures"),
    path("ticket", views.ticket_call, name="console-ticket"),
    path("events", event_views.events_call, name="console-events"),
    path("events/<uuid:event_id>", event_views.event_call, name="console-event"),
    path("incidents/<uuid:incident_id>", incident_views.incident_call, name="console-incident"),
    path("incidents/<uuid:incident_id>/step", incident_views.step_call, name="console-incident-step"),
    path("incidents/<uuid:incident_id>/undo", incident_views.undo_call, name="console-undo"),
    path("people/<uuid:person_id>/end-sessions", action_views.end_sessions_call, name="console-end-sessions"),
    path("rules/<str:rule_id>", action_views.rule_call, name="console-rule"),
]
