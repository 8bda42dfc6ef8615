"""What `ratelimiting` can't know of itself: who calls here, what the bodies of some calls name, how refusals look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException

from accounts import known_devices
from accounts.api import device_cookie
from accounts.identifiers import email_key
from cedrina.http import problems
from cedrina.http.paths import answers_html
from cedrina.http.problem_catalogue import PROBLEMS
from ratelimiting.addresses import enclosing_networks
from ratelimiting.callers import NOBODY, Caller
from tokens.api.authentication import signed_claims
from tokens.secrets import parse_refresh_token

FREE = "free"
LONGEST_NAME = 254
# The database's clock judges a token; here only one that is long dead is kept from counting for its owner.
LEEWAY = timedelta(minutes=1)


def caller_of(request: HttpRequest) -> Caller:
    """Return whose access token a request carries, by its signature alone: no query is made for somebody refused.

    During an outage a token may be of a key that can't be asked for. The view that needs it says so; others go on.
    """
    if "HTTP_AUTHORIZATION" not in request.META:
        return NOBODY
    try:
        claims = signed_claims(request)
    except (APIException, OperationalError):
        return NOBODY
    if claims is None or claims.expires_at + LEEWAY < datetime.now(UTC):
        return NOBODY
    return Caller(user=str(claims.user_id), tier=claims.tier or FREE)


def account_of(request: HttpRequest) -> str | None:
    """Return the address of mail that a body or a form names, whether or not it has an account.

    All spellings of one address are one. What is no address is not counted by it: the call that is asked refuses it.
    A browser that has signed in here before counts by itself for each address, so that strangers' requests don't use
    up its owner's. Whose device it is, the limit doesn't know; the budgets of mail do.
    """
    email = _field(request, "email") if answers_html(request.path_info) else _member(request, "email")
    key = email_key(email) if email else None
    device = known_devices.device_id(device_cookie.read_token(request)) if key else None
    return key if device is None else f"{key} {device.hex()}"


def family_of(request: HttpRequest) -> str | None:
    """Return the family of the genuine refresh token in a body."""
    claims = parse_refresh_token(_member(request, "refresh_token") or "")
    return None if claims is None else claims.family_id.hex


def network_of(request: HttpRequest) -> str:
    """Return the network around the caller's own: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    networks = enclosing_networks(getattr(request, "client_ip", None) or "")
    return networks[-1] if ":" in networks[0] else networks[min(1, len(networks) - 1)]


def refusal(request: HttpRequest, retry_after: int) -> HttpResponse:
    """Answer 429: a problem to programs, a page to people."""
    if not answers_html(request.path_info):
        return problems.response(request, "rate_limited")
    context: dict[str, Any] = {
        "problem": PROBLEMS["rate_limited"],
        "correlation_id": getattr(request, "correlation_id", ""),
        "retry_after": retry_after,
    }
    return render(request, "errors/problem.html", context, status=429)


def _field(request: HttpRequest, name: str) -> str | None:
    """Return a field of a form. What can't be read is refused elsewhere."""
    try:
        value = request.POST.get(name, "").strip()
    except (BadRequest, SuspiciousOperation, OSError):
        return None
    return value if 0 < len(value) <= LONGEST_NAME else None


def _member(request: HttpRequest, name: str) -> str | None:
    """Return a string of a JSON body. What is no such body is refused elsewhere, in its own words."""
    try:
        body = orjson.loads(request.body)
    except (ValueError, SuspiciousOperation, OSError):
        return None
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else None
