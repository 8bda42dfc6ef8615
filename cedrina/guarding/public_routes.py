"""Routes that are no views of the API, and who may use them. Each has a reason to ask for no permission.

A view of Django that is not listed here must have the attribute ``needed_permission``: the name of the permission that
it asks for.
"""

from collections.abc import Mapping
from types import MappingProxyType

# By the beginning of the path. The pages of the admin's site are not listed: the site asks on each of them.
PUBLIC_ROUTES: Mapping[str, str] = MappingProxyType(
    {
        "account/": "pages that mails link to; a token in the link is what they ask for",
        "livez": "whether the process lives, for who restarts it",
        "readyz": "whether the server can serve, for who balances load",
        "dev/": "sent mail, in development only: no other settings have these routes",
    }
)
PUBLIC_PATHS: Mapping[str, str] = MappingProxyType({"": "the start page says what this is"})
# Views that ask for permissions part by part, inside themselves.
GUARDED_INSIDE: Mapping[str, str] = MappingProxyType(
    {"admin/console/": "each figure and each act of the console asks for the permission of what it shows or does"}
)
# Sockets that ask for nothing.
PUBLIC_SOCKETS: Mapping[str, str] = MappingProxyType({"ws/health/": "the same as readyz"})
