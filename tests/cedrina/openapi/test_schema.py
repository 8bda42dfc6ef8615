"""What is added to the operation of a view."""

from typing import ClassVar

import pytest
from django.test import override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from cedrina.openapi.headers import RATE_LIMITS
from ratelimiting.api.headers import IETF_NAMES
from tests.described import codes_of, field_codes_of, responses


class OAuthErrorOutput(serializers.Serializer):
    """The error of RFC 6749, 5.2."""

    error = serializers.CharField()


class GrantInput(serializers.Serializer):
    """A form."""

    grant_type = serializers.CharField()


class PublicView(APIView):
    """Do a thing: this way. And more."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = [AllowAny]
    problem_codes: ClassVar = {"post": ["already_exists"]}
    field_codes: ClassVar = {"post": ["blank"]}

    @extend_schema(operation_id="public", request=GrantInput, responses={200: GrantInput})
    def post(self, request): ...


class FormView(APIView):
    """Take a form, and answer in the form of RFC 6749."""

    parser_classes: ClassVar = [FormParser]

    @extend_schema(
        operation_id="form",
        summary="Take a form",
        request=GrantInput,
        responses={200: GrantInput, 400: OAuthErrorOutput},
    )
    def post(self, request, name): ...


ROUTES = [path("public", PublicView.as_view()), path("forms/<str:name>", FormView.as_view())]


@pytest.fixture(scope="module")
def generated():
    return SchemaGenerator(patterns=ROUTES).get_schema(request=None, public=True)


@pytest.fixture
def public(generated):
    return generated["paths"]["/public"]["post"]


@pytest.fixture
def form(generated):
    return generated["paths"]["/forms/{name}"]["post"]


class TestAnOperation:
    def test_has_the_codes_of_the_view_and_those_of_any_call(self, public, generated):
        codes = codes_of(public, generated)
        assert codes[409] == {"already_exists"}
        assert codes[429] == {"rate_limited"}
        assert codes[400] == {"malformed_request"}
        assert 401 not in codes
        assert 404 not in codes

    def test_has_those_of_a_token_and_of_a_path_where_there_is_one(self, form, generated):
        codes = codes_of(form, generated)
        assert "token_expired" in codes[401]
        assert codes[404] == {"not_found"}

    def test_lists_the_codes_of_its_fields(self, public, generated):
        assert field_codes_of(public, generated) == {"blank"}

    def test_says_by_an_empty_list_that_it_is_public(self, public, form, generated):
        assert public["security"] == []
        assert "security" not in form
        assert generated["security"] == [{"accessToken": []}]

    def test_has_the_first_sentence_as_its_summary_unless_the_view_declares_one(self, public, form):
        assert public["summary"] == "Do a thing"
        assert form["summary"] == "Take a form"

    def test_keeps_the_error_that_the_view_declares_beside_the_problem(self, form, generated):
        content = form["responses"]["400"]["content"]
        assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/OAuthErrorOutput"}
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert codes_of(form, generated)[400] == {"malformed_request"}

    def test_keeps_a_form(self, form):
        assert set(form["requestBody"]["content"]) == {"application/x-www-form-urlencoded"}

    def test_has_limits_only_where_the_middleware_runs(self, settings, public, generated):
        with override_settings(MIDDLEWARE=[name for name in settings.MIDDLEWARE if name != RATE_LIMITS]):
            bare = SchemaGenerator(patterns=ROUTES).get_schema(request=None, public=True)
        assert set(responses(public, generated)["200"]["headers"]) == set(IETF_NAMES)
        for method in (bare["paths"]["/public"]["post"], bare["paths"]["/livez"]["get"]):
            assert "429" not in method["responses"]
            assert all("RateLimit" not in each.get("headers", {}) for each in responses(method, bare).values())
