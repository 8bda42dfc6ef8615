"""The tiers of users whose access token names an older one.

Limits depend on the tier before a request costs a query, so they use the claim of the token, which lives for some
minutes. The view then reads the user. If the tier there is another one, this process remembers it, and all limits after
this request use it. Each process learns of a change by one request; the next token has the new tier itself.
"""

from typing import TYPE_CHECKING

from accounts.models import User
from tokens.api.authentication import signed_claims
from tokens.api.problems import TokenProblem
from tokens.types import AccessClaims

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

# Users beyond so many are forgotten, the first ones first: then the claim counts until their next request.
MOST_USERS = 10_000

_tiers: dict["UUID", str] = {}


def current_tier(*, user_id: "UUID", claimed: str) -> str:
    """Return the tier of a user, as far as this process knows: that of the access token unless a view read another."""
    return _tiers.get(user_id, claimed) if _tiers else claimed


def note_tier(request: "HttpRequest") -> None:
    """Compare the tier of the user whom a view has authenticated with that of the access token. It makes no query."""
    if "HTTP_AUTHORIZATION" not in request.META:
        return
    user = request.__dict__.get("user")
    if type(user) is not User:  # of the admin it is a lazy object, and isinstance() would read it
        return
    try:
        claims = signed_claims(request)  # which the request has kept
    except TokenProblem:  # the view let the user in by something else
        return
    if not isinstance(claims, AccessClaims) or claims.user_id != user.pk:
        return
    if claims.tier == user.tier:
        _tiers.pop(user.pk, None)
    elif _tiers.get(user.pk) != user.tier:
        if len(_tiers) >= MOST_USERS:
            _tiers.pop(next(iter(_tiers)), None)
        _tiers[user.pk] = user.tier
