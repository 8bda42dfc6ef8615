"""Policies as tests write them."""

from ratelimiting.callers import Author
from ratelimiting.policy import read

BOSS = Author(id="1", name="boss")
KEYS = {"account": None, "family": None}


def document(**members):
    return {"name": "some", "limit": 2, "window": 60, "scope": ["ip"], **members}


def policy(**members):
    return read(document(**members), named_keys=tuple(KEYS))
