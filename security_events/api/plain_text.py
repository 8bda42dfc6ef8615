"""Answers in plain text beside those in JSON: signed notes and proofs are text files of their own."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

_LONGEST_HEADER = 1024  # characters that are read


class PlainTextRenderer(BaseRenderer):
    """Renders text as it is. Errors are JSON: they have a media type of their own."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return (data if isinstance(data, str) else json.dumps(data, default=str, ensure_ascii=False)).encode()


class PlainTextMixin(APIView):
    """Answers in plain text to requests that name ``text/plain``, and prefer it to JSON if they name both."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        if prefers_plain_text(request.META.get("HTTP_ACCEPT", "")):
            return PlainTextRenderer(), PlainTextRenderer.media_type
        return super().perform_content_negotiation(request, force)

    @staticmethod
    def wants_text(request: Request) -> bool:
        """Return whether the answer is to be plain text."""
        return isinstance(request.accepted_renderer, PlainTextRenderer)


def prefers_plain_text(header: str) -> bool:
    """Return whether an Accept header names ``text/plain``, with a weight above that of JSON (RFC 9110, 12.5.1)."""
    weights = {"text/plain": 0.0, "application/json": 0.0}
    for item in header[:_LONGEST_HEADER].lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        if media_type in weights:
            weights[media_type] = max(weights[media_type], _weight(parameters))
    return weights["text/plain"] > weights["application/json"]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            text = value.strip()
            is_number = len(text) <= 5 and text.isascii() and text.replace(".", "", 1).isdigit()
            return min(1.0, float(text)) if is_number else 0.0
    return 1.0
