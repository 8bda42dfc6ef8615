"""The document as a whole: its order, its components, and that it says what the views declare."""

import re

from django.urls import resolve

from cedrina.http.problem_catalogue import PROBLEMS
from cedrina.openapi.document import complete_document
from cedrina.openapi.headers import ON_EVERY_RESPONSE
from cedrina.openapi.problem_responses import IN_RANGES, problem_response
from cedrina.openapi.reading_order import TAGS, place_of
from cedrina.settings.rate_limits import profile
from cedrina.version import VERSION
from ratelimiting.api.headers import IETF_NAMES, NAMES
from ratelimiting.services import active_policies
from tests.described import calls, codes_of, document, field_codes_of, responses
from tests.for_each import for_each


def operations():
    return [(path, verb, operation) for path, item in document()["paths"].items() for verb, operation in item.items()]


class TestCompleteDocument:
    def test_adds_the_health_calls_and_the_shape_of_errors(self):
        result = complete_document({"paths": {}})
        assert set(result["paths"]) == {"/livez", "/readyz"}
        assert {"Problem", "FieldError"} <= set(result["components"]["schemas"])

    def test_keeps_a_tag_that_is_in_no_list_last(self):
        operation = {"operationId": "new", "tags": ["of tomorrow"], "responses": {}}
        result = complete_document({"paths": {"/new": {"get": operation}}})
        assert [tag["name"] for tag in result["tags"]] == ["system", "of tomorrow"]
        assert list(result["paths"]) == ["/livez", "/readyz", "/new"]


class TestTheDocument:
    def test_begins_with_how_to_sign_in(self):
        names = [operation["operationId"] for _path, _verb, operation in operations()]
        assert names[:4] == ["register", "confirm_email", "resend_confirmation", "login"]
        assert document()["tags"][0]["name"] == "sign-in"

    def test_has_its_operations_in_the_order_of_its_tags(self):
        places = [
            min(place_of(o["tags"], o["operationId"]) for o in item.values()) for item in document()["paths"].values()
        ]
        assert places == sorted(places)

    def test_describes_each_tag_once(self):
        used = {tag for _path, _verb, operation in operations() for tag in operation["tags"]}
        assert {tag["name"] for tag in document()["tags"]} == used
        assert all(tag["description"] for tag in document()["tags"])

    def test_orders_only_operations_that_there_are(self):
        listed = [name for tag in TAGS for name in tag.operations]
        assert len(listed) == len(set(listed))
        assert set(listed) <= {operation["operationId"] for _path, _verb, operation in operations()}

    def test_names_the_headers_of_every_response_that_each_of_them_does_not_describe(self):
        said = document()["info"]["description"]
        assert {name for name in ON_EVERY_RESPONSE if f"`{name}`" in said} == {*ON_EVERY_RESPONSE} - {*IETF_NAMES}

    def test_says_which_version_and_licence_it_has_and_where_its_server_is(self):
        assert document()["info"]["version"] == VERSION
        assert document()["info"]["license"]["identifier"] == "MIT"
        assert document()["servers"][0]["url"] == "/"


each_call = for_each("call", calls(), ids=lambda call: call.name)


class TestACall:
    @each_call
    def test_has_what_its_view_declares(self, call):
        operation, verb = document()["paths"][call.template][call.method.lower()], call.method.lower()
        view = getattr(resolve(call.path).func, "cls", None)
        flat = set().union(*codes_of(operation).values())
        assert set(getattr(view, "problem_codes", {}).get(verb, ())) <= flat
        for permission in getattr(view, "permission_classes", ()):
            assert set(getattr(permission, "problem_codes", ())) <= flat
        if fields := getattr(view, "field_codes", {}).get(verb):
            assert field_codes_of(operation) == set(fields)

    @each_call
    def test_says_of_each_error_in_a_range_what_it_would_say_of_it_alone(self, call):
        found = responses(document()["paths"][call.template][call.method.lower()])
        common = [code for codes in IN_RANGES.values() for code in codes]
        for status, response in found.items():
            codes = set(re.findall(r"`(\w+)`: ", response["description"]))
            if codes and codes <= set(common):
                (alone,) = (problem_response([code]) for code in codes)
                assert PROBLEMS[codes.pop()].status == int(status)
                assert response["description"] == alone["description"]
                assert set(response.get("headers", {})) == set(alone.get("headers", {}))
                assert response["content"] == alone["content"]

    @each_call
    def test_names_the_headers_of_the_limiter_in_each_response_to_what_it_counts(self, call):
        found = responses(document()["paths"][call.template][call.method.lower()])
        assert "200" in found or "201" in found or "202" in found or "204" in found
        for status, response in found.items():
            named = {name for name in IETF_NAMES if name in response.get("headers", {})}
            assert named == (set() if status == "408" else {*IETF_NAMES}), status

    @each_call
    def test_says_that_shipped_limits_may_refuse_it(self, call, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": profile("production")}
        route = resolve(call.path).view_name
        assert active_policies.current().for_request(route=route, method=call.method, tier=None)
        operation = document()["paths"][call.template][call.method.lower()]
        assert {*NAMES, "X-Correlation-ID", "Retry-After"} == set(responses(operation)["429"]["headers"])
        assert "rate_limited" in codes_of(operation)[429]
