"""Answer Prometheus in its text format, whatever a client accepts; errors are problems as everywhere."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class PrometheusTextRenderer(BaseRenderer):
    """Renders text that is made already, and problems as JSON."""

    media_type = "text/plain"
    format = "txt"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return data if isinstance(data, bytes) else orjson.dumps(data)


class OnlyRenderer(BaseContentNegotiation):
    """Chooses the first renderer of the view. Prometheus asks for several formats, the newest of which is not ours."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers))

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        chosen = next(iter(renderers))
        return chosen, chosen.media_type
