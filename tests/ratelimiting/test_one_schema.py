"""Every place that takes a policy names its faults by the one schema, in the same words."""

import io
import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from ratelimiting.checks import check_policies
from ratelimiting.errors import PolicyInvalid
from ratelimiting.forms import PolicyForm
from ratelimiting.known_names import known_names
from ratelimiting.models import RateLimitPolicy
from ratelimiting.policy_schema import parse_policy
from ratelimiting.services import policies as stored
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.ratelimiting.policy_documents import BOSS, document

pytestmark = pytest.mark.django_db
FAULTY = [
    {"name": "Not good"},
    {"name": "x" * 51},
    {"description": "x" * 201},
    {"limit": 10**10},
    {"window": 10**9},
    {"burst": 5},
    {"algorithm": "token_bucket", "limit": 1, "window": 2678400, "burst": 10**9},
    {"cost": 3},
    {"scope": ["ipp"]},
    {"scope": ["ip", "ip"]},
    {"match": {"methods": ["post"]}},
    {"match": {"tier": "x" * 51}},
    {"match": {"routes": ["lgoin", "nothing-like-it*"]}},
    {"match": {"tier": "enterprize"}},
]


@pytest.fixture(params=FAULTY, ids=str)
def faulty(request):
    return document(**request.param)


@pytest.fixture
def faults(faulty):
    """Return the faults as the schema names them: member, code and message."""
    with pytest.raises(PolicyInvalid) as refusal:
        parse_policy(faulty, known=known_names())
    return {(fault.member, fault.code, fault.message) for fault in refusal.value.faults}


def columns(faulty):
    match = faulty.get("match", {})
    return {**{name: value for name, value in faulty.items() if name != "match"}, **match}


class TestFaults:
    def test_are_those_of_the_start_up_check(self, settings, faulty, faults):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": [faulty], "OVERRIDES": []}
        found = [error.msg for error in check_policies() if error.id == "ratelimiting.E005"]
        assert len(found) == len(faults)
        assert all(any(each.endswith(f"{member}: {message}") for each in found) for member, _, message in faults)

    def test_are_those_of_the_service(self, faulty, faults):
        with pytest.raises(PolicyInvalid) as refusal:
            stored.create(document=faulty, author=BOSS, reason="r", now=timezone.now())
        assert {(fault.member, fault.code, fault.message) for fault in refusal.value.faults} == faults

    def test_are_those_of_the_api(self, client, faulty, faults):
        token = open_session(user=UserFactory(username="boss", admin=True)).access_token
        answer = client.post(
            "/api/v1/admin/rate-limit-policies",
            {**faulty, "reason": "r"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        found = {(error["field"], error["code"], error["detail"]) for error in answer.json()["errors"]}
        assert found == {(member, code, f"{member}: {message}") for member, code, message in faults}

    def test_are_those_of_the_model(self, faulty, faults):
        with pytest.raises(ValidationError) as refusal:
            RateLimitPolicy(**columns(faulty)).clean()
        found = {
            (member, each.code, message)
            for member, errors in refusal.value.error_dict.items()
            for each in errors
            for message in each.messages
        }
        assert found == {(member.removeprefix("match."), code, message) for member, code, message in faults}

    def test_are_those_of_the_admin(self, faulty, faults):
        given = {
            "algorithm": "sliding_window",
            "mode": "enforce",
            "cost": 1,
            "on_store_failure": "local",
            "routes": "*",
        }
        given |= {"routes": "*", "reason": "r"}
        given |= {n: ",".join(v) if isinstance(v, list) else v for n, v in columns(faulty).items()}
        form = PolicyForm(given)
        assert not form.is_valid()
        found = {(member, message) for member, messages in form.errors.items() for message in messages}
        assert found == {(member.removeprefix("match."), message) for member, _, message in faults}

    def test_are_those_of_the_command(self, tmp_path, faulty, faults):
        path, out = tmp_path / "policies.json", io.StringIO()
        path.write_text(json.dumps([faulty]))
        with pytest.raises(SystemExit):
            call_command("ratelimit_simulate", "--policies", str(path), "--log", "/dev/null", "--json", stdout=out)
        assert all(
            f"{member}: {message}" in json.loads(out.getvalue())["error"]["detail"] for member, _, message in faults
        )
