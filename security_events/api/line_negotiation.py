"""Whether a client wants lines (``application/x-ndjson``) instead of a JSON object."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.settings import api_settings

LINES = "application/x-ndjson"


def wants_lines(request: Request) -> bool:
    """Return whether the Accept header names lines, with at least the weight of JSON (RFC 9110, 12.5.1)."""
    weights = dict.fromkeys((LINES, "application/json"), 0.0)
    for accepted in request.accepted_types:
        name = f"{accepted.main_type}/{accepted.sub_type}".lower()
        if name in weights:
            weights[name] = max(weights[name], accepted.quality)
    return 0 < weights[LINES] >= weights["application/json"]


class LineNegotiation(BaseContentNegotiation):
    """The project's negotiation, which a client passes that accepts lines alone.

    It gets the project's first renderer: that of errors. The view itself writes the lines.
    """

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return self._project().select_parser(request, parsers)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        if wants_lines(request):
            return renderers[0], renderers[0].media_type
        return self._project().select_renderer(request, renderers, format_suffix)

    @staticmethod
    def _project() -> BaseContentNegotiation:
        configured: Any = api_settings.DEFAULT_CONTENT_NEGOTIATION_CLASS
        negotiation: BaseContentNegotiation = configured()
        return negotiation
