"""The verifier agrees with the judge in Go on each case: those that are right, and hundreds that were changed."""

import base64
import json

from security_events.verifier import (
    VerificationError,
    open_checkpoint,
    parse_hashes,
    parse_note,
    parse_verification_key,
    verify_consistency,
    verify_note,
    verify_proof,
)
from tests.security_events.verifier import vectors

GIVEN = json.loads(vectors.FILE.read_text(encoding="utf-8"))
KEYS = [parse_verification_key(each) for each in GIVEN["keys"]]
ORIGIN = GIVEN["origin"]


def refusal(case):
    """Return why the verifier refuses a case; an empty text if it accepts it."""
    try:
        if case["Kind"] == "checkpoint":
            parsed = parse_note(case["Note"])
            open_checkpoint(parsed, KEYS, origin=ORIGIN)
            cosigners = {key for key in verify_note(parsed, KEYS) if key.type == 4}
            return "" if len(cosigners) == case["Cosigners"] else f"{len(cosigners)} witnesses"
        if case["Kind"] == "inclusion":
            verify_proof(case["Proof"], base64.b64decode(case["Leaf"]), KEYS, origin=ORIGIN)
            return ""
        old, new = (open_checkpoint(case[each], KEYS, origin=ORIGIN) for each in ("Old", "Note"))
        hashes = parse_hashes(case["Hashes"])
        verify_consistency(old=(old.size, old.root), new=(new.size, new.root), hashes=hashes)
    except VerificationError as error:
        return str(error)
    return ""


def test_the_verifier_agrees_with_the_judge():
    refusals = [refusal(case) for case in GIVEN["cases"]]
    differing = [why for case, why in zip(GIVEN["cases"], refusals, strict=True) if case["accepted"] != (why == "")]
    # Go ignores bits of base64 that nothing is read from; RFC 4648, 3.5 lets a reader refuse them, as ours does.
    assert set(differing) <= {"This is no base64: unused bits are set."}
    assert len(differing) <= 2
    assert sum(case["accepted"] for case in GIVEN["cases"]) >= 20
    assert sum(not case["accepted"] for case in GIVEN["cases"]) >= 100


def test_the_cases_are_those_that_the_judge_has_seen():
    assert [{name: value for name, value in case.items() if name != "accepted"} for case in GIVEN["cases"]] == (
        vectors.make_cases()
    )


def test_the_judge_still_says_the_same(go_judge):
    verdicts = vectors.verdicts_of_go(go_judge, vectors.make_cases())
    assert verdicts == [case["accepted"] for case in GIVEN["cases"]]
