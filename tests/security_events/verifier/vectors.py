"""Fixed cases with the verdicts of the judge in Go, so that a machine without Go is measured by it, too.

``python -m tests.security_events.verifier.vectors`` writes them anew, where Go is installed.
"""

import base64
import json
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from security_events.trail.tree_shape import Leaves, Subtree, consistency_path, inclusion_path, run_root
from security_events.verifier import (
    InclusionProof,
    VerificationKey,
    cosign_text,
    hash_lines,
    parse_note,
    proof_file,
    tree_root,
    with_signatures,
)
from tests.security_events.verifier import judge
from tests.security_events.verifier.made_trail import EVENTS, KEYS, LEAVES, ORIGIN, SIZES, note

FILE = Path(__file__).parent / "vectors.json"
WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)
WITNESS_KEY = VerificationKey("witness.example", WITNESS.public_key().public_bytes_raw(), 4)
HASHES = {
    Subtree(level, at): tree_root(LEAVES[at << level : (at + 1) << level])
    for level in (0, 4)
    for at in range(len(LEAVES) >> level)
}


def cosigned(size, time=1_790_000_000):
    signature = cosign_text(parse_note(note(size)).text, WITNESS_KEY.name, WITNESS, time=time)
    return str(with_signatures(parse_note(note(size)), [signature]))


def inclusion(index, size):
    hashes = tuple(run_root(run, HASHES) for run in inclusion_path(index, size))
    leaf = base64.b64encode(EVENTS[index]).decode()
    return {"Kind": "inclusion", "Proof": proof_file(InclusionProof(index, hashes, note(size))), "Leaf": leaf}


def consistency(old, new):
    hashes = hash_lines([run_root(run, HASHES) for run in consistency_path(old, new)])
    return {"Kind": "consistency", "Old": note(old), "Note": note(new), "Hashes": hashes}


def changes(case):
    """Yield the case with each of its texts changed at some places, and with lines left out, repeated or swapped."""
    for name in ("Note", "Old", "Proof"):
        text = case.get(name, "")
        for at in range(3, len(text), 41):
            yield {**case, name: text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]}
        lines = text.split("\n")
        for at in range(len(lines)):
            yield {**case, name: "\n".join(lines[:at] + lines[at + 1 :])}
            yield {**case, name: "\n".join([*lines[:at], *lines[at : at + 1], *lines[at:]])}
    for at in range(len(case.get("Hashes", ()))):
        yield {**case, "Hashes": case["Hashes"][:at] + case["Hashes"][at + 1 :]}
        yield {**case, "Hashes": [*case["Hashes"][:at], hash_lines([LEAVES[0]])[0], *case["Hashes"][at + 1 :]]}
    if "Leaf" in case:
        yield {**case, "Leaf": base64.b64encode(EVENTS[-1] + b" ").decode()}


def make_cases():
    right = [{"Kind": "checkpoint", "Note": note(size), "Cosigners": 0} for size in SIZES]
    right += [{"Kind": "checkpoint", "Note": cosigned(size), "Cosigners": 1} for size in SIZES[:2]]
    right += [inclusion(index, size) for size in (7, 16, 40) for index in (0, 3, 6)]
    right += [
        consistency(old, new) for old, new in ((7, 16), (7, 40), (16, 17), (16, 40), (17, 30), (30, 40), (40, 40))
    ]
    wrong = [changed for case in [*right[:2], right[5], right[8], right[15], right[16]] for changed in changes(case)]
    return [*right, *wrong]


def verdicts_of_go(binary, cases):
    answers = judge.verdicts(binary, origin=ORIGIN, keys=[*KEYS, WITNESS_KEY], cases=cases)
    return [answer == "" for answer in answers]


if __name__ == "__main__":
    cases = make_cases()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = verdicts_of_go(judge.build(judge.FOLDER, Path(folder)), cases)
    keys = [str(key) for key in (*KEYS, WITNESS_KEY)]
    listed = [{**case, "accepted": verdict} for case, verdict in zip(cases, verdicts, strict=True)]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in listed)
    head = f'{{"origin": {json.dumps(ORIGIN)}, "keys": {json.dumps(keys)}, "cases": [\n'
    FILE.write_text(f"{head}{lines}\n]}}\n", encoding="utf-8")
