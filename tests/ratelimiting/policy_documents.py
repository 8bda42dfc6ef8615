"""Policies as tests write them."""

from ratelimiting.policy_schema import KnownNames, parse_policy
from ratelimiting.types import Author

BOSS = Author(id="1", name="boss")
NAMED_KEYS = {"account": None, "family": None}


def document(**members):
    return {"name": "some", "limit": 2, "window": 60, "scope": ["ip"], **members}


def policy(**members):
    return parse_policy(document(**members), known=KnownNames(keys=tuple(NAMED_KEYS)))
