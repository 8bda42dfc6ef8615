"""Signed notes, keys, checkpoints and proof files. The vectors are those of the specifications."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.verifier import (
    EMPTY_ROOT,
    Checkpoint,
    InclusionProof,
    NoteMalformed,
    ProofInvalid,
    SignatureInvalid,
    SignerUnknown,
    VerificationKey,
    checkpoint_body,
    cosign_text,
    leaf_hash,
    node_hash,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_proof,
    parse_verification_key,
    proof_file,
    sign_note,
    verification_key,
    verify_note,
    verify_proof,
    with_signatures,
)

# C2SP signed-note, "Example".
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNATURE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
NOTE = f"This is an example message.\n\n{SIGNATURE}"

ORIGIN = "log.example"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
KEY = VerificationKey(ORIGIN, PRIVATE_KEY.public_key().public_bytes_raw())
LEAVES = [leaf_hash(b"a"), leaf_hash(b"b")]
ROOT = node_hash(*LEAVES)
BODY = checkpoint_body(Checkpoint(ORIGIN, 2, ROOT))
SIGNED = sign_note(BODY, ORIGIN, PRIVATE_KEY)


class TestVerifyNote:
    def test_accepts_the_specification_s_example(self):
        key = parse_verification_key(VKEY)
        assert verify_note(parse_note(NOTE.encode()), [key]) == [key]
        assert str(key) == VKEY == verification_key(key.name, key.public_key)

    @pytest.mark.parametrize("changed", [NOTE.replace("example m", "Example m"), NOTE.replace("eyaQM=", "eyaQA=")])
    def test_refuses_a_changed_text_or_signature(self, changed):
        with pytest.raises(SignatureInvalid):
            verify_note(parse_note(changed), [parse_verification_key(VKEY)])

    def test_knows_only_the_keys_that_it_is_given(self):
        with pytest.raises(SignerUnknown):
            verify_note(parse_note(NOTE), [KEY])
        with pytest.raises(SignerUnknown):
            verify_note(parse_note(NOTE), [])

    def test_ignores_unknown_signatures_beside_a_known_one(self):
        other = sign_note("This is an example message.\n", ORIGIN, PRIVATE_KEY)
        both = with_signatures(parse_note(other), parse_note(NOTE).signatures)
        assert verify_note(both, [parse_verification_key(VKEY)]) == [parse_verification_key(VKEY)]
        # A signature of the known key that does not fit makes the whole note worthless.
        with pytest.raises(SignatureInvalid):
            verify_note(both._replace(text="Another message.\n"), [KEY])


class TestParseNote:
    @pytest.mark.parametrize(
        "note",
        [
            "",
            "text\n",
            "text\n\n",
            f"text\n{SIGNATURE}",
            f"text\n\n{SIGNATURE[:-1]}",
            f"text\n\n{SIGNATURE}\n",
            f"te\rxt\n\n{SIGNATURE}",
            f"te\x00xt\n\n{SIGNATURE}",
            b"te\xffxt\n\n" + SIGNATURE.encode(),
            "te\udc80xt\n\n" + SIGNATURE,
            f"text\n\n{SIGNATURE.replace('—', '-')}",
            f"text\n\n{SIGNATURE.replace('com/foo', 'com+foo')}",
            "text\n\n" + SIGNATURE.replace("com/foo", "com\u2003foo"),
            f"text\n\n{SIGNATURE.replace('QM=', 'QN=')}",  # bits that nothing is read from
            f"text\n\n{SIGNATURE.replace('QM=', 'Q-=')}",
            f"text\n\n{SIGNATURE.replace('QM=', 'Q')}",
            "text\n\n— name AAAAAA==\n",
            "text\n\n—  AAAAAAA=\n",
            f"text\n\n{SIGNATURE * 101}",
            "x" * 2**20 + f"\n\n{SIGNATURE}",
        ],
    )
    def test_refuses_what_is_no_note(self, note):
        with pytest.raises(NoteMalformed):
            parse_note(note)

    def test_separates_at_the_last_blank_line(self):
        assert parse_note(f"a\n\nb\n\n{SIGNATURE}").text == "a\n\nb\n"

    def test_gives_the_note_back_as_it_was(self):
        assert str(parse_note(NOTE)) == NOTE


class TestParseVerificationKey:
    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "name",
            VKEY.replace("530d903a", "530d903b"),
            VKEY.replace("530d903a", "530D903A"),
            VKEY.replace("example.com/foo", "example.com/fop"),
            VKEY.replace("U2k", "U2l"),
            verification_key("a", bytes(32)).replace("+AQ", "+Ag"),
            VKEY.replace("foo+", "fo o+"),
        ],
    )
    def test_refuses_what_is_no_key(self, vkey):
        with pytest.raises(NoteMalformed):
            parse_verification_key(vkey)


class TestCheckpoints:
    def test_reads_the_specification_s_example(self):
        body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        checkpoint = parse_checkpoint(body)
        assert checkpoint.size == 20852163
        assert checkpoint_body(checkpoint) == body

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "origin\n",
            f"{ORIGIN}\n1\n",
            BODY[:-1],
            BODY.replace("\n2\n", "\n02\n"),
            BODY.replace("\n2\n", "\n-2\n"),
            BODY.replace("\n2\n", "\n٢\n"),
            BODY.replace("\n2\n", "\n9223372036854775808\n"),
            BODY.replace(ORIGIN, ""),
            BODY.replace("=", ""),
            f"{ORIGIN}\n2\nAAAA\n",
            f"{BODY}\n",
            f"{BODY}\nextension\n",
        ],
    )
    def test_refuses_what_is_no_checkpoint(self, body):
        with pytest.raises(NoteMalformed):
            parse_checkpoint(body)

    def test_keeps_extension_lines(self):
        assert parse_checkpoint(f"{BODY}extension\n").extensions == ("extension",)

    def test_accepts_the_empty_tree(self):
        assert parse_checkpoint(checkpoint_body(Checkpoint(ORIGIN, 0, EMPTY_ROOT))).size == 0

    def test_opens_with_the_key_of_the_log_alone(self):
        assert open_checkpoint(SIGNED, [KEY]) == Checkpoint(ORIGIN, 2, ROOT)
        with pytest.raises(SignatureInvalid):
            open_checkpoint(SIGNED, [KEY], origin="another.example")
        elsewhere = sign_note(BODY.replace(ORIGIN, "another.example"), ORIGIN, PRIVATE_KEY)
        with pytest.raises(SignatureInvalid):
            open_checkpoint(elsewhere, [KEY])

    def test_does_not_take_a_cosignature_for_the_log_s_own(self):
        witness = KEY._replace(type=4)
        note = with_signatures(parse_note(SIGNED), [cosign_text(BODY, ORIGIN, PRIVATE_KEY, time=1)])
        assert set(verify_note(note, [KEY, witness])) == {KEY, witness}
        cosigned = note._replace(signatures=note.signatures[1:])
        with pytest.raises(SignerUnknown):
            open_checkpoint(cosigned, [witness])
        with pytest.raises(SignatureInvalid):
            verify_note(parse_note(str(cosigned).replace("AAAAAAB", "AAAAAAC")), [witness])


class TestProofFiles:
    PROOF = InclusionProof(1, (LEAVES[0],), SIGNED, b"extra")

    def test_prove_an_event_by_themselves(self):
        text = proof_file(self.PROOF)
        assert parse_proof(text.encode()) == self.PROOF
        assert verify_proof(text, b"b", [KEY]).size == 2
        with pytest.raises(ProofInvalid):
            verify_proof(text, b"c", [KEY])
        with pytest.raises(ProofInvalid):
            verify_proof(text.replace("index 1", "index 0"), b"b", [KEY])

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("@v1", "@v2"),
            ("index 1", "index 01"),
            ("index 1\n", ""),
            ("extra ZXh0cmE=", "extra ZXh0cmF="),
            ("\n\nlog", "\nlog"),
            (base64.b64encode(LEAVES[0]).decode(), "AAAA"),
        ],
    )
    def test_are_read_strictly(self, old, new):
        text = proof_file(self.PROOF)
        assert old in text
        with pytest.raises(NoteMalformed):
            verify_proof(text.replace(old, new, 1), b"b", [KEY])
