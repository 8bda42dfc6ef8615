"""Move encrypted columns to the first key."""

from typing import Any

from security_events.management.operator_command import OperatorCommand
from tokens.encryption import DecryptionFailed
from tokens.services import reencryption


class Command(OperatorCommand):
    help = (
        "Encrypt every encrypted column anew under the first of FIELD_ENCRYPTION_KEYS. May be interrupted and run "
        "again; once it says that nothing is left, the other keys can be taken away."
    )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        outdated = reencryption.outdated()
        if options["dry_run"]:
            return {"result": "would_reencrypt", "values": outdated}
        try:
            done = reencryption.reencrypt(progress=lambda count: self.progress(count, outdated))
        except DecryptionFailed as refusal:
            self.fail("not_decrypted", f"{refusal} Put the missing key back into FIELD_ENCRYPTION_KEYS.")
        return {"result": "reencrypted", "values": done}

    def sentence(self, result: dict[str, Any]) -> str:
        verb = "would be" if result["result"] == "would_reencrypt" else "were"
        return f"{result['values']} values {verb} encrypted anew."
