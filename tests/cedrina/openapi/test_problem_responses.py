"""The shared responses of errors."""

import pytest

from cedrina.http.problem_catalogue import PROBLEMS
from cedrina.openapi.headers import component_name
from cedrina.openapi.problem_responses import (
    WITH_TOKEN,
    codes_by_response,
    codes_by_status,
    problem_response,
    problem_schemas,
    response_name,
    share_problem_examples,
)


class TestCodesByStatus:
    def test_gathers_each_code_once(self):
        found = codes_by_status(["token_expired", "not_found", "invalid_token", "not_found"])
        assert found == {401: ["invalid_token", "token_expired"], 404: ["not_found"]}

    def test_refuses_a_code_that_the_contract_does_not_have(self):
        with pytest.raises(KeyError):
            codes_by_status(["oops"])


class TestCodesByResponse:
    def test_gathers_what_any_call_and_any_body_may_get_in_ranges(self):
        codes = ["request_timeout", "service_unavailable", "internal_error", "malformed_request", "rate_limited"]
        assert codes_by_response(codes) == {
            "4XX": ["malformed_request", "request_timeout"],
            "5XX": ["internal_error", "service_unavailable"],
            "429": ["rate_limited"],
        }

    def test_leaves_a_status_apart_that_has_other_codes_or_stands_alone(self):
        assert codes_by_response(["malformed_request", "invalid_or_expired_token", "not_acceptable"]) == {
            "400": ["invalid_or_expired_token", "malformed_request"],
            "406": ["not_acceptable"],
        }

    def test_leaves_a_status_apart_that_the_view_describes_itself(self):
        codes = ["malformed_request", "not_acceptable", "payload_too_large"]
        assert codes_by_response(codes, own={"400"}) == {
            "400": ["malformed_request"],
            "4XX": ["not_acceptable", "payload_too_large"],
        }


class TestResponseName:
    def test_says_the_codes(self):
        assert response_name(["invalid_mfa_code", "invalid_credentials"]) == "InvalidCredentialsOrInvalidMfaCode"

    def test_is_short_for_the_codes_of_every_call_with_a_token(self):
        assert response_name(WITH_TOKEN) == "AccessTokenRefused"
        assert response_name([*WITH_TOKEN, "invalid_credentials"]) == "AccessTokenRefusedOrInvalidCredentials"


class TestProblemResponse:
    def test_names_each_code_and_shows_the_first(self):
        found = problem_response(["invalid_token", "token_expired"])
        assert list(found["content"]["application/problem+json"]["examples"]) == ["invalid_token"]
        assert found["description"] == "`invalid_token`: Invalid token. `token_expired`: Token expired."

    @pytest.mark.parametrize(
        ("code", "header"),
        [
            ("invalid_token", "WWW-Authenticate"),
            ("rate_limited", "Retry-After"),
            ("service_unavailable", "Retry-After"),
            ("rate_limited", "RateLimit"),
            ("rate_limited", "X-Correlation-ID"),
        ],
    )
    def test_has_the_headers_of_its_status(self, code, header):
        reference = {"$ref": f"#/components/headers/{component_name(header)}"}
        assert problem_response([code])["headers"][header] == reference
        assert "headers" not in problem_response(["not_found"])

    def test_names_each_status_of_a_range_and_shows_an_error_of_each(self):
        found = problem_response(["internal_error", "service_unavailable"])
        assert found["description"] == (
            "500 `internal_error`: Internal error. 503 `service_unavailable`: Service unavailable."
        )
        examples = found["content"]["application/problem+json"]["examples"]
        assert {code: example["value"]["status"] for code, example in examples.items()} == {
            "internal_error": 500,
            "service_unavailable": 503,
        }
        retry_after = found["headers"]["Retry-After"]
        assert retry_after["description"].startswith("With 503: ")
        assert not retry_after["required"]

    def test_lists_the_codes_of_fields(self):
        found = problem_response(["validation_error"], field_codes=["required", "blank"])
        assert found["description"].endswith("Codes in `errors`: `blank`, `required`.")


class TestShareProblemExamples:
    def test_shares_those_that_several_responses_have(self):
        def examples(response):
            return response["content"]["application/problem+json"]["examples"]

        first, second = (problem_response(codes) for codes in (["not_found"], ["not_found"]))
        other = problem_response(["already_exists"])
        found = share_problem_examples([first, second, other, {"description": "No response body"}])
        assert list(found) == ["not_found"]
        assert found["not_found"]["value"]["status"] == 404
        assert examples(first) == examples(second) == {"not_found": {"$ref": "#/components/examples/not_found"}}
        assert examples(other)["already_exists"]["value"]["status"] == 409


class TestProblemSchemas:
    def test_have_all_codes_of_the_contract(self):
        assert set(problem_schemas()["Problem"]["properties"]["code"]["enum"]) == set(PROBLEMS)
