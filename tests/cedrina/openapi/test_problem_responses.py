"""The shared responses of errors."""

import pytest
from django.utils import translation

from cedrina.http.problem_catalogue import PROBLEMS
from cedrina.openapi.headers import RATE_LIMITS, component_name
from cedrina.openapi.problem_responses import (
    WITH_TOKEN,
    codes_by_response,
    codes_by_status,
    limit_codes,
    problem_response,
    problem_schemas,
    response_name,
)
from ratelimiting.api.headers import IETF_NAMES


def reference_to(header):
    return {"$ref": f"#/components/headers/{component_name(header)}"}


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
    def test_names_each_code_and_its_title_if_that_says_more(self):
        found = problem_response(["session_revoked", "token_expired"])
        assert found["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert found["description"] == "`session_revoked`: Session ended. `token_expired`."

    def test_names_each_title_in_other_languages(self):
        with translation.override("es"):
            found = problem_response(["session_revoked", "token_expired"])
            titles = [str(PROBLEMS[code].title) for code in ("session_revoked", "token_expired")]
        assert found["description"] == f"`session_revoked`: {titles[0]}. `token_expired`: {titles[1]}."

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
        assert problem_response([code])["headers"][header] == reference_to(header)
        assert header == "RateLimit" or header not in problem_response(["not_found"])["headers"]

    @pytest.mark.parametrize("code", PROBLEMS)
    def test_has_the_headers_of_the_limiter_unless_servers_refuse_before_it_counts(self, code):
        of_limiter = {} if code == "request_timeout" else {name: reference_to(name) for name in IETF_NAMES}
        headers = problem_response([code]).get("headers", {})
        assert {name: headers[name] for name in IETF_NAMES if name in headers} == of_limiter

    def test_of_a_range_says_which_status_has_no_headers_of_the_limiter(self):
        headers = problem_response(["malformed_request", "request_timeout"])["headers"]
        assert headers == {name: {**reference_to(name), "description": "Not with 408."} for name in IETF_NAMES}

    @pytest.mark.parametrize("code", ["not_found", "request_timeout", "rate_limited"])
    def test_has_none_of_the_limiter_where_that_is_not_installed(self, code, settings):
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != RATE_LIMITS]
        assert limit_codes() == ()
        assert code == "rate_limited" or "headers" not in problem_response([code])

    def test_names_each_status_of_a_range(self):
        found = problem_response(["internal_error", "service_unavailable"])
        assert found["description"] == "500 `internal_error`. 503 `service_unavailable`."
        retry_after = found["headers"]["Retry-After"]
        assert retry_after["description"].startswith("With 503: ")
        assert not retry_after["required"]

    def test_lists_the_codes_of_fields(self):
        found = problem_response(["validation_error"], field_codes=["required", "blank"])
        assert found["description"].endswith("Codes in `errors`: `blank`, `required`.")


class TestShownErrors:
    def shown(self, codes, **options):
        content = problem_response(codes, **options)["content"]["application/problem+json"]
        return [example["value"] for example in content.get("examples", {}).values()]

    def test_are_one_with_and_one_without_fields(self):
        (plain,), (of_fields,) = self.shown(["invalid_credentials"]), self.shown(["validation_error"])
        assert (plain["status"], plain["code"]) == (401, "invalid_credentials")
        assert (of_fields["status"], of_fields["errors"][0]["code"]) == (422, "unknown_field")
        assert "errors" not in plain

    def test_stand_nowhere_else(self):
        assert not self.shown(["invalid_token"])
        assert not self.shown(["invalid_credentials", "invalid_token"])
        assert not self.shown(["validation_error"], field_codes=["required"])


class TestProblemSchemas:
    def test_have_all_codes_of_the_contract(self):
        assert set(problem_schemas()["Problem"]["properties"]["code"]["enum"]) == set(PROBLEMS)

    def test_say_what_each_code_means(self):
        said = problem_schemas()["Problem"]["properties"]["code"]["description"].splitlines()
        assert said == [f"* `{code}`: {PROBLEMS[code].detail}" for code in sorted(PROBLEMS)]

    def test_show_no_error_for_all_statuses(self):
        assert "examples" not in problem_schemas()["Problem"]
