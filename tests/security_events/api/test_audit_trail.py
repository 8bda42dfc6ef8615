"""The calls of the sealed trail, as an auditor uses them: what they answer verifies with the published keys alone."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from jwt import PyJWK
from rest_framework.test import APIClient

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.api.plain_text import prefers_plain_text
from security_events.event_form import canonical_bytes
from security_events.models import AuditKey, CheckpointCosignature, TrailCheckpoint
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.verifier import (
    VerificationKey,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
    verify_proof,
)
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem
from tests.security_events.sealed import as_owner, sealed_trail
from tokens.access_tokens.further_keys import further_keys

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENTS, TRAIL = "/api/v1/admin/security-events", "/api/v1/admin/audit-trail"
UNKNOWN = "00000000-0000-7000-8000-000000000000"
PUBLIC = "/.well-known/audit-checkpoint"


@pytest.fixture(scope="module", autouse=True)
def _sealed(django_db_setup, django_db_blocker):
    with sealed_trail(django_db_blocker, count=40, batch=9, now=NOW):
        yield


@pytest.fixture
def anybody():
    return APIClient()


@pytest.fixture
def auditor():
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=UserFactory(admin=True)).access_token}")
    return api


@pytest.fixture
def key(anybody):
    """The audit key, from the JWKS."""
    further_keys.clear()
    (jwk,) = [each for each in anybody.get("/.well-known/jwks.json").json()["keys"] if "audit_trail" in each]
    further_keys.clear()
    public = PyJWK(jwk).key
    assert isinstance(public, Ed25519PublicKey)
    assert jwk["audit_trail"] == {"name": "127.0.0.1:8000", "from_size": 0, "to_size": None}
    assert jwk["kid"] == AuditKey.objects.get().kid
    return VerificationKey(jwk["audit_trail"]["name"], public.public_bytes_raw())


@pytest.fixture
def event():
    return events_after(START, limit=20)[-1]


@pytest.fixture
def newest():
    return TrailCheckpoint.objects.latest("size")


def decoded(hashes):
    return [base64.b64decode(each) for each in hashes]


class TestInclusionProof:
    def test_verifies_as_json(self, auditor, key, event, newest):
        proof = auditor.get(f"{EVENTS}/{event.position.event_id}/proof").json()

        checkpoint = open_checkpoint(proof["checkpoint"], [key])
        assert (proof["index"], checkpoint.size) == (19, newest.size)
        leaf, hashes = leaf_hash(canonical_bytes(event.form)), decoded(proof["hashes"])
        verify_inclusion(index=19, size=checkpoint.size, leaf=leaf, hashes=hashes, root=checkpoint.root)

    def test_is_a_file_for_those_who_ask_for_text(self, auditor, key, event, newest):
        answer = auditor.get(f"{EVENTS}/{event.position.event_id}/proof", headers={"Accept": "text/plain"})

        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith("c2sp.org/tlog-proof@v1\nindex 19\n")
        assert verify_proof(answer.text, canonical_bytes(event.form), [key]).size == newest.size

    @pytest.mark.parametrize("accept", ["application/json", "text/plain"])
    def test_comes_later_for_a_new_event(self, auditor, settings, accept):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_SEAL_SECONDS": 17}
        answer = auditor.get(f"{EVENTS}/{record(LOGIN_SUCCEEDED)}/proof", headers={"Accept": accept})

        assert json.loads(answer.content)["code"] == "not_sealed_yet"
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
        assert answer["Retry-After"] == "17"

    def test_does_not_exist_for_what_never_was(self, auditor):
        assert_problem(auditor.get(f"{EVENTS}/{UNKNOWN}/proof"), status=404, code="not_found")

    def test_is_gone_with_the_leaves_around_it(self, auditor, newest):
        with as_owner("security_events_trail_leaf") as cursor:
            cursor.execute("DELETE FROM security_events_trail_leaf WHERE leaf_index = %s", [newest.size - 1])
        neighbour = events_after(START, limit=newest.size)[-2]
        answer = auditor.get(f"{EVENTS}/{neighbour.position.event_id}/proof")
        assert_problem(answer, status=410, code="hashes_pruned")


class TestConsistency:
    def test_verifies_between_two_checkpoints(self, auditor, key):
        rows = auditor.get(f"{TRAIL}/checkpoints").json()["results"]
        new, old = (open_checkpoint(row["note"], [key]) for row in (rows[0], rows[-1]))

        proof = auditor.get(f"{TRAIL}/consistency", {"from": old.size, "to": new.size}).json()

        assert (proof["from"], proof["to"]) == (old.size, new.size)
        verify_consistency(old=old[1:3], new=new[1:3], hashes=decoded(proof["hashes"]))

    @pytest.mark.parametrize(
        ("sizes", "field", "code"),
        [
            ({"from": 1}, "to", "required"),
            ({"to": 1}, "from", "required"),
            ({"from": "x", "to": 1}, "from", "invalid"),
            ({"from": -1, "to": 1}, "from", "invalid"),
            ({"from": 1, "to": 2**63}, "to", "invalid"),
            ({"from": 1, "to": "9" * 5000}, "to", "max_length"),
            ({"from": 1, "to": 2, "size": 3}, "size", "unknown_field"),
        ],
    )
    def test_refuses_what_is_no_size(self, auditor, sizes, field, code):
        answer = auditor.get(f"{TRAIL}/consistency", sizes)
        problem = assert_problem(answer, status=422, code="validation_error")
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]

    @pytest.mark.parametrize("sizes", [{"from": 2, "to": 1}, {"from": 1, "to": 10**9}])
    def test_is_not_found_for_other_sizes(self, auditor, sizes):
        assert_problem(auditor.get(f"{TRAIL}/consistency", sizes), status=404, code="not_found")


class TestCheckpoints:
    def test_come_in_pages_the_newest_first(self, auditor):
        sizes, cursor = [], None
        while True:
            page = auditor.get(f"{TRAIL}/checkpoints", {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
            sizes += [row["size"] for row in page["results"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sizes == list(TrailCheckpoint.objects.order_by("-size").values_list("size", flat=True))
        assert len(sizes) > 4

    def test_read_the_cosignatures_of_a_page_at_once(self, auditor, newest, django_assert_num_queries):
        line = "— witness.example.org CroFHAAAAABplD4AAAA="
        CheckpointCosignature.objects.create(checkpoint=newest, witness="w", line=line, created_at=NOW)
        with django_assert_num_queries(4):  # the access token, the permission, checkpoints and cosignatures
            row = auditor.get(f"{TRAIL}/checkpoints").json()["results"][0]

        assert row == {
            "size": newest.size,
            "root": base64.b64encode(newest.root).decode(),
            "note": newest.note,
            "created_at": "2026-03-01T12:00:00Z",
            "events_from": str(newest.events_from),
            "events_to": str(newest.events_to),
            "cosignatures": [line],
        }
        assert auditor.get(f"{TRAIL}/checkpoint").json() == row
        text = auditor.get(f"{TRAIL}/checkpoint", headers={"Accept": "text/plain"}).text
        assert text == f"{newest.note}{line}\n"

    @pytest.mark.parametrize("cursor", ["x", "-1", "٣", "9" * 20])
    def test_refuse_a_cursor_of_others(self, auditor, cursor):
        assert_problem(auditor.get(f"{TRAIL}/checkpoints", {"cursor": cursor}), status=422, code="validation_error")


class TestPublicCheckpoint:
    def test_is_there_for_anybody_if_the_operator_says_so(self, anybody, settings, key, newest):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_PUBLIC": True}
        answer = anybody.get(PUBLIC)

        assert answer.text == newest.note
        assert open_checkpoint(answer.text, [key]).size == newest.size
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/plain; charset=utf-8", "public, max-age=5")

    def test_is_not_there_otherwise(self, anybody):
        answer = anybody.get(PUBLIC)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "not_found")


class TestWho:
    PATHS = (f"{EVENTS}/{UNKNOWN}/proof", f"{TRAIL}/checkpoint", f"{TRAIL}/checkpoints", f"{TRAIL}/consistency")

    @pytest.mark.parametrize("path", PATHS)
    def test_others_are_refused(self, anybody, path):
        assert_problem(anybody.get(path), status=401, code="authentication_required")
        anybody.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session().access_token}")
        assert_problem(anybody.get(path), status=403, code="permission_denied")


class TestBeforeTheFirstSeal:
    def test_there_is_no_checkpoint(self, auditor, anybody, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_PUBLIC": True}
        tables = ("security_events_trail_cosignature", "security_events_trail_checkpoint")
        with as_owner(*tables) as cursor:
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")
        assert connection.in_atomic_block
        for answer in (auditor.get(f"{TRAIL}/checkpoint"), anybody.get(PUBLIC)):
            assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "not_sealed_yet")
        assert auditor.get(f"{TRAIL}/checkpoints").json() == {"results": [], "next": None}


class TestPrefersPlainText:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("text/plain", True),
            ("TEXT/PLAIN; q=0.5", True),
            ("text/plain, application/json;q=0.9", True),
            ("application/json, text/plain", False),
            ("application/json, text/plain;q=0.9", False),
            ("text/plain;q=0", False),
            ("text/plain;q=x", False),
            ("*/*", False),
            ("", False),
        ],
    )
    def test_is_what_the_header_says(self, header, expected):
        assert prefers_plain_text(header) is expected
