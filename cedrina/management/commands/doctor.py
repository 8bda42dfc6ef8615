"""Print the findings of operations/diagnosis.py."""

import sys
import textwrap
from typing import Any

from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from cedrina.operations import diagnosis, standards_diagnosis
from cedrina.operations.diagnosis import DiagnosticFinding
from cedrina_base.operator_commands import FAILED, OperatorCommand

REGISTERED = (standards_diagnosis,)  # importing it registers its diagnostics
WIDTH = 100
_INDENT = " " * 10


class Command(OperatorCommand):
    help = gettext_noop(
        "Say what is wrong with the configuration that runs, by which section of which standard, and how to mend it. "
        "It sees what the servers have noticed in the last day, too. Ends with 1 when something is wrong."
    )
    examples = ("doctor", "doctor --json")
    # The system checks are one of the diagnostics: their errors must not stop the command.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.is_wrong:
            sys.exit(FAILED)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        self.found = diagnosis.run_diagnostics(now=timezone.now())
        self.is_wrong = any(finding.is_wrong for finding in self.found)
        return {
            "result": "wrong" if self.is_wrong else "healthy",
            "findings": [finding.document() for finding in self.found],
        }

    def sentence(self, result: dict[str, Any]) -> str:
        if not self.found:
            return _("Nothing was found.")
        count = len(self.found)
        total = ngettext("%(count)d finding.", "%(count)d findings.", count) % {"count": count}
        return "\n\n".join([*map(_shown, self.found), total])


def _shown(finding: DiagnosticFinding) -> str:
    lines = [f"{finding.severity.upper():9} {finding.id}  ({finding.section})"]
    for label, text in (("", finding.problem), (_("Mend:") + " ", finding.mend)):
        lines += textwrap.wrap(label + force_str(text), WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    # Not wrapped: the line is copied.
    if finding.line:
        lines.append(f"{_INDENT}{_('Write:')} {finding.line}")
    if finding.page:
        lines.append(f"{_INDENT}{_('See:')} {finding.page}")
    return "\n".join(lines)
