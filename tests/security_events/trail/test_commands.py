"""`seal_audit_trail` and `rotate_audit_key`: reports in words or as JSON, trials, and what they refuse."""

import io
import json
from contextlib import closing

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from security_events.models import AuditKey, TrailCheckpoint
from security_events.verifier import open_checkpoint, parse_verification_key
from tests.security_events.sealed import record_events

pytestmark = pytest.mark.django_db(transaction=True)


def run(name, *arguments):
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def report(name, *arguments):
    return json.loads(run(name, *arguments, "--json"))


def refusal(name, *arguments):
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(name, *arguments, "--json", stdout=out, stderr=io.StringIO())
    return left.value.code, json.loads(out.getvalue())["error"]["code"]


class TestSealAuditTrail:
    def test_reports_the_checkpoint_and_what_verifies_it(self):
        record_events(3)
        tried = report("seal_audit_trail", "--dry-run")
        assert not TrailCheckpoint.objects.exists()
        result = report("seal_audit_trail")

        (key,) = map(parse_verification_key, result["verification_keys"])
        signed = open_checkpoint(result["checkpoint"], [key])
        assert tried == {
            "result": "would_seal",
            "events": signed.size,
            "size": 0,
            "held": 0,
            "transaction": None,
        }
        assert (result["result"], result["events"], result["size"]) == ("sealed", signed.size, signed.size)
        assert "1 event would be sealed." in run("seal_audit_trail", "--dry-run")  # that of the new key
        assert run("seal_audit_trail") == f"1 event was sealed. In the trail: {signed.size + 1}.\n"
        assert report("seal_audit_trail")["events"] == 0

    def test_names_the_transaction_that_holds_events_back(self):
        parameters = {**connection.get_connection_params(), "cursor_factory": None}
        with closing(psycopg.connect(**parameters)) as writer:
            writer.execute("SELECT pg_current_xact_id()")
            record_events(2)
            text = run("seal_audit_trail", "--dry-run")
            name = f"process {writer.info.backend_pid}"
        assert f"Waiting for a transaction that is still open ({name}): 2." in text

    def test_says_what_to_do_when_it_can_not(self, settings):
        record_events(1)
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_ORIGIN": ""}
        assert refusal("seal_audit_trail") == (1, "audit_origin_invalid")

    def test_names_a_missing_key_of_the_columns(self, settings):
        record_events(1)
        run("seal_audit_trail")
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "FIELD_ENCRYPTION_KEYS": [("k2", b"2" * 32)]}
        assert refusal("seal_audit_trail") == (1, "not_decrypted")


class TestRotateAuditKey:
    def test_prints_the_key_to_verify_with(self):
        assert refusal("rotate_audit_key") == (1, "audit_key_missing")
        record_events(1)
        size = report("seal_audit_trail")["size"]
        old = AuditKey.objects.get()
        assert report("rotate_audit_key", "--dry-run") == {"result": "would_rotate", "retired": old.kid, "size": size}
        assert AuditKey.objects.count() == 1

        result = report("rotate_audit_key", "--reason", "yearly")

        new = AuditKey.objects.get(retired_at=None)
        assert (result["kid"], result["size"]) == (new.kid, size)
        key = parse_verification_key(result["verification_key"])
        assert open_checkpoint(report("seal_audit_trail")["checkpoint"], [key]).origin == old.name
        assert result["verification_key"] not in run("rotate_audit_key")
