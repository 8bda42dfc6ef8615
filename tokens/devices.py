"""Name a device for the person it belongs to."""

from functools import lru_cache

import ua_parser


@lru_cache(maxsize=1024)
def describe(user_agent: str) -> str:
    """Return for example ``Firefox on Ubuntu``, or an empty text when nothing can be told. A claim, not a proof."""
    found = ua_parser.parse(user_agent)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    return f"{browser} on {system}" if browser and system else browser or system
