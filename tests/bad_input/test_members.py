"""Naughty strings and wrong types in every member of every call."""

import json

import pytest

from tests.bad_input.naughty import STRINGS
from tests.described import with_body
from tests.for_each import for_each
from tests.problem_shape import Answer, assert_acceptable, assert_problem

SHORTEST_SECRET = 4
MEMBERS = [(call, name) for call in with_body() for name in call.members]
TEXTS = [(call, name) for call in with_body() for name in call.strings()]
KINDS = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "array": list,
    "object": dict,
    "null": type(None),
}
WRONG = [0, 1, -1, 1.5, 10**30, True, False, None, [], ["a"], {}, {"a": "b"}, [[[]]], "a string", ""]


def name_of(value):
    return getattr(value, "name", value)


def member_of(case):
    call, name = case
    return f"{call.name} {name}"


def is_authzen(call):
    """Whether AuthZEN's manners count: what is ill formed is 400, and unknown members are ignored (5.5, 10.1.2)."""
    return call.path.startswith("/access/")


def secrets_in(name, text):
    is_secret = "password" in name or "token" in name
    # Short ones, and ones that our own sentences contain, prove nothing.
    is_telling = len(text) >= SHORTEST_SECRET and text.lower() not in {"true", "null", "none", "false"}
    return [text] if is_secret and is_telling else []


class TestAStringMember:
    @pytest.mark.parametrize(("call", "name"), TEXTS, ids=name_of)
    def test_takes_or_refuses_every_string(self, send, call, name):
        for text in STRINGS.values():
            body = json.dumps({**call.example, name: text}, ensure_ascii=False).encode()

            answer = send(call.method, call.path, body, signed_in=not call.is_public, **call.headers)

            assert_acceptable(answer, secrets=secrets_in(name, text))

    @for_each("member", TEXTS, ids=member_of)
    def test_refuses_a_nul_and_halves_of_pairs_before_looking_at_it(self, send, member):
        call, name = member
        for escape in (r"\u0000", r"a\u0000b", r"\ud800", r"\udc00\ud800", r"\ud83d"):
            raw = json.dumps({**call.example, name: "@@@"}).replace("@@@", escape).encode()

            answer = send(call.method, call.path, raw, signed_in=not call.is_public, **call.headers)

            assert_problem(answer, status=400, code="malformed_request")

    def test_is_found_for_every_call_that_takes_a_password(self):
        assert len(TEXTS) >= 15
        assert {name for _call, name in TEXTS} >= {"username", "email", "password", "new_password", "refresh_token"}


class TestAnyMember:
    @pytest.mark.parametrize("call", with_body(), ids=name_of)
    def test_refuses_what_is_not_of_its_type(self, send, call):
        for name, member in call.members.items():
            self.refuses_what_is_not_of_its_type(send, call, name, member)

    @staticmethod
    def refuses_what_is_not_of_its_type(send, call, name, member):
        # An object that may be null is one of two.
        either = [each.get("type", "object") for each in member.get("oneOf", ())]
        kinds = member.get("type") or either or "string"
        kind = tuple(KINDS[each] for each in ([kinds] if isinstance(kinds, str) else kinds))
        for value in WRONG:
            if isinstance(value, kind) and not (isinstance(value, bool) and bool not in kind):
                continue
            body = json.dumps({**call.example, name: value}).encode()

            answer = send(call.method, call.path, body, signed_in=not call.is_public, **call.headers)

            if is_authzen(call):
                assert_problem(answer, status=400, code="malformed_request")
                continue
            problem = assert_problem(answer, status=422, code="validation_error")
            assert name in {error["field"] for error in problem["errors"]}, (name, value)

    @pytest.mark.parametrize(("call", "name"), MEMBERS, ids=name_of)
    def test_is_missed_where_it_is_required(self, send, call, name):
        body = json.dumps({key: value for key, value in call.example.items() if key != name}).encode()

        answer = Answer.of(send(call.method, call.path, body, signed_in=not call.is_public, **call.headers))

        if name in call.required and is_authzen(call):
            assert_problem(answer, status=400, code="malformed_request")
        elif name in call.required:
            problem = assert_problem(answer, status=422)
            assert [error["code"] for error in problem["errors"] if error["field"] == name] == ["required"]
        else:
            assert_acceptable(answer)


class TestABody:
    @for_each("call", with_body(), ids=name_of)
    def test_is_refused_with_unknown_members(self, send, call):
        for name in ("is_superuser", "", "__proto__", "a" * 5000, "🙂", "id", "password\u200b"):
            body = json.dumps({**call.example, name: True}).encode()

            answer = send(call.method, call.path, body, signed_in=not call.is_public, **call.headers)

            if is_authzen(call):
                assert answer.status_code == 200, name
                continue
            problem = assert_problem(answer, status=422, code="validation_error")
            assert "unknown_field" in {error["code"] for error in problem["errors"]}, name

    @for_each("call", with_body(), ids=name_of)
    def test_is_refused_with_thousands_of_members(self, send, call):
        body = json.dumps({f"m{number}": number for number in range(4000)}).encode()

        status = 400 if is_authzen(call) else 422
        assert_problem(send(call.method, call.path, body, signed_in=not call.is_public, **call.headers), status=status)


class TestNames:
    def test_are_stored_exactly_as_sent_or_refused(self, send):
        for number, text in enumerate(STRINGS.values()):
            body = {
                "username": f"naughty{number}",
                "email": f"naughty{number}@example.com",
                "password": "violet harbour drum kite",
                "full_name": text,
            }
            answer = send("POST", "/api/v1/auth/register", json.dumps(body).encode(), signed_in=False)
            if answer.status_code == 201:
                assert answer.json()["user"]["full_name"] == text
            else:
                assert_problem(answer, status=422)

    def test_of_users_are_refused_unless_they_are_plain(self, send):
        for number, text in enumerate(STRINGS.values()):
            body = {"username": text, "email": f"n{number}@example.com", "password": "violet harbour drum kite"}
            answer = send("POST", "/api/v1/auth/register", json.dumps(body).encode(), signed_in=False)
            if answer.status_code == 201:
                assert text.isascii()
                assert text.replace("_", "").replace("-", "").isalnum()
                assert answer.json()["user"]["username"] == text
            else:
                assert_problem(answer)


class TestPasswords:
    def test_are_taken_exactly_as_sent(self, send):
        for number, text in enumerate(STRINGS.values()):
            password = f"{text}{number} violet harbour {text}"
            body = {"username": f"exact{number}", "email": f"exact{number}@example.com", "password": password}
            answer = send("POST", "/api/v1/auth/register", json.dumps(body).encode(), signed_in=False)
            assert_acceptable(answer, secrets=[password])
            if answer.status_code != 201:
                continue
            for attempt, status in ((password, 200), (password.strip() + "x", 401), (password.upper() + "x", 401)):
                body = {"username": f"exact{number}", "password": attempt}
                answer = send("POST", "/api/v1/auth/login", json.dumps(body).encode(), signed_in=False)
                assert answer.status_code == status, (text, attempt)
