"""One request with a key, and one version of a rule, in many requests at the same moment."""

from functools import partial

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import selectors
from accounts.access.models import PolicyHead, PolicyRule, PolicyVersion
from accounts.access.services import active_policy
from accounts.access.services.compiling import compile_policy
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.services import keys

URL = "/api/v1/admin/policies"
RULE = {"subject": "role:admin", "object": "documents/*", "action": "read", "effect": "allow", "reason": "x"}
THREADS = 8


@pytest.fixture
def bearer(db):
    keys.ensure_first(now=timezone.now())
    active_policy.forget()
    user = UserFactory(admin=True)
    yield {"Authorization": f"Bearer {open_session(user=user).access_token}"}
    active_policy.forget()


def test_a_request_with_a_key_is_carried_out_once(bearer, at_once):
    for attempt in range(5):
        body, headers = {**RULE, "object": f"documents/{attempt}"}, {**bearer, "Idempotency-Key": f"key-{attempt}"}
        send = partial(APIClient().post, URL, body, format="json", headers=headers)
        answers = at_once(*[send] * THREADS)

        # Those that came while the first one ran are told so; those that came later get its answer.
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"already_in_use"}
        ids = {answer.json()["id"] for answer in answers if answer.status_code == 201}
        assert ids == {str(PolicyRule.objects.get(object=body["object"]).pk)}
        assert send().json()["id"] in ids


def test_of_many_changes_to_what_all_have_read_one_is_made(bearer, at_once):
    made = APIClient().post(URL, RULE, format="json", headers=bearer)
    headers = {**bearer, "If-Match": made["ETag"]}
    path = f"{URL}/{made.json()['id']}"
    answers = at_once(
        *(
            partial(APIClient().patch, path, {"note": f"note {number}", "reason": "x"}, format="json", headers=headers)
            for number in range(THREADS)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * (THREADS - 1)]


def test_each_change_makes_the_next_version(bearer, at_once):
    before = PolicyHead.objects.get().version
    answers = at_once(
        *(
            partial(APIClient().post, URL, {**RULE, "object": f"a/{number}"}, format="json", headers=bearer)
            for number in range(THREADS)
        )
    )
    made = sorted(int(answer["X-Policy-Version"]) for answer in answers)
    assert made == list(range(before + 1, before + 1 + THREADS))
    assert PolicyVersion.objects.filter(number__gt=before).count() == THREADS

    # Each was made to the policy of the one before: what decides is what is stored.
    active_policy.refresh()
    known, head = active_policy.current(), selectors.head()
    anew = compile_policy(rules=selectors.all_rules(), roles=selectors.all_roles(), version=head.version)
    assert (known.rules, known.inherited, known.version) == (anew.rules, anew.inherited, anew.version)
