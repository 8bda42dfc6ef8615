"""The admin's form that creates a person and invites them to choose a password."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.administration.subject_links import person_url
from accounts.errors import AccountError, DetailsInvalid, EmailTaken, UsernameTaken
from accounts.models import Tier, User
from accounts.services.administration import invitations
from accounts.services.administration.invitations import NewPerson
from cedrina_base import database_clock
from cedrina_base.reason_form import reason_field

_TAKEN = {UsernameTaken: "username", EmailTaken: "email"}


def _text(label: Any, *, max_length: int, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
    return forms.CharField(label=label, max_length=max_length, widget=widget, **options)


class NewPersonForm(forms.Form):
    """The details of a new person, and the reason."""

    username = _text(_("Username"), max_length=50)
    email = _text(_("E-mail address"), max_length=254)
    full_name = _text(_("Full name"), max_length=150, required=False)
    locale = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)
    tier = forms.ChoiceField(label=_("Tier"), choices=Tier.choices)
    department = _text(_("Department"), max_length=100, required=False)
    location = _text(_("Location"), max_length=100, required=False)
    is_invited = forms.BooleanField(label=_("Mail an invitation to choose a password"), required=False, initial=True)
    reason = reason_field()

    def show_problems(self, refusal: AccountError) -> None:
        """Show a refusal beside the field that it is about, if there is one."""
        if isinstance(refusal, DetailsInvalid):
            for problem in refusal.problems:
                self.add_error(problem.field if problem.field in self.fields else None, str(problem.message))
        else:
            self.add_error(_TAKEN.get(type(refusal)), str(refusal.message))


def creation_page(model_admin: Any, request: Any) -> Any:
    """Show the form; once it is valid, create the person and go to their page."""
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    user = _created(request, form) if form.is_valid() else None
    if user is not None:
        text = gettext("The account %(person)s was created.") % {"person": user.username}
        model_admin.message_user(request, text, messages.SUCCESS)
        return redirect(person_url(user.pk))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Create a person"),
        "opts": model_admin.opts,
        "form": form,
    }
    return TemplateResponse(request, "admin/person/create.html", context)


def _created(request: Any, form: NewPersonForm) -> User | None:
    """Create the person; ``None`` when that was refused, which the form then shows."""
    values = dict(form.cleaned_data)
    reason, is_invited = values.pop("reason"), values.pop("is_invited")
    try:
        return invitations.create(
            person=NewPerson(**values), is_invited=is_invited, by=request.user, reason=reason, now=database_clock.now()
        )
    except AccountError as refusal:
        form.show_problems(refusal)
        return None
