"""Errors of the OAuth endpoints (RFC 6749, 5.2): a JSON object with ``error`` and ``error_description``.

Descriptions are constants in English: the RFC allows ASCII only, and what a client sent is never repeated in them.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType

from django.http import HttpResponse

# RFC 6749, 5.1 asks for both of answers with tokens; errors of this house carry no-store, too.
NO_STORE: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store", "Pragma": "no-cache"})
# RFC 9110, 11.6.1 asks for a challenge in each 401, whichever way the client took.
CHALLENGE = 'Basic realm="oauth", charset="UTF-8"'


class OAuthProblem(Exception):
    """A refused request at an OAuth endpoint."""

    def __init__(self, error: str, description: str, *, status: int = 400, challenge: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = {"WWW-Authenticate": challenge} if challenge else {}

    @property
    def body(self) -> dict[str, str]:
        """The members of the answer."""
        return {"error": self.error, "error_description": self.description}


def invalid_request(description: str) -> OAuthProblem:
    """Return the error for a request that is malformed, or has a parameter twice or none that is needed."""
    return OAuthProblem("invalid_request", description)


def invalid_client() -> OAuthProblem:
    """Return the one error for all that can be wrong with a client's credentials."""
    return OAuthProblem("invalid_client", "The client was not authenticated.", status=401, challenge=CHALLENGE)


# The RFC has no code for a limit. This one says that the same request may be sent later (RFC 6749, 4.1.2.1).
TOO_MANY_REQUESTS = OAuthProblem(
    "temporarily_unavailable", "Too many requests. Wait for as many seconds as Retry-After says.", status=429
)


def error_response(problem: OAuthProblem) -> HttpResponse:
    """Return an error as a response of Django, for code outside of the views."""
    headers = {**NO_STORE, **problem.headers}
    return HttpResponse(
        json.dumps(problem.body), content_type="application/json", status=problem.status, headers=headers
    )
