"""The OpenAPI document and its page. In development anybody may read them, elsewhere people with `docs:read`."""

import threading
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.http import Http404
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import action_permission
from cedrina.http import error_pages
from cedrina.http.json import OrjsonRenderer
from cedrina.openapi.guide import guide
from cedrina_base.content_language import set_content_language
from tokens.api.authentication import AccessTokenAuthentication

if TYPE_CHECKING:
    from django.http import HttpRequest


class MayReadDocumentation(action_permission("docs:read")):  # type: ignore[misc]  # a class made by a function
    """Allows anybody in development, otherwise people with the permission `docs:read`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return settings.ENVIRONMENT == "development" or bool(super().has_permission(request, view))


_documents: dict[str, dict[str, Any]] = {}
_lock = threading.Lock()


class CachedSchemaGenerator(SchemaGenerator):
    """Generates the document once in each language.

    It does not change while the process runs, generating it takes almost a second of CPU, and drf-spectacular's search
    for extensions is not thread-safe.
    """

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        language = get_language()
        key = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with _lock:
            if key not in _documents:
                document = super().get_schema(request=request, public=public)  # type: ignore[no-untyped-call]
                _documents[key] = document
        return _documents[key]


class SchemaView(SpectacularAPIView):
    """This document: every call, every answer and every error code."""

    generator_class = CachedSchemaGenerator
    # The page is read with a session of the admin, programs use an access token.
    authentication_classes = [AccessTokenAuthentication, SessionAuthentication]
    permission_classes = [MayReadDocumentation]
    content_negotiation_class = DefaultContentNegotiation
    # Without white space, which is more than half of what drf-spectacular's renderer writes.
    renderer_classes = [OrjsonRenderer, OpenApiJsonRenderer]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        return set_content_language(super().finalize_response(request, response, *args, **kwargs))


class PageErrors(APIView):
    """Answers errors of a view that renders a template as any page does.

    The renderer of templates would write neither a page nor a problem.
    """

    def handle_exception(self, exc: Exception) -> Any:
        problem = super().handle_exception(exc)
        # Django REST framework's request has the attributes of Django's.
        answer = error_pages.response(cast("HttpRequest", self.request), problem.data["code"])
        for name in ("WWW-Authenticate", "Retry-After"):
            if name in problem.headers:
                answer.headers[name] = problem.headers[name]
        return answer


class DocumentationView(PageErrors, SpectacularSwaggerSplitView):
    """The document as a page, by Swagger UI."""

    authentication_classes = [AccessTokenAuthentication, SessionAuthentication]
    permission_classes = [MayReadDocumentation]
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [TemplateHTMLRenderer, OrjsonRenderer]
    template_name = "api_documentation.html"


class GuideView(PageErrors):
    """The guide for authors of clients, as a page."""

    schema = None
    authentication_classes = [AccessTokenAuthentication, SessionAuthentication]
    permission_classes = [MayReadDocumentation]
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [TemplateHTMLRenderer, OrjsonRenderer]

    def get(self, request: Request) -> Response:
        body = guide()
        if body is None:
            raise Http404
        context = {"title": "Writing a client", "body": body}
        return Response(context, template_name="api_guide.html", headers={"Content-Language": "en"})
