"""What is wrong with a page by WCAG 2.2 AA, as axe-core sees it, and how old a session has to be to be asked."""

import json
from importlib import resources

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# All rules run; of what they find, only what is wrong is described and sent: the rest is some hundred kilobytes a page.
OPTIONS = {"preload": False, "runOnly": RULES, "resultTypes": ["violations"]}
RUN = f"axe.run({json.dumps(OPTIONS)}).then(found => found.violations)"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
AGE_SESSIONS = """
from datetime import timedelta
from django.db.models import F
from tokens.models import Session
Session.objects.update(authenticated_at=F("authenticated_at") - timedelta(minutes=6), second_factor_at=None)
"""


def faults_of(page):
    """Return what is wrong with a page, one text for each element, and whether it must be scrolled sideways."""
    page.evaluate(AXE)
    found = [f"{fault['id']}: {node['target']}" for fault in page.evaluate(RUN) for node in fault["nodes"]]
    too_wide = page.evaluate(TOO_WIDE)
    return [*found, f"{too_wide} pixels too wide"] if too_wide > 0 else found
