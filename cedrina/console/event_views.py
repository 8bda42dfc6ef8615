"""The events of the console: the newest ones that meet some conditions, and one with its proof."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse, JsonResponse

from cedrina.console import access, figures
from cedrina.console.access import json_call
from security_events.administration import event_data
from security_events.catalogue import CATALOGUE
from security_events.errors import EventNotFound
from security_events.selectors import event_pages, events
from security_events.selectors.event_filters import SEVERITIES, EventFilter

MOST = 100


class EventsForm(forms.Form):
    """The conditions. ``about`` is the id of a person who did something, or to whom it was done."""

    type = forms.ChoiceField(required=False, choices=lambda: [(each, each) for each in CATALOGUE])
    severity = forms.ChoiceField(required=False, choices=[(each, each) for each in SEVERITIES])
    outcome = forms.ChoiceField(required=False, choices=[("success", "success"), ("failure", "failure")])
    ip = forms.GenericIPAddressField(required=False)
    about = forms.CharField(required=False, max_length=64)
    before = forms.UUIDField(required=False)
    limit = forms.IntegerField(required=False, min_value=1, max_value=MOST)


@json_call("GET", action="events:read")
def events_call(request: Any) -> HttpResponse:
    """Return the newest events in their public form, and the names behind their ids."""
    form = EventsForm(request.GET)
    if not form.is_valid():
        return access.invalid(request, form)
    given = form.cleaned_data
    limit = given["limit"] or MOST
    if given["about"]:
        forms_ = _about(given, limit)
        following = forms_[-1]["id"] if len(forms_) == limit else None
    else:
        wanted = EventFilter(**{name: given[name] for name in ("type", "severity", "outcome", "ip")})
        found = event_pages.newest_events(wanted, before=given["before"], limit=limit)
        forms_, following = list(found.forms), found.next
    return JsonResponse({"events": forms_, "next": str(following) if following else None, **_names(request, forms_)})


@json_call("GET", action="events:read")
def event_call(request: Any, event_id: UUID) -> HttpResponse:
    """Return one event with its data in words, its public form and its proof."""
    try:
        form = event_pages.event_by_id(event_id)
    except EventNotFound as error:
        return access.refusal(request, error)
    return JsonResponse(
        {
            "event": form,
            "lines": event_data.data_lines(form["data"]),
            "public_form": event_data.public_form(event_id),
            "proof": event_data.proof_text(event_id),
            **_names(request, [form]),
        }
    )


def _about(given: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    rows = events.events_about(subject_id=given["about"], before=given["before"], limit=limit)
    found = {form["id"]: form for form in event_pages.forms_of([row.pk for row in rows])}
    return [found[str(row.pk)] for row in rows if str(row.pk) in found]


def _names(request: Any, shown: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    ids = {form[member] for form in shown for member in ("actor_id", "target_id") if form[member]}
    return {"names": figures.names_of(request.user, ids)}
