"""What the OAuth endpoints have in common."""

from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from tokens.api.oauth.errors import NO_STORE, OAuthProblem

_DESCRIPTIONS = {
    405: ("invalid_request", "The method must be POST."),
    406: ("invalid_request", "The answer is JSON, which the client does not accept."),
    503: ("temporarily_unavailable", "The server is not able to answer now. Try again later."),
}


class OAuthView(APIView):
    """Answers in JSON, and each error in the shape of RFC 6749, 5.2.

    It is not in the OpenAPI document: OAuth libraries find it by the server metadata, and its forms and errors are
    those of the RFCs.
    """

    schema = None
    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = []  # ``oauth_form`` reads the body, and refuses what a parser of forms would accept
    renderer_classes = [JSONRenderer]

    def handle_exception(self, exc: Exception) -> Response:
        """Return an error of ours, or that of the project in our shape. A bug stays one: it is raised."""
        if isinstance(exc, OAuthProblem):
            return Response(exc.body, status=exc.status, headers={**NO_STORE, **exc.headers})
        response = super().handle_exception(exc)
        error, description = _DESCRIPTIONS.get(
            response.status_code, ("invalid_request", "The request is not one that this server answers.")
        )
        response.data = {"error": error, "error_description": description}
        response.content_type = "application/json"
        return response


def oauth_response(body: dict[str, Any]) -> Response:
    """Return an answer that no cache keeps (RFC 6749, 5.1; RFC 7662, 2.2)."""
    return Response(body, headers=dict(NO_STORE))
