"""The hooks of ``settings.RATELIMITING``: the caller, named keys, the answer 429 and the permissions of the API."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, ClassVar, cast

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, ParseError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api import device_cookie
from accounts.api.permissions import action_permission
from accounts.client_tokens import known_devices
from accounts.identifiers.names import email_key
from cedrina.http import changed_tiers, error_pages
from cedrina.http.json import body_object
from cedrina.http.paths import answers_html, answers_oauth
from cedrina_base import database_clock
from ratelimiting.api.permissions import READ
from ratelimiting.client_addresses.networks import enclosing_networks
from ratelimiting.services import named_limits, tightened_networks
from ratelimiting.types import ANONYMOUS, Caller
from tokens.api.authentication import signed_claims
from tokens.api.oauth.errors import TOO_MANY_REQUESTS, OAuthProblem, error_response
from tokens.api.oauth.forms import oauth_form
from tokens.api.problems import as_api_exception
from tokens.api.refresh_tokens import refresh_claims
from tokens.api.step_up import RequiredFactor, check_requirement, requires
from tokens.errors import TokenError
from tokens.types import ServiceClaims, ServicePrincipal

if TYPE_CHECKING:
    from tokens.types import Principal

FREE_TIER = "free"
LONGEST_NAME = 254
# Whether a token has expired is decided by the database's clock. Here only one that expired long before is ignored.
LEEWAY = timedelta(minutes=1)


def caller_from_token(request: HttpRequest) -> Caller:
    """For ``CALLER``: the user of the access token, by its signature alone. A refused request costs no query.

    If the database is unavailable, the signing key may be unknown. Views that need the token report that themselves.
    """
    if "HTTP_AUTHORIZATION" not in request.META:
        return ANONYMOUS
    try:
        claims = signed_claims(request)
    except (APIException, OperationalError):
        return ANONYMOUS
    if claims is None or claims.expires_at + LEEWAY < datetime.now(UTC):
        return ANONYMOUS
    if isinstance(claims, ServiceClaims):
        return Caller(user=f"client:{claims.client_id}", tier=FREE_TIER)
    tier = changed_tiers.current_tier(user_id=claims.user_id, claimed=claims.tier or FREE_TIER)
    return Caller(user=str(claims.user_id), tier=tier)


def client_wait(client_id: str | None, address: str | None) -> int:
    """For ``TOKENS["CLIENT_LIMIT"]``: the seconds that a service client, or an address that failed to be one, waits.

    A failure is counted by address only, and after it: right credentials are accepted from everywhere, however often
    others have failed in the client's name or from its address.
    """
    if client_id is None:
        decision = named_limits.check(name="client-authentication-failures", key=address or "")
    else:
        decision = named_limits.check(name="service-client", key=f"client:{client_id}")
    if decision.is_allowed:
        return 0
    return max(1, ceil(max(result.retry_after for result in decision.results)))


def account_key(request: HttpRequest) -> str | None:
    """For ``KEYS``: the email address in a JSON body or a form, whether or not it belongs to an account.

    All notations of one address are one key. An invalid address is no key; the view refuses it. A browser that has
    signed in here before is counted apart for each address, so that requests of others don't use up the quota of the
    account's owner. Whether the device is the owner's is not verified here; the budgets of mail verify it.
    """
    email = _field(request, "email") if answers_html(request.path_info) else _member(request, "email")
    key = email_key(email) if email else None
    device = known_devices.device_id(device_cookie.read_token(request)) if key else None
    return key if device is None else f"{key} {device.hex()}"


def family_key(request: HttpRequest) -> str | None:
    """For ``KEYS``: the family of the refresh token in a JSON body or an OAuth form, if its signature is valid."""
    if answers_oauth(request.path_info):
        presented = _parameter(request, "refresh_token")
    else:
        presented = _member(request, "refresh_token")
    claims = refresh_claims(request, presented or "")
    return None if claims is None else claims.family_id.hex


def network_key(request: HttpRequest) -> str:
    """For ``KEYS``: the /24 of an IPv4 client, the /48 of an IPv6 client."""
    networks = enclosing_networks(getattr(request, "client_ip", None) or "")
    return networks[-1] if ":" in networks[0] else networks[min(1, len(networks) - 1)]


def tightened_client_key(request: HttpRequest) -> str | None:
    """For ``KEYS``: the network of a client, if attacks come from there; a known device is counted by itself.

    The device's cookie is genuine, whoever's it is. An attacker with cookies of own accounts gets the quota of a client
    for each, and no more.
    """
    network = tightened_networks.find(getattr(request, "client_ip", None), now=database_clock.now())
    if network is None:
        return None
    device = known_devices.device_id(device_cookie.read_token(request))
    return network if device is None else f"{network} {device.hex()}"


def tightened_network_key(request: HttpRequest) -> str | None:
    """For ``KEYS``: the same for strangers only, so that they don't use up the quota of known devices."""
    network = tightened_networks.find(getattr(request, "client_ip", None), now=database_clock.now())
    if network is None or known_devices.device_id(device_cookie.read_token(request)) is not None:
        return None
    return network


def refusal_response(request: HttpRequest, retry_after: int) -> HttpResponse:
    """For ``REFUSAL``: a problem document, an OAuth error, or a page where browsers navigate."""
    if answers_oauth(request.path_info):
        return error_response(TOO_MANY_REQUESTS)
    return error_pages.response(request, "rate_limited", retry_after=retry_after)


class FreshSecondFactor(BasePermission):
    """Demands a recent sign-in, with the second factor of people who have one (RFC 9470)."""

    problem_codes: ClassVar = ("reauthentication_required", "step_up_required")

    def has_permission(self, request: Request, view: APIView) -> bool:
        del view
        if isinstance(request.auth, ServicePrincipal):
            return False  # a service client can't confirm who it is
        principal = cast("Principal", request.auth)  # of AccessTokenAuthentication, which has let the request in
        try:
            check_requirement(
                requires(factor=RequiredFactor.SECOND), principal=principal, user=request.user, now=database_clock.now()
            )
        except TokenError as error:
            raise as_api_exception(error) from error
        return True


def api_permissions(action: str) -> list[BasePermission]:
    """For ``API_PERMISSIONS``: our roles decide, and a change needs a recent sign-in. Limits are no secret to roles."""
    allowed = action_permission(action)()
    return [allowed] if action == READ else [allowed, FreshSecondFactor()]


def _field(request: HttpRequest, name: str) -> str | None:
    """Return a field of a form; None if it can't be read, which the view refuses."""
    try:
        value = request.POST.get(name, "").strip()
    except (BadRequest, SuspiciousOperation, OSError):
        return None
    return value if 0 < len(value) <= LONGEST_NAME else None


def _parameter(request: HttpRequest, name: str) -> str | None:
    """Return a parameter of an OAuth form; None if it can't be read, which the view refuses."""
    try:
        return oauth_form(request).get(name)
    except (OAuthProblem, SuspiciousOperation, OSError):
        return None


def _member(request: HttpRequest, name: str) -> str | None:
    """Return a string member of a JSON body; None if it can't be read, which the view refuses."""
    try:
        value = body_object(request).get(name)
    except (ParseError, SuspiciousOperation, OSError):
        return None
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else None
