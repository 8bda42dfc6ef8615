"""Name a device for the person it belongs to."""

from functools import lru_cache

import ua_parser
from django.utils.translation import gettext

# What is stored of a user agent; a thousand expressions go over it.
LONGEST = 512


def describe(user_agent: str) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty text when nothing can be told. A claim, not a proof."""
    browser, system = _parsed(user_agent[:LONGEST])
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    browser, system = ua_parser.parse_user_agent(user_agent), ua_parser.parse_os(user_agent)
    return browser.family if browser else "", system.family if system else ""
