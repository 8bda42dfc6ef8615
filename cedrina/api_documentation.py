"""The schema and its page: open in development, for administrators alone elsewhere."""

import threading
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import may_do
from cedrina.json import FastJSONRenderer
from tokens.api.authentication import AccessTokenAuthentication
from tokens.api.content_language import set_content_language


class MayReadDocumentation(may_do("docs:read")):  # type: ignore[misc]  # a class made by a function
    def has_permission(self, request: Request, view: Any) -> bool:
        return settings.ENVIRONMENT == "development" or bool(super().has_permission(request, view))


class PlainJSON(FastJSONRenderer):
    """The same document for callers who ask for plain JSON."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return bytes(OpenApiJsonRenderer().render(data, accepted_media_type, renderer_context))


_described: dict[str, dict[str, Any]] = {}
_one_at_a_time = threading.Lock()


class OnceGenerator(SchemaGenerator):
    """Describe the calls once in each language.

    They don't change while the process runs, describing them takes a core for most of a second, and the library's
    look for extensions does not bear two threads at once.
    """

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        language = get_language()
        key = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with _one_at_a_time:
            if key not in _described:
                described = super().get_schema(request=request, public=public)  # type: ignore[no-untyped-call]
                _described[key] = described
        return _described[key]


class SchemaView(SpectacularAPIView):
    """This document: every call, every answer and every error code."""

    generator_class = OnceGenerator
    # Administrators come with the admin's session from the page, programs with an access token.
    authentication_classes = [AccessTokenAuthentication, SessionAuthentication]
    permission_classes = [MayReadDocumentation]
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [PlainJSON, OpenApiJsonRenderer, OpenApiJsonRenderer2]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        return set_content_language(super().finalize_response(request, response, *args, **kwargs))


class DocumentationView(SpectacularSwaggerSplitView):
    authentication_classes = [AccessTokenAuthentication, SessionAuthentication]
    permission_classes = [MayReadDocumentation]
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [TemplateHTMLRenderer, FastJSONRenderer]
    template_name = "api_documentation.html"
