"""The command ``python -m security_events.verifier``: verify an export or a proof without Django and a database.

Exit codes: 0 if nothing wrong was found, 1 if something was, 2 if it could not be verified.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from security_events.verifier.errors import NoteMalformed, VerificationError
from security_events.verifier.exports.checkpoint_files import KeptNote, read_notes
from security_events.verifier.exports.event_lines import EventLine
from security_events.verifier.exports.verification import Progress, companion, verify_export
from security_events.verifier.keys import VerificationKey, parse_verification_key
from security_events.verifier.notes import parse_note
from security_events.verifier.proofs import verify_proof
from security_events.verifier.reports import Report
from security_events.verifier.trust import TrustedKey, cosigned_at, judge_checkpoint, keys_of_jwks

WRONG = 1
NOT_VERIFIED = 2


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.proof:
            return _verify_proof(options)
        report = verify_export_file(
            options.export,
            keys=trusted_keys(jwks=options.jwks, vkeys=options.vkey),
            outside=[note for path in options.checkpoint for note in read_notes(path)],
            witnesses=[parse_verification_key(each) for each in options.witness],
            now=time.time(),
        )
    except (VerificationError, OSError) as error:
        _write(f"Could not be verified: {error}", sys.stderr)
        return NOT_VERIFIED
    _write(json.dumps(report.as_json()) if options.json else "\n".join(report.lines()), sys.stdout)
    return 0 if report.ok else WRONG


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m security_events.verifier", description=__doc__.partition(":")[2])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--export", type=Path, help="file of events, one a line")
    what.add_argument("--proof", type=Path, help="proof of one event (.tlog-proof); give the event with --event")
    parser.add_argument("--event", type=Path, help="the event as JSON")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="checkpoints that were kept elsewhere"
    )
    parser.add_argument("--jwks", type=Path, help="file of a JSON Web Key Set with the audit keys")
    parser.add_argument("--vkey", action="append", default=[], help="audit key in the form name+id+base64")
    parser.add_argument("--witness", action="append", default=[], help="key of a witness, in the same form")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def trusted_keys(*, jwks: Path | None, vkeys: Sequence[str]) -> list[TrustedKey]:
    """Return the keys of the options.

    Raises: NoteMalformed, also if there is none; OSError.
    """
    keys = [TrustedKey(parse_verification_key(each)) for each in vkeys]
    if jwks is not None:
        try:
            keys += keys_of_jwks(json.loads(jwks.read_bytes()))
        except ValueError:
            raise NoteMalformed(f"{jwks.name} is no JSON.") from None
    if not keys:
        raise NoteMalformed("There is no audit key to verify with. Give one with --vkey or --jwks.")
    return keys


def verify_export_file(
    export: Path,
    *,
    keys: Sequence[TrustedKey],
    outside: Sequence[KeptNote],
    witnesses: Sequence[VerificationKey],
    now: float,
    progress: Progress | None = None,
) -> Report:
    """Verify an export with the files beside it, and with checkpoints from elsewhere.

    ``now`` is in seconds since 1970.

    Raises: VerificationError, OSError.
    """
    own = companion(export, "checkpoint")
    own_notes = [each.note for each in read_notes(own)] if own.exists() else []
    if not own_notes and not outside:
        raise NoteMalformed(f"There is no checkpoint to compare with: {own.name} is not there. Give --checkpoint.")
    report = verify_export(
        export,
        checkpoints=[judge_checkpoint(each, keys) for each in own_notes],
        outside=[judge_checkpoint(each.note, keys) for each in outside],
        progress=progress,
    )
    report.not_covered.newest_outside_checkpoint_age = outside_age(
        report, kept=outside, own=own_notes, witnesses=witnesses, now=now
    )
    return report


def outside_age(
    report: Report, *, kept: Sequence[KeptNote], own: Sequence[str], witnesses: Sequence[VerificationKey], now: float
) -> float | None:
    """Return the age in seconds of the newest checkpoint that is known to others and fits; ``None`` if none does.

    ``own`` are notes of the trail that witnesses may have signed. The time is that of a witness's signature, or else
    that of the file in which the checkpoint was kept.
    """
    times: list[float] = []
    if report.newest_outside is not None:
        times += [cosigned_at(parse_note(each.note), witnesses) or each.modified_at for each in kept]
    if report.ok and witnesses:
        times += filter(None, (cosigned_at(parse_note(each), witnesses) for each in own))
    return max(0.0, now - max(times)) if times else None


def _verify_proof(options: Namespace) -> int:
    if not options.event:
        raise NoteMalformed("Give the event that the proof is of with --event.")
    keys = [each.key for each in trusted_keys(jwks=options.jwks, vkeys=options.vkey)]
    event = EventLine(1, options.event.read_bytes().strip()).canonical()
    try:
        checkpoint = verify_proof(options.proof.read_bytes(), event, keys)
    except VerificationError as error:
        _write(json.dumps({"ok": False, "reason": str(error)}) if options.json else f"WRONG. {error}", sys.stdout)
        return WRONG
    found = {"ok": True, "origin": checkpoint.origin, "size": checkpoint.size}
    sentence = f"OK. The event stands in the trail of {checkpoint.origin}, of {checkpoint.size} events."
    _write(json.dumps(found) if options.json else sentence, sys.stdout)
    return 0


def _write(text: str, stream: TextIO) -> None:
    print(text, file=stream)
