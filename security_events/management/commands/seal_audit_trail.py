"""Seal the audit trail now."""

from base64 import b64encode
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.encryption import DecryptionFailed
from cedrina_base.operator_commands import OperatorCommand
from security_events.errors import SealingError
from security_events.selectors.sealing.checkpoints import audit_keys
from security_events.selectors.sealing.sealing_state import oldest_writer, sealing_state
from security_events.services.trail import sealing
from security_events.verifier import verification_key


class Command(OperatorCommand):
    help = gettext_noop(
        "Append all committed security events to the sealed trail and sign its new size. The background worker does "
        "so by itself; this is for the time without one. May be interrupted and run again."
    )
    examples = ("seal_audit_trail --dry-run",)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        state = sealing_state()
        if options["dry_run"]:
            size = state.checkpoint.size if state.checkpoint else 0
            writer = oldest_writer() if state.held else None
            return {
                "result": "would_seal",
                "events": state.unsealed - state.held,
                "size": size,
                "held": state.held,
                "transaction": writer.name if writer else None,
            }
        try:
            sealed = sealing.seal(
                now=timezone.now(), progress=lambda done: self.progress(done, max(done, state.unsealed))
            )
        except SealingError as refusal:
            self.fail(refusal.code, str(refusal.message))
        except DecryptionFailed as refusal:
            self.fail("not_decrypted", refusal.sentence())
        newest = sealed.checkpoint
        return {
            "result": "sealed",
            "events": sealed.events,
            "size": newest.size if newest else 0,
            "root": b64encode(newest.root).decode() if newest else None,
            "checkpoint": newest.note if newest else None,
            "verification_keys": [verification_key(key.name, bytes(key.public_key)) for key in audit_keys()],
        }

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["events"]
        if result["result"] == "would_seal":
            words = ngettext("%(events)d event would be sealed.", "%(events)d events would be sealed.", number)
            if result["held"]:
                words += " " + gettext("Waiting for a transaction that is still open (%(transaction)s): %(held)d.")
            return words % result
        words = ngettext("%(events)d event was sealed.", "%(events)d events were sealed.", number)
        return f"{words % result} " + gettext("In the trail: %(size)d.") % result
