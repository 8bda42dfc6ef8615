"""Name a device for the person it belongs to."""

from functools import lru_cache

import ua_parser
from django.utils.translation import gettext


def describe(user_agent: str) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty text when nothing can be told. A claim, not a proof."""
    browser, system = _parsed(user_agent)
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    found = ua_parser.parse(user_agent)
    return found.user_agent.family if found.user_agent else "", found.os.family if found.os else ""
