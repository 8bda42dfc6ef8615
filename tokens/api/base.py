"""What the views of this app have in common."""

from rest_framework.response import Response
from rest_framework.views import APIView

from tokens.api.problems import as_api_exception
from tokens.errors import TokenError


class TokensAPIView(APIView):
    """Turns this app's refusals into API exceptions."""

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, TokenError) else exc)
