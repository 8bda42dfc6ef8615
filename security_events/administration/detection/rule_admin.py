"""The admin's pages of detection rules: how they do, and their mode and thresholds.

Rules are declared in code; what is stored are their changes. So the list shows the registry beside the stored figures,
and the address of a rule's page ends in the rule's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.encoding import force_str
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect

from cedrina_base.read_only_admin import ReadOnlyAdmin
from security_events.administration.detection import words
from security_events.administration.detection.rule_form import RuleForm
from security_events.detection import rules
from security_events.detection.errors import RuleNotFound
from security_events.detection.evidence_words import words_of
from security_events.detection.rules import Rule
from security_events.errors import SecurityEventRefusal
from security_events.models.detection import RESPONSE_NAMES
from security_events.selectors.detection.rule_figures import (
    SHADOW_DAYS,
    VERDICT_DAYS,
    RuleFigures,
    figures_of_rules,
    rule_versions_page,
)
from security_events.services.detection import rule_settings
from security_events.services.detection.rule_settings import RuleSettings
from security_events.types import Subject, Verdict

CHANGE = "security_events.add_ruleversion"
_CHANGES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule with what is in force of it, and its figures in words."""

    rule: Rule
    settings: RuleSettings
    figures: RuleFigures

    @property
    def url(self) -> str:
        """The address of its page."""
        return reverse("admin:security_events_ruleversion_change", args=[self.rule.id])

    @property
    def incidents_url(self) -> str:
        """The address of the list of its incidents."""
        return f"{reverse('admin:security_events_incident_changelist')}?rule={self.rule.id}"

    @property
    def mode(self) -> str:
        return words.mode_badge(self.settings.mode)

    @property
    def severity(self) -> str:
        return words.severity_badge(str(self.rule.severity))

    @property
    def percent(self) -> int | None:
        """The precision in per cent; ``None`` without verdicts."""
        return None if self.figures.precision is None else round(100 * self.figures.precision)

    @property
    def attacks(self) -> int:
        return self.figures.verdicts.get(Verdict.TRUE_POSITIVE, 0)

    @property
    def false_alarms(self) -> int:
        return self.figures.verdicts.get(Verdict.FALSE_POSITIVE, 0)

    @property
    def permitted(self) -> int:
        return self.figures.verdicts.get(Verdict.BENIGN, 0)

    @property
    def judged(self) -> int:
        return self.attacks + self.false_alarms

    @property
    def responses(self) -> Sequence[Any]:
        return [RESPONSE_NAMES[kind] for kind in self.rule.responses]


class DetectionRuleAdmin(ReadOnlyAdmin):
    """All rules of the registry, and the page of each."""

    class Media:
        css = {"all": ["security_events/detection.css"]}

    def changelist_view(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Show all rules."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule_settings.refresh_at_once()
        figures = figures_of_rules(now=timezone.now())
        shown = [_shown(rule, figures.get(rule.id, RuleFigures())) for rule in rules.in_order()]
        context = {
            **self._context(request, capfirst(force_str(self.opts.verbose_name_plural))),
            **(extra_context or {}),
            "rules": shown,
        }
        return TemplateResponse(request, "security_events/detection_rules.html", context)

    @method_decorator(csrf_protect)
    def change_view(
        self, request: Any, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show a rule with its history, or change it."""
        del form_url
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = rules.find(object_id)
        if rule is None:
            self.message_user(request, force_str(RuleNotFound.message), messages.WARNING)
            return redirect("admin:security_events_ruleversion_changelist")
        rule_settings.refresh_at_once()
        in_force = rule_settings.of(rule)
        form = RuleForm(rule=rule, in_force=in_force)
        if request.method == "POST":
            if not request.user.has_perm(CHANGE):
                raise PermissionDenied
            form = RuleForm(request.POST, rule=rule, in_force=in_force)
            if form.is_valid() and self._change(request, rule, form):
                return redirect("admin:security_events_ruleversion_change", rule.id)
        figures = figures_of_rules(now=timezone.now()).get(rule.id, RuleFigures())
        context = {
            **self._context(request, rule.title),
            **(extra_context or {}),
            "shown": _shown(rule, figures),
            "form": form,
            "may_change": request.user.has_perm(CHANGE),
            "thresholds": [
                (words_of(name), value, rule.thresholds[name]) for name, value in in_force.thresholds.items()
            ],
            "changes": rule_versions_page(rule=rule.id, limit=_CHANGES_SHOWN)[:_CHANGES_SHOWN],
        }
        return TemplateResponse(request, "security_events/detection_rule.html", context)

    def _change(self, request: Any, rule: Rule, form: RuleForm) -> bool:
        actor = Subject(str(request.user.pk), request.user.get_username())
        try:
            rule_settings.change(
                rule_id=rule.id,
                mode=form.wanted_mode(),
                thresholds=form.thresholds(),
                reason=form.cleaned_data["reason"],
                versions=frozenset({form.cleaned_data["seen_version"]}),
                actor=actor,
                now=timezone.now(),
            )
        except SecurityEventRefusal as error:
            self.message_user(request, force_str(error.message), messages.ERROR)
            return False
        text = gettext("The rule was changed. All processes follow within 2 seconds.")
        self.message_user(request, text, messages.SUCCESS)
        return True

    def _context(self, request: Any, title: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "verdict_days": VERDICT_DAYS,
            "shadow_days": SHADOW_DAYS,
        }


def _shown(rule: Rule, figures: RuleFigures) -> ShownRule:
    return ShownRule(rule, rule_settings.of(rule), figures)
