"""``Idempotency-Key``: what was made once is not made twice, and no key says anything to anybody else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access.models import IdempotentRequest, PolicyDraft, PolicyRule
from accounts.access.services import idempotency
from accounts.access.services.idempotency import Made, request_key, run_once
from tests.accounts.access.api.conftest import BASE, RULE, signed_in
from tests.factories.accounts import UserFactory
from tests.problem_shape import assert_problem

pytestmark = pytest.mark.django_db

NEW = {**RULE, "reason": "ticket 1"}
PERSON = {"username": "nora", "email": "nora@example.com", "reason": "new colleague"}
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def key(body="x", caller="1", text=KEY):
    return request_key(caller=caller, key=text, operation="POST /things", body=body)


class TestACall:
    def test_sent_again_is_answered_again(self, call, reader):
        first = call("post", "policies", NEW, Idempotency_Key=KEY)
        again = call("post", "policies", dict(reversed(NEW.items())), Idempotency_Key=KEY)

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert (again["ETag"], again["X-Policy-Version"]) == (first["ETag"], first["X-Policy-Version"])
        assert PolicyRule.objects.filter(object=RULE["object"]).count() == 1

    def test_with_the_key_of_another_one_is_refused(self, call, reader):
        call("post", "policies", NEW, Idempotency_Key=KEY)
        answer = call("post", "policies", {**NEW, "action": "write"}, Idempotency_Key=KEY)

        problem = assert_problem(answer, status=422, code="validation_error")
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [
            ("Idempotency-Key", "idempotency_key_reused")
        ]

    def test_of_somebody_else_with_the_same_key_is_another_call(self, call, reader):
        call("post", "policies", NEW, Idempotency_Key=KEY)
        other = signed_in(UserFactory(admin=True)).post(
            f"{BASE}policies", NEW, format="json", headers={"Idempotency-Key": KEY}
        )
        assert_problem(other, status=409, code="already_exists")

    def test_that_was_refused_may_be_corrected(self, call, reader):
        wrong = call("post", "policies", {**NEW, "effect": "Allow"}, Idempotency_Key=KEY)
        assert wrong.status_code == 422
        assert call("post", "policies", NEW, Idempotency_Key=KEY).status_code == 201

    def test_whose_rule_is_deleted_since_finds_nothing(self, call, reader):
        made = call("post", "policies", NEW, Idempotency_Key=KEY).json()
        call("delete", f"policies/{made['id']}?reason=x", If_Match="*")
        assert_problem(call("post", "policies", NEW, Idempotency_Key=KEY), status=404, code="not_found")

    @pytest.mark.parametrize("text", ["", " ", "x" * 256, "ключ", "a\x7fb"], ids=ascii)
    def test_has_a_key_that_can_be_one(self, call, reader, text):
        problem = assert_problem(call("post", "policies", NEW, Idempotency_Key=text), status=422)
        assert [each["field"] for each in problem["errors"]] == ["Idempotency-Key"]

    def test_proposes_a_change_once(self, call):
        proposal = {"changes": [{"op": "add", "role": "writer", "definition": {}}], "reason": "ticket 1"}
        first = call("post", "policy-drafts", proposal, Idempotency_Key=KEY)
        again = call("post", "policy-drafts", proposal, Idempotency_Key=KEY)
        other = call("post", "policy-drafts", {**proposal, "reason": "ticket 2"}, Idempotency_Key=KEY)

        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        assert PolicyDraft.objects.count() == 1
        problem = assert_problem(other, status=422, code="validation_error")
        assert [each["code"] for each in problem["errors"]] == ["idempotency_key_reused"]

    def test_creates_and_invites_a_person_once(self, call, empty_queue):
        first = call("post", "users", PERSON, Idempotency_Key=KEY)
        again = call("post", "users", PERSON, Idempotency_Key=KEY)

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert_problem(call("post", "users", PERSON), status=409, code="username_taken")

    def test_leaves_the_event_of_its_refusal(self, events):
        creator = signed_in(UserFactory(roles=("users:create",)))
        answer = creator.post(
            f"{BASE}users", {**PERSON, "tier": "pro"}, format="json", headers={"Idempotency-Key": KEY}
        )
        assert_problem(answer, status=403, code="permission_denied")
        assert events("permission.denied").count() == 1
        assert not IdempotentRequest.objects.exists()


class TestRunOnce:
    def test_forgets_after_a_day(self, now):
        made = [
            run_once(key=key(), run=lambda number=number: Made(str(number)), now=now + timedelta(hours=hours))
            for number, hours in enumerate((0, 23, 24))
        ]
        assert [each.result for each in made] == ["0", "0", "2"]

    def test_keeps_no_more_than_some_keys_of_a_caller(self, now):
        expires_at = now + timedelta(hours=1)
        IdempotentRequest.objects.bulk_create(
            IdempotentRequest(
                caller="1", key_digest=number.to_bytes(32), request_digest=b"x", result=number, expires_at=expires_at
            )
            for number in range(idempotency.MOST_OF_A_CALLER)
        )
        run_once(key=key(), run=lambda: Made("new"), now=now)
        run_once(key=key(caller="2"), run=lambda: Made("of another"), now=now)

        assert IdempotentRequest.objects.filter(caller="1").count() == idempotency.MOST_OF_A_CALLER
        assert not IdempotentRequest.objects.filter(caller="1", result="0").exists()

    def test_keeps_neither_key_nor_request(self, now):
        run_once(key=key(body={"email": "nora@example.com"}), run=lambda: Made("7"), now=now)
        row = IdempotentRequest.objects.values().get()
        assert KEY not in str(row)
        assert "nora" not in str(row)


def test_a_request_is_stored_with_what_it_made_or_not_at_all(reader):
    class Crash(BaseException):
        pass

    def crash():
        raise Crash

    with pytest.raises(Crash):
        run_once(key=key(), run=crash, now=timezone.now())
    assert run_once(key=key(), run=lambda: Made("7"), now=timezone.now()) == Made("7")
