"""Exports of a real trail, verified by the commands with the public key alone."""

import json
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import call_command

from security_events.event_types import EVENTS_PURGED
from security_events.models import AuditKey, TrailCheckpoint
from security_events.selectors.sealing.audit_jwks import audit_jwks
from security_events.verifier import InclusionProof, proof_file, verification_key
from security_events.verifier.exports.tree_files import read_tree
from security_events.verifier.exports.verification import companion
from tests.programs import served
from tests.security_events.tampered import CHECKPOINTS, LEAVES, owner, restore_to, rows, sealed_corpus, sizes

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def trail(django_db_setup, django_db_blocker):
    with sealed_corpus(django_db_blocker):
        yield


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "events.ndjson"
    call_command("export_security_events", "--output", str(path), "--json", stdout=StringIO())
    return path


@pytest.fixture
def jwks(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": audit_jwks()}))
    return path


def verify(*arguments):
    """Return the exit code and the report of the command."""
    out, code = StringIO(), 0
    try:
        call_command("verify_audit_trail", "--json", *map(str, arguments), stdout=out)
    except SystemExit as end:
        code = end.code
    return code, json.loads(out.getvalue())


def vkeys():
    return [verification_key(key.name, bytes(key.public_key)) for key in AuditKey.objects.all()]


class TestTheCommand:
    def test_accepts_the_database_and_its_export(self, export, jwks):
        size = sizes()[-1]
        nothing_uncovered = {"unsealed": 0, "pruned_below": 0, "newest_outside_checkpoint_age": None}
        right = {"ok": True, "first_wrong": None, "checked": size, "not_covered": nothing_uncovered}
        assert verify() == (0, right)
        assert verify("--jwks", jwks) == (0, right)
        assert verify("--export", export) == (0, right)
        assert verify("--export", export, "--jwks", jwks) == (0, right)
        keys = [argument for key in vkeys() for argument in ("--vkey", key)]
        assert verify("--export", export, *keys) == (0, right)

    def test_names_what_was_done_to_the_export(self, export, jwks):
        lines = export.read_text().splitlines(keepends=True)
        lines[30] = lines[30].replace('"outcome":"success"', '"outcome":"failure"')
        export.write_text("".join(lines))
        code, report = verify("--export", export, "--jwks", jwks)
        event_id = json.loads(lines[30])["id"]
        assert code == 1
        assert report["first_wrong"] == {"kind": "event", "id": event_id, "index": 30, "reason": "changed"}

    def test_names_a_restored_database_beside_a_newer_checkpoint(self, tmp_path):
        newest = TrailCheckpoint.objects.order_by("-size").first()
        kept = tmp_path / "checkpoint"
        kept.write_text(newest.note)
        code, report = verify("--checkpoint", kept)
        assert (code, report["not_covered"]["newest_outside_checkpoint_age"] >= 0) == (0, True)
        restore_to(sizes()[-3])
        code, report = verify("--checkpoint", kept)
        assert code == 1
        rollback = {"kind": "checkpoint", "id": str(newest.size), "index": newest.size, "reason": "rollback"}
        assert report["first_wrong"] == rollback

    def test_takes_checkpoints_from_the_lines_of_a_log(self, tmp_path):
        notes = TrailCheckpoint.objects.order_by("size").values_list("note", flat=True)
        kept = tmp_path / "log.ndjson"
        lines = [{"event": "audit_trail_sealed", "checkpoint": note} for note in notes]
        kept.write_text("".join(json.dumps(line) + "\n" for line in [{"event": "other"}, *lines, {"event": 3}]))
        assert verify("--checkpoint", kept)[0] == 0
        owner(f"UPDATE {CHECKPOINTS} SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE size = %s", sizes()[2])
        assert verify("--checkpoint", kept)[1]["first_wrong"]["reason"] == "row_changed"

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--export", "nowhere"),
            ("--checkpoint", "{export}"),
            ("--vkey", "nonsense"),
            ("--jwks", "{export}"),
            ("--jwks", "nowhere"),
        ],
    )
    def test_says_what_it_could_not_use(self, export, arguments):
        code, report = verify(*(each.format(export=export) for each in arguments))
        assert code == 2
        assert report["error"]["code"] == "not_verified"

    def test_tells_people_what_is_not_covered(self):
        out = StringIO()
        call_command("verify_audit_trail", stdout=out)
        assert "no checkpoint from outside was given" in out.getvalue()


class TestAnExportOfAPeriod:
    def test_needs_only_hashes_of_the_rest(self, tmp_path, jwks):
        path = tmp_path / "later.ndjson"
        moment = json.loads(_first_lines(tmp_path, 40)[-1])["occurred_at"]
        call_command("export_security_events", "--output", str(path), "--since", moment, stdout=StringIO())
        code, report = verify("--export", path, "--jwks", jwks)
        first = report["not_covered"]["pruned_below"]
        assert (code, report["checked"]) == (0, sizes()[-1] - first)
        assert 30 < first < 50
        assert len([line for line in read_tree(companion(path, "tree")) if line.event_id is None]) < 20

        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:5] + lines[6:]))
        assert verify("--export", path, "--jwks", jwks)[1]["first_wrong"]["reason"] == "removed"


def _first_lines(folder, count):
    path = folder / "all.ndjson"
    call_command("export_security_events", "--output", str(path), stdout=StringIO())
    return path.read_text().splitlines()[:count]


class TestTheProgramWithoutDjango:
    def run(self, *arguments):
        command = [sys.executable, "-X", "importtime", "-m", "security_events.verifier", *map(str, arguments), "--json"]
        done = subprocess.run(command, cwd=served.ROOT, capture_output=True, text=True, check=False)
        assert "django" not in done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def test_verifies_exports(self, export, jwks):
        code, report = self.run("--export", export, "--jwks", jwks)
        assert (code, report["checked"]) == (0, sizes()[-1])
        export.write_bytes(export.read_bytes().replace(b"success", b"failure", 1))
        assert self.run("--export", export, "--jwks", jwks)[0] == 1
        assert self.run("--export", export)[0] == 2

    def test_verifies_one_event_by_its_proof(self, export, tmp_path):
        from uuid import UUID

        from security_events.services.trail.proving import prove_inclusion

        line = export.read_text().splitlines()[9]
        event, proof = tmp_path / "event.json", tmp_path / "event.tlog-proof"
        event.write_text(json.dumps(json.loads(line), indent=2))
        proof.write_text(proof_file(prove_inclusion(UUID(json.loads(line)["id"]))))
        keys = [argument for key in vkeys() for argument in ("--vkey", key)]
        code, found = self.run("--proof", proof, "--event", event, *keys)
        assert (code, found["ok"], found["size"]) == (0, True, sizes()[-1])
        event.write_text(event.read_text().replace("success", "failure"))
        assert self.run("--proof", proof, "--event", event, *keys)[0] == 1
