"""What the schema says about problems."""

import pytest

from cedrina.http.problem_catalogue import PROBLEMS
from cedrina.openapi.schema import describe_problems, problem_responses


class TestProblemResponses:
    def test_gathers_codes_by_status_with_an_example_each(self):
        found = problem_responses(["invalid_token", "token_expired", "not_found"], instance="/x")
        assert list(found) == ["401", "404"]
        content = found["401"]["content"]["application/problem+json"]
        assert set(content["examples"]) == {"invalid_token", "token_expired"}
        assert content["schema"]["allOf"][1]["properties"]["code"] == {"enum": ["invalid_token", "token_expired"]}
        assert "WWW-Authenticate" in found["401"]["headers"]

    def test_knows_the_codes_of_fields(self):
        found = problem_responses(["validation_error"], instance="/x", field_codes=["blank"])
        example = found["422"]["content"]["application/problem+json"]["examples"]["validation_error"]["value"]
        assert example["errors"][0]["code"] == "blank"

    def test_refuses_a_code_that_the_contract_does_not_have(self):
        with pytest.raises(KeyError):
            problem_responses(["oops"], instance="/x")


class TestDescribeProblems:
    def test_adds_the_shape_and_the_health_calls(self):
        result = describe_problems({"paths": {}})
        assert set(result["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(PROBLEMS)
        assert set(result["paths"]) == {"/livez", "/readyz"}
