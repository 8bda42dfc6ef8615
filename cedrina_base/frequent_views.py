"""What views of Django REST framework save at calls that come often. Their responses are the same."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

JSON = "application/json"
Answer = HttpResponse  # what handlers that use ``answer`` return


class FrequentView(APIView):
    """A view whose headers are made once, and whose handlers may answer by ``answer``."""

    _headers_of_class: ClassVar[dict[type, dict[str, str]]] = {}

    @property
    def default_response_headers(self) -> dict[str, str]:
        """The headers of each response. The framework asks the class for eight methods each time to write ``Allow``."""
        found = self._headers_of_class.get(type(self))
        if found is None:
            found = self._headers_of_class[type(self)] = dict(super().default_response_headers)
        return dict(found)  # the framework takes ``Vary`` out of it


def answer(view: APIView, request: Request, data: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return the response of a handler, rendered by the renderer that was negotiated.

    The framework's ``Response`` is a page of a template that is rendered later, for a renderer that shows the request,
    too. Django's own response takes half the CPU; it is used where the renderer writes plain JSON.
    """
    renderer = request.accepted_renderer
    if renderer.media_type != JSON:
        return Response(data, headers=dict(headers or {}))
    charset = renderer.charset
    content = renderer.render(data, request.accepted_media_type, view.get_renderer_context())
    response = HttpResponse(content, content_type=f"{JSON}; charset={charset}" if charset else JSON)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
