"""The admin's forms of operator actions: what will happen, the values, the reason, and the result as a message."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access.services import privilege_order
from accounts.access.services.decisions import may
from accounts.administration.subject_links import person_url
from accounts.errors import AccountError, DetailsInvalid
from accounts.models import User
from accounts.rules.subject_facts import context_of, holder_of
from accounts.services.administration import account_status
from accounts.services.administration.operator_action import ActionValue, OperatorAction, Value, ValueKind
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from cedrina_base import database_clock
from cedrina_base.reason_form import reason_field

_PREFIX = "value-"  # so that no value takes the name of another field


class ActionForm(forms.Form):
    """The values of an action and the reason. ``user`` gives the values that its account has now."""

    def __init__(self, action: OperatorAction, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.action = action
        for value in action.values:
            self.fields[_PREFIX + value.name] = _form_field(value, initial=_present_value(user, value.name))
        self.fields["reason"] = reason_field()

    def values(self) -> dict[str, Value]:
        """Return the values to call the action with: the required ones, and those that were given or changed."""
        given: dict[str, Value] = {}
        for value in self.action.values:
            name = _PREFIX + value.name
            cleaned = self.cleaned_data[name]
            if value.is_required or cleaned or name in self.changed_data:
                given[value.name] = tuple(cleaned) if value.kind is ValueKind.CHOICES else cleaned
        return given

    def show_problems(self, refusal: DetailsInvalid) -> None:
        """Show each problem beside its field, if there is one."""
        for problem in refusal.problems:
            name = _PREFIX + problem.field
            self.add_error(name if name in self.fields else None, str(problem.message))


def offered_actions(*, viewer: User, user: User) -> Sequence[OperatorAction]:
    """Return the actions that the viewer may do to an account, and that would change something about it."""
    if not _has_privileges(viewer=viewer, user=user):
        return []
    return [
        action for action in OPERATOR_ACTIONS.values() if may(viewer, action.permission) and action.is_offered(user)
    ]


def end_session_action(session_id: UUID) -> OperatorAction:
    """Return the action that ends one session. It is no action of the registry, because its object is no account."""

    def end(*, user: User, by: User | None, reason: str, now: Any) -> int:
        return account_status.end_session(session_id=session_id, user=user, by=by, reason=reason, now=now)

    return OperatorAction(
        name="end-session",
        title=_("End the session"),
        description=_("Ends this session. The person can sign in again."),
        permission="sessions:end",
        service=end,
    )


def action_page(model_admin: Any, request: Any, *, user: User, action: OperatorAction) -> Any:
    """Show the form of an action; once it is valid, do the action and return to the person's page.

    The service decides whether the operator may act on this account, and refuses by an error that is shown.
    """
    form = ActionForm(action, user, request.POST if request.method == "POST" else None)
    if form.is_valid() and _is_done(model_admin, request, form, user=user, action=action):
        return redirect(person_url(user.pk))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": action.title,
        "subtitle": user.username,
        "opts": model_admin.opts,
        "person": user,
        "action": action,
        "form": form,
    }
    return TemplateResponse(request, "admin/person/action.html", context)


def _is_done(model_admin: Any, request: Any, form: ActionForm, *, user: User, action: OperatorAction) -> bool:
    """Do the action; ``False`` when its values have to be corrected."""
    reason = form.cleaned_data["reason"]
    names = {"title": action.title, "person": user.username}
    try:
        is_changed = action.run(user=user, by=request.user, reason=reason, now=database_clock.now(), **form.values())
    except DetailsInvalid as refusal:
        form.show_problems(refusal)
        return False
    except AccountError as refusal:
        text = gettext("%(title)s: this was refused. %(refusal)s") % {**names, "refusal": refusal.message}
        model_admin.message_user(request, text, messages.ERROR)
    else:
        if is_changed:
            model_admin.message_user(request, gettext("%(title)s: done for %(person)s.") % names, messages.SUCCESS)
        else:
            text = gettext("%(title)s: nothing changed, %(person)s was so already.") % names
            model_admin.message_user(request, text, messages.WARNING)
    return True


def _has_privileges(*, viewer: User, user: User) -> bool:
    viewing = holder_of(viewer, context_of(viewer))
    return privilege_order.current().may_act_on(viewing, holder_of(user), at=database_clock.now())


def _present_value(user: User, name: str) -> str | bool | None:
    """Return what the account has now, if the value is a column of it."""
    value = getattr(user, name, None)
    return value if isinstance(value, str | bool) else None


def _form_field(value: ActionValue, *, initial: Any) -> forms.Field:
    options: dict[str, Any] = {
        "label": value.label,
        "required": value.is_required,
        "initial": initial,
    }
    if value.kind is ValueKind.BOOLEAN:
        return forms.BooleanField(**{**options, "required": False})
    if value.kind is ValueKind.CHOICES:
        return forms.MultipleChoiceField(choices=value.choices, widget=forms.CheckboxSelectMultiple, **options)
    if value.kind is ValueKind.CHOICE:
        return forms.ChoiceField(choices=value.choices, **options)
    widget = forms.TextInput(attrs={"class": "vTextField"})
    return forms.CharField(max_length=value.max_length, widget=widget, **options)
