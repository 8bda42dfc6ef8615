"""The conditions by which operators filter the list of events. Each is found by an index.

The parameters have the names of the API's: ``since``, ``until``, ``type``, ``category``, ``severity`` (``high+``: this
and above), ``outcome``, ``actor``, ``target``, ``ip``.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from security_events.catalogue import type_choices
from security_events.conf import security_event_settings
from security_events.event_values import pseudonym
from security_events.models import SecurityEvent, category_choices
from security_events.selectors.event_filters import EventFilter

_ANY = ("", _("any"))
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)  # what an id can hold, and more
_MOMENT_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


def _choices(name: str) -> list[Any]:
    field: Any = SecurityEvent._meta.get_field(name)
    return list(field.flatchoices)


def _moment_field(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(
        label=label,
        required=False,
        input_formats=_MOMENT_FORMATS,
        widget=widget,
        validators=[MinValueValidator(_FIRST), MaxValueValidator(_LAST)],
    )


class EventConditionsForm(forms.Form):
    """What events must have in common. Times are in UTC."""

    since = _moment_field(_("From (UTC)"))
    until = _moment_field(_("Until (UTC)"))
    type = forms.ChoiceField(label=_("Type"), required=False, choices=lambda: [_ANY, *type_choices()])
    category = forms.ChoiceField(label=_("Category"), required=False, choices=lambda: [_ANY, *category_choices()])
    severity = forms.ChoiceField(
        label=_("Severity"),
        required=False,
        choices=lambda: [
            _ANY,
            *_choices("severity"),
            ("medium+", _("medium and above")),
            ("high+", _("high and above")),
        ],
    )
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=lambda: [_ANY, *_choices("outcome")])
    actor = forms.CharField(label=_("Actor"), required=False, max_length=254, help_text=_("A whole name or an id."))
    target = forms.CharField(label=_("Target"), required=False, max_length=254)
    ip = forms.GenericIPAddressField(label=_("Address"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the beginning."))
        return cleaned

    def condition(self, viewer: Any) -> Q:
        """Return the condition; none that holds if something is not valid."""
        if not self.is_valid():
            return Q(pk__in=[])
        given = self.cleaned_data
        columns = {name: given[name] for name in ("type", "category", "severity", "outcome", "since", "until")}
        address = given["ip"] and str(ipaddress.ip_address(given["ip"]))
        found = EventFilter(**columns, ip=address).condition()
        if actor := given["actor"]:
            found &= is_actor(viewer, actor)
        if target := given["target"]:
            found &= is_target(viewer, target)
        return found


def is_actor(viewer: Any, name: str) -> Q:
    """Return the condition that somebody acted: an id, a name, or a name that nobody has."""
    identity = security_event_settings.SUBJECT_ID(viewer, name.strip())
    if identity:
        return Q(actor_id=identity) & ~Q(actor_id="")
    return (Q(actor_id=name.strip()) & ~Q(actor_id="")) | (
        Q(actor_pseudonym=pseudonym(name.strip())) & ~Q(actor_pseudonym="")
    )


def is_target(viewer: Any, name: str) -> Q:
    """Return the condition that something was done to somebody, by others or by themselves."""
    identity = security_event_settings.SUBJECT_ID(viewer, name.strip()) or name.strip()
    # The conditions repeat those of the two partial indexes (EVENTS_ABOUT).
    by_others = Q(target_id=identity) & ~Q(target_id="") & ~Q(target_id=F("actor_id"))
    by_themselves = Q(actor_id=identity) & ~Q(actor_id="") & Q(target_id=identity)
    return by_others | by_themselves


class EventConditions(ListFilter):
    """The form in the column of filters."""

    title = _("conditions")
    template = "security_events/conditions.html"

    def __init__(self, request: Any, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in EventConditionsForm.base_fields:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = EventConditionsForm(self.used_parameters or None)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(EventConditionsForm.base_fields)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not any(str(value).strip() for value in self.used_parameters.values()):
            return queryset
        return queryset.filter(self.form.condition(request.user))

    def choices(self, changelist: Any) -> Iterator[Mapping[str, Any]]:
        """Yield what the template shows: the form, and the parameters of the list that it has to keep."""
        kept = {name: value for name, value in changelist.params.items() if name != "p"}
        cleared = changelist.get_query_string(remove=self.expected_parameters())
        yield {"form": self.form, "kept": kept.items(), "cleared": cleared}
