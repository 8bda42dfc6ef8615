"""Errors in one shape."""

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from django.utils import translation
from rest_framework import exceptions

from cedrina.http import problems
from cedrina.http.problem_catalogue import CODE_OF_STATUS, PROBLEMS

PATH = "/api/v1/auth/login"


def handled(exc):
    request = RequestFactory().get(PATH)
    request.correlation_id = "0197-test"
    return problems.problem_handler(exc, {"request": request})


class TestProblemHandler:
    @pytest.mark.parametrize(
        ("exc", "status", "code"),
        [
            (Http404(), 404, "not_found"),
            (PermissionDenied(), 403, "permission_denied"),
            (exceptions.NotAuthenticated(), 401, "authentication_required"),
            (exceptions.AuthenticationFailed(), 401, "invalid_token"),
            (exceptions.ParseError(), 400, "malformed_request"),
            (exceptions.MethodNotAllowed("GET"), 405, "method_not_allowed"),
            (exceptions.NotAcceptable(), 406, "not_acceptable"),
            (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported_media_type"),
            (exceptions.Throttled(7), 429, "rate_limited"),
            (exceptions.PermissionDenied(), 403, "permission_denied"),
            (exceptions.APIException("words", code="session_limit_reached"), 500, "session_limit_reached"),
            (exceptions.APIException({"odd": "shape"}), 500, "internal_error"),
            (OperationalError(), 503, "service_unavailable"),
            (InterfaceError(), 503, "service_unavailable"),
            (psycopg.OperationalError(), 503, "service_unavailable"),
        ],
    )
    def test_gives_status_and_code(self, exc, status, code):
        answer = handled(exc)
        assert (answer.status_code, answer.data["code"], answer.data["status"]) == (status, code, status)
        assert answer.content_type == "application/problem+json"
        assert answer.data["instance"] == PATH
        assert answer.data["correlation_id"] == "0197-test"

    def test_calls_a_database_that_takes_no_writes_unavailable(self):
        error = InternalError()
        error.__cause__ = psycopg.errors.ReadOnlySqlTransaction()
        assert handled(error).status_code == 503

    def test_leaves_a_bug_to_the_bug_handler(self):
        assert handled(ZeroDivisionError()) is None
        assert handled(InternalError()) is None

    def test_challenges_on_401(self):
        """RFC 6750, 3."""
        plain = exceptions.NotAuthenticated()
        assert handled(plain)["WWW-Authenticate"].startswith("Bearer")
        plain.auth_header = 'Bearer error="invalid_token"'
        assert handled(plain)["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_says_when_to_come_back(self):
        assert handled(exceptions.Throttled(6.2))["Retry-After"] == "7"
        assert int(handled(OperationalError())["Retry-After"]) >= 1

    def test_lists_fields_flat(self):
        detail = {"a": [exceptions.ErrorDetail("x", code="blank")], "b": {"c": ["y"]}, "d": [{}, {"e": ["z"]}]}
        answer = handled(exceptions.ValidationError(detail))
        assert answer.status_code == 422
        assert [(error["field"], error["code"]) for error in answer.data["errors"]] == [
            ("a", "blank"),
            ("b.c", "invalid"),
            ("d.1.e", "invalid"),
        ]
        assert answer.data["detail"] == "3 fields are not valid."

    def test_keeps_foreign_field_codes_out(self):
        odd = exceptions.ValidationError({"a": [exceptions.ErrorDetail("x", code="null")]})
        assert handled(odd).data["errors"][0]["code"] == "invalid"

    def test_names_a_hundred_faults_and_counts_them_all(self):
        exc = exceptions.ValidationError({f"member{number}": ["wrong"] for number in range(5000)})
        problem = handled(exc).data

        assert len(problem["errors"]) == 100
        assert problem["errors"][0]["field"] == "member0"
        assert problem["detail"] == "5000 fields are not valid."


class TestBuild:
    def test_speaks_the_current_language_but_never_translates_the_code(self):
        with translation.override("es"):
            problem = problems.build(code="not_found", instance="/x", correlation_id="12345678")
        assert problem["code"] == "not_found"
        assert problem["type"].endswith("/not_found")


class TestCatalogue:
    def test_has_every_general_code(self):
        assert set(CODE_OF_STATUS.values()) <= set(PROBLEMS)
        for status, code in CODE_OF_STATUS.items():
            assert PROBLEMS[code].status == status
