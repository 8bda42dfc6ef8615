"""Delete the security events whose term is over, or count them."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.operator_commands import OperatorCommand
from security_events.services.retention import purging, terms


class Command(OperatorCommand):
    help = gettext_noop(
        "Delete the security events whose term is over. A daily job does so by itself. The terms are settings; a term "
        "that was made shorter counts after `manage.py migrate`. May be interrupted and run again."
    )
    examples = ("purge_security_events --dry-run",)
    destroys = True

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        due = purging.preview(now=now)
        if not options["dry_run"]:
            self.confirm(gettext("Delete %(events)d security events?") % {"events": due.events}, options)
            due = purging.purge(now=now, progress=lambda done: self.progress(done, max(done, due.events)))
        return {
            "result": "would_purge" if options["dry_run"] else "purged",
            "events": due.events,
            "categories": due.categories,
            "months": [f"{month:%Y-%m}" for month in due.months],
            "leaves": due.leaves,
            "incidents": due.incidents,
            "busy": [f"{month:%Y-%m}" for month in due.busy],
            "are_terms_stored": terms.stored_terms() == terms.configured_terms(),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["events"]
        if result["result"] == "would_purge":
            words = ngettext("%(events)d event would be deleted.", "%(events)d events would be deleted.", number)
        else:
            words = ngettext("%(events)d event was deleted.", "%(events)d events were deleted.", number)
        lines = [words % result, *(f"{category}: {count}" for category, count in sorted(result["categories"].items()))]
        if result["busy"]:
            busy = gettext("Still in use, so dropped by a later run: %(months)s.")
            lines.append(busy % {"months": ", ".join(result["busy"])})
        if not result["are_terms_stored"]:
            lines.append(gettext("The terms were changed. Run `manage.py migrate`, so that shorter ones count."))
        return "\n".join(lines)
