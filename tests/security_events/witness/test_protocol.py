"""What a witness signs, and what it refuses with which status (C2SP tlog-witness v1.0.0)."""

import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.verifier import (
    EMPTY_ROOT,
    Checkpoint,
    VerificationKey,
    checkpoint_body,
    cosignature_time,
    hash_lines,
    node_hash,
    parse_note,
    parse_signature,
    sign_note,
    tree_root,
    verify_note,
)
from security_events.witness.cosigned_checkpoints import CosignedCheckpoints, origin_hash
from security_events.witness.protocol import LARGEST_REQUEST, Witness
from tests.security_events.verifier import judge
from tests.security_events.verifier.made_trail import KEYS, LEAVES, ORIGIN, PRIVATE, note

NAME = "witness.example"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
KEY = VerificationKey(NAME, PRIVATE_KEY.public_key().public_bytes_raw(), 4)
NOW = 1_790_000_000
EMPTY = sign_note(checkpoint_body(Checkpoint(ORIGIN, 0, EMPTY_ROOT)), ORIGIN, PRIVATE[0])
# From a tree of 4 leaves to one of 8, and to one of 6 (RFC 6962, 2.1.2).
TO_8 = [tree_root(LEAVES[4:8])]
TO_6 = [node_hash(*LEAVES[4:6])]


def offer(old, checkpoint, hashes=()):
    return "\n".join([f"old {old}", *hash_lines(hashes), "", checkpoint]).encode()


def of(size, **changes):
    return note(size, key=0, **changes)


@pytest.fixture
def make_witness(tmp_path):
    def make(folder="state"):
        checkpoints = CosignedCheckpoints(tmp_path / folder)
        return Witness(name=NAME, private_key=PRIVATE_KEY, logs=KEYS[:1], checkpoints=checkpoints)

    return make


@pytest.fixture
def witness(make_witness):
    return make_witness()


@pytest.fixture
def seen_4(witness):
    assert witness.add_checkpoint(offer(0, of(4)), time=NOW).status == 200
    return witness


class TestAddCheckpoint:
    def test_signs_a_tree_that_grew(self, seen_4):
        answer = seen_4.add_checkpoint(offer(4, of(8), TO_8), time=NOW + 1)
        assert answer.status == 200
        signature = parse_signature(answer.body.removesuffix("\n"))
        assert KEY.accepts(parse_note(of(8)).text, signature.signature)
        assert (signature.identity, cosignature_time(signature.signature)) == (KEY.identity, NOW + 1)

    def test_signs_the_same_tree_again(self, seen_4):
        assert seen_4.add_checkpoint(offer(4, of(4)), time=NOW + 1).status == 200

    def test_signs_an_empty_tree(self, witness):
        assert witness.add_checkpoint(offer(0, EMPTY), time=NOW).status == 200
        assert witness.add_checkpoint(offer(0, of(4)), time=NOW).status == 200

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"\xff", 400),
            (b"old 4\n", 400),
            (offer("04", of(8), TO_8), 400),
            (offer("-4", of(8), TO_8), 400),
            (offer(9, of(8)), 400),
            (offer(4, of(8), [b"short"]), 400),
            (offer(4, of(8), TO_8 * 64), 400),
            (offer(4, of(8).replace("\n8\n", "\n08\n"), TO_8), 400),
            (offer(4, of(8).replace("\n\n", "\n"), TO_8), 400),
            (offer(4, "x" * LARGEST_REQUEST), 400),
            (offer(4, sign_note(parse_note(of(8)).text.replace(ORIGIN, "unknown"), "unknown", PRIVATE[0]), TO_8), 404),
            (offer(4, note(8, key=1), TO_8), 403),
            (offer(4, of(8).replace("\n8\n", "\n7\n"), TO_8), 403),
            (offer(4, of(8) + of(7).rpartition("\n\n")[2], TO_8), 403),  # a second signature that does not fit
            (offer(0, of(8)), 409),
            (offer(3, of(8)), 409),
            (offer(4, of(8), TO_6), 422),
            (offer(4, of(8)), 422),
            (offer(4, of(8), [*TO_8, LEAVES[0]]), 422),
            (offer(4, of(4), TO_8), 422),
            (offer(4, of(4, leaves=LEAVES[1:])), 422),  # another tree of the same size
            (offer(4, of(8, leaves=LEAVES[::-1]), TO_8), 422),
        ],
    )
    def test_refuses_anything_else_and_forgets_nothing(self, seen_4, body, status):
        answer = seen_4.add_checkpoint(body, time=NOW + 1)
        assert answer.status == status, answer.body
        if status == 409:
            assert (answer.body, answer.content_type) == ("4\n", "text/x.tlog.size")
        assert seen_4.add_checkpoint(offer(4, of(8), TO_8), time=NOW + 2).status == 200

    @pytest.mark.parametrize(
        "body",
        [
            offer(0, of(4), TO_8),
            offer(0, sign_note(f"{ORIGIN}\n0\n{'A' * 43}=\n", ORIGIN, PRIVATE[0])),
        ],
    )
    def test_asks_no_proof_and_no_other_root_of_the_empty_tree(self, witness, body):
        assert witness.add_checkpoint(body, time=NOW).status == 422

    def test_remembers_after_a_restart(self, seen_4, make_witness):
        assert make_witness().add_checkpoint(offer(0, of(8)), time=NOW).status == 409

    def test_signs_nothing_if_its_state_is_damaged(self, seen_4, tmp_path):
        (tmp_path / "state" / f"{origin_hash(ORIGIN)}.checkpoint").write_text("")
        with pytest.raises(Exception, match="blank line"):
            seen_4.add_checkpoint(offer(0, of(8, leaves=LEAVES[::-1])), time=NOW)

    def test_signs_one_of_two_trees_that_are_offered_at_once(self, make_witness):
        """As the race of the specification: without one atomic step, the smaller tree would win over the larger one."""
        for attempt in range(10):
            first, *others = [make_witness(f"state-{attempt}") for _ in range(6)]
            assert first.add_checkpoint(offer(0, of(4)), time=NOW).status == 200
            bodies = [offer(4, of(8), TO_8), offer(4, of(6), TO_6), offer(4, of(6, leaves=LEAVES[::-1]), TO_6)] * 2
            answers, start = [], threading.Barrier(len(bodies))

            def ask(witness, body, answers=answers, start=start):
                start.wait(120)
                answers.append((witness.add_checkpoint(body, time=NOW).status, body))

            threads = [threading.Thread(target=ask, args=pair) for pair in zip([first, *others], bodies, strict=True)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            signed = [body for status, body in answers if status == 200]
            assert len(signed) == 1, answers
            assert first.checkpoint(f"/{origin_hash(ORIGIN)}/checkpoint").body.startswith(
                signed[0].decode().rpartition("\n\n")[0].partition("\n\n")[2]
            )


class TestCheckpoint:
    def test_shows_monitors_the_newest_with_both_signatures(self, seen_4):
        answer = seen_4.checkpoint(f"/{origin_hash(ORIGIN)}/checkpoint")
        assert answer.status == 200
        assert set(verify_note(parse_note(answer.body), [KEYS[0], KEY])) == {KEYS[0], KEY}

    @pytest.mark.parametrize("path", ["/", "/../key.pem/checkpoint", f"/{'0' * 64}/checkpoint", "/key.pem"])
    def test_knows_no_other_path(self, seen_4, path):
        assert seen_4.checkpoint(path).status == 404

    def test_is_accepted_by_the_judge(self, seen_4, go_judge):
        cosigned = seen_4.checkpoint(f"/{origin_hash(ORIGIN)}/checkpoint").body
        forged = cosigned.replace("\n4\n", "\n5\n")
        cases = [{"Kind": "checkpoint", "Note": each, "Cosigners": 1} for each in (cosigned, forged)]
        accepted, refused = judge.verdicts(go_judge, origin=ORIGIN, keys=[KEYS[0], KEY], cases=cases)
        assert accepted == ""
        assert "invalid signature" in refused
