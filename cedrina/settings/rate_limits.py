"""The policies that Cedrina ships, as data: one list for each environment.

Failed sign-ins are not counted by these policies, but by the rules in ``SIGN_IN_BACKOFF``.
"""

from typing import Any

MINUTE, HOUR = 60, 3600
# By how much the limits of a tier are higher; the names are those of accounts.models.Tier.
TIERS = {"free": 1, "pro": 5, "enterprise": 20}
# The limits of the development profile are so many times higher, so that one machine's tests pass.
DEVELOPMENT_FACTOR = 100
# The API promises ten sockets to each person; behind one office address there may be a hundred people with some open.
SOCKETS = 100

_CHANGING = ["POST", "PUT", "PATCH", "DELETE"]
_MAILING = ["forgot-password", "resend-confirmation", "page-forgot-password", "page-resend-confirmation"]
# All calls that compute a password hash, each of which takes a quarter of a second of a core.
_HASHING: dict[str, Any] = {
    "routes": [
        "login",
        "admin:login",
        "register",
        "reset-password",
        "page-reset-password",
        "change-password",
        "reauthenticate",
        "change-email",
        "me",
        "confirm-email",
        "page-confirm-email",
    ],
    "methods": ["POST", "PUT", "DELETE"],
}
# The calls of OAuth clients. What they authenticate with can't be guessed, so their limits are wide.
_OAUTH = ["oauth-token", "oauth-revoke"]
_OF_ADDRESSES = [
    "sign-in",
    "registration",
    "mail-address",
    "refresh-address",
    "ceremonies",
    "oauth-address",
    "introspection-address",
    "access-questions-address",
]
_OF_USERS = [
    *_OF_ADDRESSES,
    "access-questions",
    "access-batches",
    "policy-changes",
    "policy-impacts",
    "address-changes",
    "creations",
    "operator-actions",
]

# What attackers without an account call.
_OF_STRANGERS: dict[str, Any] = {
    "routes": ["login", "passkey-login", "social-callback", "social-token", "register", *_MAILING],
    "methods": ["POST"],
}

# Applications ask these for each of their own requests; batches are for those that have more to ask.
_BATCHES = ["authz-check-batch", "authzen-evaluations"]
_QUESTIONS = ["authz-check", "authzen-evaluation"]

_SPECIFIC: list[dict[str, Any]] = [
    {
        "name": "global",
        "description": "All requests together.",
        "algorithm": "token_bucket",
        "limit": 5000,
        "window": 1,
        "scope": ["global"],
    },
    {
        "name": "sign-in",
        "description": "Sign-ins from one address.",
        "limit": 10,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {
            "routes": [
                "login",
                "admin:login",
                "admin:second_factor",
                "passkey-login",
                "social-callback",
                "social-token",
            ],
            "methods": ["POST"],
        },
    },
    {
        "name": "ceremonies",
        "description": "Sign-ins by passkey or provider that are begun from one address.",
        "limit": 120,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": ["passkey-options", "social-authorize"]},
    },
    {
        "name": "registration",
        "description": "Registrations from one address.",
        "limit": 5,
        "window": HOUR,
        "scope": ["ip"],
        "match": {"routes": ["register"], "methods": ["POST"]},
    },
    {
        "name": "mail-account",
        "description": "Mail that anybody can cause, to one address of mail.",
        "limit": 3,
        "window": HOUR,
        "scope": ["account"],
        "match": {"routes": _MAILING, "methods": ["POST"]},
    },
    {
        "name": "mail-address",
        "description": "Mail that anybody can cause, from one address.",
        "limit": 20,
        "window": HOUR,
        "scope": ["ip"],
        "match": {"routes": _MAILING, "methods": ["POST"]},
    },
    {
        "name": "refresh-family",
        "description": "Refreshes of one session.",
        "limit": 30,
        "window": MINUTE,
        "scope": ["family"],
        "match": {"routes": ["refresh", "oauth-token"], "methods": ["POST"]},
    },
    {
        "name": "refresh-address",
        "description": "Refreshes from one address.",
        "limit": 600,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": ["refresh"], "methods": ["POST"]},
    },
    {
        "name": "oauth-address",
        "description": "Tokens that OAuth clients ask for or revoke, from one address.",
        "limit": 600,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": _OAUTH, "methods": ["POST"]},
    },
    {
        "name": "introspection-address",
        "description": "Introspections by OAuth clients, from one address.",
        "limit": 6000,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": ["oauth-introspect"], "methods": ["POST"]},
    },
    {
        "name": "access-questions",
        "description": "Questions about access, by one person or service client.",
        "limit": 6000,
        "window": MINUTE,
        "scope": ["user"],
        "match": {"routes": _QUESTIONS, "methods": ["POST"]},
    },
    {
        "name": "access-batches",
        "description": "Batches of up to 100 questions about access, by one person or service client.",
        "limit": 600,
        "window": MINUTE,
        "scope": ["user"],
        "match": {"routes": _BATCHES, "methods": ["POST"]},
    },
    {
        "name": "access-questions-address",
        "description": "Questions about access, from one address.",
        "limit": 12_000,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": [*_QUESTIONS, *_BATCHES], "methods": ["POST"]},
    },
    {
        "name": "service-client",
        "description": "Authenticated calls of one service client to the OAuth endpoints.",
        "limit": 6000,
        "window": MINUTE,
        "scope": ["user"],
        "match": {"routes": []},
    },
    {
        "name": "client-authentication-failures",
        "description": "Failed authentications of service clients, from one address.",
        "limit": 30,
        "window": MINUTE,
        "scope": ["ip"],
        "match": {"routes": []},
    },
    {
        "name": "hashing",
        "description": "Calls that compute a password hash, from one address.",
        "limit": 20,
        "window": MINUTE,
        "scope": ["ip"],
        "match": _HASHING,
    },
    {
        "name": "hashing-network",
        "limit": 100,
        "window": MINUTE,
        "scope": ["network"],
        "match": _HASHING,
        "description": "Calls that compute a password hash, from one network: IPv4 /24, IPv6 /48.",
    },
    # Whoever has a whole network would have the limit of each address; each of these calls stores a row.
    {
        "name": "registration-network",
        "limit": 5,
        "window": MINUTE,
        "scope": ["network"],
        "match": {"routes": ["register"], "methods": ["POST"]},
        "description": "Registrations from one network: IPv4 /24, IPv6 /48.",
    },
    {
        "name": "mail-network",
        "limit": 20,
        "window": MINUTE,
        "scope": ["network"],
        "match": {"routes": _MAILING, "methods": ["POST"]},
        "description": "Mail that anybody can cause, from one network: IPv4 /24, IPv6 /48.",
    },
    {
        "name": "ceremonies-network",
        "limit": 120,
        "window": MINUTE,
        "scope": ["network"],
        "match": {"routes": ["passkey-options", "social-authorize"]},
        "description": "Sign-ins by passkey or provider that are begun from one network: IPv4 /24, IPv6 /48.",
    },
    # These three apply to networks from which attacks come (ratelimiting.services.tightened_networks). One client in
    # such a network can use up its own quota and a sixth of that of all strangers there: it doesn't shut others out.
    {
        "name": "tightened-client",
        "description": "Sign-ins, registrations and mail from one address or known device, where attacks come from.",
        "limit": 5,
        "window": MINUTE,
        "scope": ["ip", "tightened_client"],
        "match": _OF_STRANGERS,
    },
    {
        "name": "tightened-network",
        "description": "Sign-ins, registrations and mail from all strangers of a network where attacks come from.",
        "limit": 30,
        "window": MINUTE,
        "scope": ["tightened_network"],
        "match": _OF_STRANGERS,
    },
    {
        "name": "tightened-mail",
        "description": "Registrations and mail from one address or known device, where attacks come from.",
        "limit": 5,
        "window": HOUR,
        "scope": ["ip", "tightened_client"],
        "match": {"routes": ["register", *_MAILING], "methods": ["POST"]},
    },
    {
        "name": "hashing-user",
        "description": "Calls that compute a password hash, by one person.",
        "limit": 20,
        "window": MINUTE,
        "scope": ["user"],
        "match": _HASHING,
    },
    {
        "name": "address-changes",
        "description": "Changes of address by one person, each of which mails somebody.",
        "limit": 10,
        "window": HOUR,
        "scope": ["user"],
        "match": {"routes": ["change-email"], "methods": ["POST"]},
    },
    {
        "name": "creations",
        "description": "People whom one operator creates, each of whom is mailed.",
        "limit": 100,
        "window": HOUR,
        "scope": ["user"],
        "match": {"routes": ["users"], "methods": ["POST"]},
    },
    {
        "name": "operator-actions",
        "description": "Changes of accounts by one operator, each of which mails somebody.",
        "limit": 600,
        "window": HOUR,
        "scope": ["user"],
        "match": {"routes": ["user", "user-action-*", "user-role", "user-session"], "methods": _CHANGING},
    },
    {
        "name": "policy-changes",
        "description": "Changes of rate limits and of the access policy by one person.",
        "limit": 50,
        "window": MINUTE,
        "scope": ["user"],
        "match": {"routes": ["rate-limit-polic*", "polic*", "role"], "methods": _CHANGING},
    },
    {
        "name": "policy-impacts",
        "description": "Impacts of drafts of the access policy, which take seconds of CPU.",
        "limit": 20,
        "window": MINUTE,
        "scope": ["user"],
        "match": {"routes": ["policy-draft-impact"], "methods": ["GET"]},
    },
]


def profile(environment: str) -> list[dict[str, Any]]:
    """Return the policies of an environment."""
    users = _general("user", 300, _OF_USERS)
    addresses = _general("address", 1000, _OF_ADDRESSES, part="ip")
    policies = [*_SPECIFIC, *users, *addresses]
    if environment != "development":
        return policies
    return [{**policy, "limit": policy["limit"] * DEVELOPMENT_FACTOR} for policy in policies]


def sockets_per_address(environment: str) -> int:
    """Return how many WebSockets one address may have open in each process."""
    return SOCKETS * (DEVELOPMENT_FACTOR if environment == "development" else 1)


def _general(name: str, limit: int, specific: list[str], part: str | None = None) -> list[dict[str, Any]]:
    """Return the policies for all requests without a specific one: one for everybody, and one for each higher tier."""
    tiers = [
        {
            "name": f"{name}-{tier}",
            "description": f"Everything else, of tier {tier}.",
            "limit": limit * factor,
            "window": MINUTE,
            "scope": [part or name],
            "match": {"tier": tier, "unless": specific},
        }
        for tier, factor in TIERS.items()
        if factor > 1
    ]
    unless = [*specific, *(policy["name"] for policy in tiers)]
    general = {
        "name": name,
        "description": "Everything else.",
        "limit": limit,
        "window": MINUTE,
        "scope": [part or name],
        "match": {"unless": unless},
    }
    return [general, *tiers]
