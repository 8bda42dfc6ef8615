import orjson
import pytest
from django.http import HttpResponse
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from cedrina.http.json import OrjsonRenderer
from cedrina_base.frequent_views import FrequentView, answer

BODY = {"name": "mina", "numbers": [1, 2]}


class XmlRenderer(BaseRenderer):
    media_type = "application/xml"
    format = "xml"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        assert renderer_context["response"].status_code == 200
        return f"<name>{data['name']}</name>".encode()


class CharsetRenderer(JSONRenderer):
    charset = "utf-8"


class Slow(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        return Response(BODY, headers={"ETag": '"1"'})

    def post(self, request):
        return Response(BODY)


class Frequent(FrequentView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        return answer(self, request, BODY, {"ETag": '"1"'})

    def post(self, request):
        return answer(self, request, BODY)


class Narrow(Frequent):
    http_method_names = ["get"]


def call(view, renderer, method="get"):
    request = getattr(APIRequestFactory(), method)("/")
    response = type("View", (view,), {"renderer_classes": [renderer]}).as_view()(request)
    return response.render() if hasattr(response, "render") else response


class TestAnswer:
    @pytest.mark.parametrize("renderer", [OrjsonRenderer, JSONRenderer, CharsetRenderer, XmlRenderer])
    def test_is_what_the_framework_would_answer(self, renderer):
        found, expected = call(Frequent, renderer), call(Slow, renderer)
        assert found.content == expected.content
        assert found.status_code == expected.status_code
        assert list(found.items()) == list(expected.items())

    def test_is_a_plain_response_where_the_renderer_writes_json(self):
        response = call(Frequent, OrjsonRenderer)
        assert type(response) is HttpResponse
        assert orjson.loads(response.content) == BODY


class TestFrequentView:
    def test_names_the_methods_of_its_own_class(self):
        assert call(Narrow, OrjsonRenderer)["Allow"] == "GET"
        assert call(Frequent, OrjsonRenderer)["Allow"] == "GET, POST, HEAD, OPTIONS"
        assert call(Narrow, OrjsonRenderer, "post").status_code == 405

    def test_names_each_header_at_each_call(self):
        class Two(Frequent):
            renderer_classes = [OrjsonRenderer, XmlRenderer]

        for _time in range(2):
            response = Two.as_view()(APIRequestFactory().get("/"))
            assert response["Vary"] == "Accept"
