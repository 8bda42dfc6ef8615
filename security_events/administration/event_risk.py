"""The risk of a sign-in on the admin's page of its event."""

from django.template.loader import render_to_string

from security_events.services.detection.risk_explanation import ExplainedRisk


def risk_table(explained: ExplainedRisk) -> str:
    """Return the choice in a sentence, and a table of the features that matter with their weights and evidence."""
    rows = [(feature, f"{feature.weight / 10:+.1f}") for feature in explained.features if feature.weight]
    return render_to_string("security_events/event_risk.html", {"explained": explained, "rows": rows})
