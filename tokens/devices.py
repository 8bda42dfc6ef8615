"""Name a device for the person it belongs to."""

from functools import lru_cache

import ua_parser
from django.utils.translation import gettext


def describe(user_agent: str, *, is_admin: bool = False) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty text when nothing can be told. A claim, not a proof.

    With ``is_admin`` it is said that the session belongs to the admin's pages, which is known for certain.
    """
    browser, system = _parsed(user_agent)
    device = browser or system
    if browser and system:
        device = gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    if not is_admin:
        return device
    return gettext("%(device)s (admin)") % {"device": device} if device else gettext("Admin")


@lru_cache(maxsize=1024)
def _parsed(user_agent: str) -> tuple[str, str]:
    found = ua_parser.parse(user_agent)
    return found.user_agent.family if found.user_agent else "", found.os.family if found.os else ""
