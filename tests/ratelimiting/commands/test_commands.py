"""What operators see."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from cedrina_base.uuids import uuid7
from ratelimiting.models import ShadowPeriod
from ratelimiting.services import tightened_networks
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.ratelimiting.policy_documents import document

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def run_json(*arguments):
    return json.loads(run(*arguments, "--json"))


def refused(*arguments):
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as end:
        call_command(*arguments, stdout=out, stderr=err)
    return end.value.code, out.getvalue() + err.getvalue()


class TestStatus:
    def test_shows_policies_and_shadows(self, policies, now):
        policies(document(mode="shadow"))
        ShadowPeriod.objects.create(
            policy="some",
            began_at=timezone.now(),
            refused=3,
            keys={"k": {"parts": {"ip": "192.0.2.0/24"}, "refused": 3}},
        )
        ends_at = timezone.now() + timedelta(hours=1)
        tightened_networks.tighten(
            tightening_id=uuid7(), network="203.0.113.0", reason="a_rule", ends_at=ends_at, now=timezone.now()
        )
        text = run("ratelimit_status")
        assert "some    shadow" in text
        assert "ip=192.0.2.0/24 (3)" in text
        assert "203.0.113.0/24  a_rule" in text
        found = run_json("ratelimit_status")
        assert found["tightened_networks"][0]["ends_at"] == ends_at.isoformat()
        assert found["policies"][0]["source"] == "profile"
        assert found["shadow"][0]["refused"] == 3

    def test_lists_the_routes_that_a_policy_may_name(self, settings):
        settings.ROOT_URLCONF = "tests.ratelimiting.one_route"
        settings.RATELIMITING = {**settings.RATELIMITING, "ROUTES": ["of-another-host"]}
        found = run_json("ratelimit_status", "--routes")["routes"]
        assert found == ["inner:tests.ratelimiting.one_route.<lambda>", "of-another-host", "websocket"]
        assert run("ratelimit_status", "--routes").split("\n")[:-1] == found

    def test_shows_how_a_key_stands(self, policies, redis_url, prefix):
        policies(document(limit=3), REDIS_URL=redis_url, STORE_PREFIX=prefix, STORE_DEADLINE=30)
        decide_request(attributes=RequestAttributes(address="203.0.113.7"))
        assert run_json("ratelimit_status", "--key", "some:ip=203.0.113.7")["key"]["remaining"] == 2
        assert "some: 3 of 3 left" in run("ratelimit_status", "--key", "some:ip=203.0.113.8")

    def test_shows_how_the_networks_around_an_address_stand(self, policies, redis_url, prefix):
        policies(document(limit=3), REDIS_URL=redis_url, STORE_PREFIX=prefix, STORE_DEADLINE=30)
        for number in (1, 2):
            decide_request(attributes=RequestAttributes(address=f"2001:db8:0:{number}::1"))
        shown = [
            run_json("ratelimit_status", "--key", f"some:ip={text}")["key"]
            for text in ("2001:db8:0:1::5", "2001:db8::/56", "2001:db8::/48")
        ]
        assert [(key["remaining"], key["limit"]) for key in shown] == [(2, 3), (10, 12), (46, 48)]

    def test_says_how_a_key_is_written(self, policies):
        policies(document())
        code, text = refused("ratelimit_status", "--key", "some:user=5")
        assert code == 2
        assert "some:ip=..." in text


class TestReset:
    def test_lets_a_key_begin_anew_and_is_safe_twice(self, policies, redis_url, prefix):
        policies(document(limit=1), REDIS_URL=redis_url, STORE_PREFIX=prefix, STORE_DEADLINE=30)
        decide_request(attributes=RequestAttributes(address="203.0.113.7"))
        key = "some:ip=203.0.113.7"
        assert run_json("ratelimit_reset", key, "--dry-run")["result"] == "would_reset"
        assert not decide_request(attributes=RequestAttributes(address="203.0.113.7")).is_allowed
        assert run_json("ratelimit_reset", key)["result"] == "reset"
        assert "nothing counted" in run("ratelimit_reset", key)
        assert decide_request(attributes=RequestAttributes(address="203.0.113.7")).is_allowed

    def test_refuses_what_is_no_key(self, policies):
        policies(document())
        code, text = refused("ratelimit_reset", "junk", "--json")
        assert code == 2
        assert json.loads(text)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "command", [("ratelimit_status", "--key", "some:ip=203.0.113.7"), ("ratelimit_reset", "some:ip=203.0.113.7")]
)
class TestAKeyThatCanNotBeSeen:
    def test_is_said_to_be_counted_elsewhere_without_redis(self, policies, command):
        policies(document())
        code, text = refused(*command, "--json")
        assert code == 1
        assert json.loads(text)["error"]["code"] == "not_shared"

    def test_is_said_to_be_unknown_while_redis_is_away(self, policies, command):
        policies(document(), REDIS_URL="redis://127.0.0.1:1/0")
        code, text = refused(*command, "--json")
        assert code == 1
        assert json.loads(text)["error"]["code"] == "store_unavailable"


COMBINED = (
    '203.0.113.7 - - [05/Jan/2026:10:00:{second:02} +0000] "POST /api/v1/auth/login?x=1 HTTP/1.1" 401 5 "-" "curl"\n'
)


class TestSimulate:
    @pytest.fixture
    def files(self, tmp_path):
        def write(lines, *documents):
            (tmp_path / "log").write_text("".join(lines))
            (tmp_path / "policies.json").write_text(json.dumps(documents))
            return "--log", str(tmp_path / "log"), "--policies", str(tmp_path / "policies.json")

        return write

    def test_says_what_would_have_been_refused_and_for_whom(self, files):
        sign_in = document(name="sign-in", limit=10, algorithm="fixed_window", match={"routes": ["login"]})
        other = document(name="other", match={"routes": ["me"]})
        arguments = files([*(COMBINED.format(second=second) for second in range(15)), "junk\n"], sign_in, other)

        found = run_json("ratelimit_simulate", *arguments)

        assert (found["requests"], found["refused"], found["lines_not_understood"]) == (15, 5, 1)
        assert found["policies"]["sign-in"] == {
            "judged": 15,
            "refused": 5,
            "keys": [{"key": "sign-in:ip=203.0.113.7", "refused": 5}],
        }
        assert found["policies"]["other"]["judged"] == 0
        assert "5 of 15 requests would have been refused" in run("ratelimit_simulate", *arguments)

    def test_reads_json_lines_with_users_and_keys(self, files):
        lines = [
            json.dumps(
                {
                    "time": f"2026-01-05T10:00:0{number}Z",
                    "remote_addr": "192.0.2.1",
                    "path": "/api/v1/auth/me",
                    "method": "GET",
                    "user": "7",
                }
            )
            + "\n"
            for number in range(4)
        ]
        found = run_json("ratelimit_simulate", *files(lines, document(name="user", limit=3, scope=["user"])))
        assert (found["requests"], found["refused"]) == (4, 1)

    def test_lets_time_pass_as_the_log_says(self, files):
        lines = [COMBINED.format(second=0), COMBINED.format(second=59), COMBINED.format(second=30)]
        late = COMBINED.format(second=0).replace("10:00", "10:05")
        found = run_json("ratelimit_simulate", *files([*lines, late], document(limit=3, algorithm="fixed_window")))
        assert found["refused"] == 0

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [('[{"name": "a"}]', "limit: is missing"), ("{", "is no JSON"), ("[]", "must be a JSON list")],
    )
    def test_names_the_mistake_in_the_policies(self, files, tmp_path, content, sentence):
        arguments = files([])
        (tmp_path / "policies.json").write_text(content)
        code, text = refused("ratelimit_simulate", *arguments)
        assert code == 2
        assert sentence in text

    def test_says_what_can_not_be_read(self, files, tmp_path):
        arguments = list(files([], document()))
        arguments[1] = str(tmp_path / "missing")
        assert refused("ratelimit_simulate", *arguments)[0] == 2
