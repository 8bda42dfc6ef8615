"""docs/detection.md describes each rule as it is declared, and the how-to shows the rule that a test runs."""

import textwrap

from django.utils.translation import override

from security_events.detection import rules
from security_events.detection.rules import RULES, GroupBy
from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "detection.md"
BEGIN, END = "<!-- Each rule, as it is declared. -->\n\n", "<!-- The end of the rules. -->\n"
TOGETHER = {
    GroupBy.ACCOUNT: "of one account",
    GroupBy.NETWORK: "from one network",
    GroupBy.PROGRAM: "by one program",
    GroupBy.OPERATOR: "of one operator",
}


def duration(seconds):
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            number = seconds // unit
            return f"{number} {name}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"


def sigma(rule):
    if rule.sigma is None:
        return "has no words for it"
    return f"finds more: it knows nothing of {rule.sigma.wider}" if rule.sigma.wider else "says the same"


def section(rule):
    """Return what the page says of a rule."""
    thresholds = ", ".join(f"`{name}` {value:,}" for name, value in rule.thresholds.items())
    responses = ", ".join(f"`{each}`" for each in rule.responses) or "none of its own"
    watched = ", ".join(f"`{each}`" for each in sorted(rule.watches))
    return (
        f"### `{rule.id}`\n\n"
        f"**{rule.title}.** {rule.reason} *False alarms:* {rule.false_alarms}\n\n"
        f"- Sees {watched} {TOGETHER[rule.group_by]}, {duration(rule.window)} back.\n"
        f"- Thresholds: {thresholds or 'none'}. Whose: {rule.source}.\n"
        f"- Severity {rule.severity}, score {rule.score}, mode `{rule.mode}`; responses: {responses}.\n"
        f"- MITRE ATT&CK: {', '.join(rule.techniques)}. Sigma {sigma(rule)}.\n\n"
    )


def with_rules(text):
    """Return the page with the sections of the rules as they are declared."""
    rules.load()
    before, _begin, rest = text.partition(BEGIN)
    with override("en"):
        sections = "".join(section(rule) for name, rule in sorted(RULES.items()))
    return before + BEGIN + sections + END + rest.partition(END)[2]


def test_the_page_describes_each_rule_as_it_is_declared():
    text = PAGE.read_text(encoding="utf-8")

    assert text == with_rules(text)


def test_the_how_to_shows_the_rule_that_a_bare_project_runs():
    page = (ROOT / "docs" / "how-to" / "add-a-detection-rule.md").read_text(encoding="utf-8")
    shown = textwrap.dedent(page.split("   ```python\n")[1].partition("   ```\n")[0])

    assert shown == (ROOT / "tests" / "standalone" / "billing" / "detection_rules.py").read_text(encoding="utf-8")
