"""What operators do in the console besides incidents: end the sessions of a person, and change the mode of a rule."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from accounts import selectors
from accounts.errors import AccountError
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from cedrina.console import access, figures
from cedrina.console.access import json_call
from cedrina.console.incident_views import actor_of
from cedrina.http import problems
from cedrina_base.reason_form import ReasonForm
from security_events.errors import SecurityEventRefusal
from security_events.models.detection import MODE_NAMES
from security_events.services.detection import rule_settings
from security_events.types import RuleMode


class ModeForm(ReasonForm):
    """The mode that a rule is to have, and the change of it that the operator has seen."""

    mode = forms.ChoiceField(choices=list(MODE_NAMES.items()))
    seen_version = forms.IntegerField(min_value=0)


@json_call("POST", action="sessions:end")
def end_sessions_call(request: Any, person_id: UUID) -> HttpResponse:
    """End all sessions of a person: the operator action of the person's page."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return access.invalid(request, form)
    person = selectors.undeleted_user(user_id=person_id)
    if person is None:
        return problems.response(request, "not_found")
    action = OPERATOR_ACTIONS["logout"]
    try:
        is_changed = action.run(user=person, by=request.user, reason=form.cleaned_data["reason"], now=timezone.now())
    except AccountError as error:
        return access.refusal(request, error)
    figures.SESSIONS.forget()
    return JsonResponse({"changed": is_changed})


@json_call("POST", action="detection_rules:change")
def rule_call(request: Any, rule_id: str) -> HttpResponse:
    """Change the mode of a detection rule; its thresholds stay."""
    form = ModeForm(request.POST)
    if not form.is_valid():
        return access.invalid(request, form)
    given = form.cleaned_data
    try:
        in_force = rule_settings.change(
            rule_id=rule_id,
            mode=RuleMode(given["mode"]),
            reason=given["reason"],
            versions=frozenset({given["seen_version"]}),
            actor=actor_of(request),
            now=timezone.now(),
        )
    except SecurityEventRefusal as error:
        return access.refusal(request, error)
    figures.RULES.forget()
    return JsonResponse({"mode": str(in_force.mode), "version": in_force.version})
