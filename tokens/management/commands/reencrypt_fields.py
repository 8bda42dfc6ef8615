"""Encrypt all encrypted columns under the first key."""

from typing import Any

from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.encryption import DecryptionFailed
from cedrina_base.operator_commands import OperatorCommand
from tokens.services import reencryption


class Command(OperatorCommand):
    help = gettext_noop(
        "Encrypt every encrypted column anew under the first of FIELD_ENCRYPTION_KEYS. May be interrupted and run "
        "again; once it says that nothing is left, the other keys can be taken away."
    )
    examples = ("reencrypt_fields --dry-run",)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        outdated = reencryption.outdated()
        if options["dry_run"]:
            return {"result": "would_reencrypt", "values": outdated}
        try:
            done = reencryption.reencrypt(progress=lambda count: self.progress(count, outdated))
        except DecryptionFailed as refusal:
            remedy = gettext("Put the missing key back into FIELD_ENCRYPTION_KEYS.")
            self.fail("not_decrypted", f"{refusal.sentence()} {remedy}")
        return {"result": "reencrypted", "values": done}

    def sentence(self, result: dict[str, Any]) -> str:
        number = result["values"]
        if result["result"] == "would_reencrypt":
            words = ngettext(
                "%(values)d value would be encrypted anew.", "%(values)d values would be encrypted anew.", number
            )
        else:
            words = ngettext("%(values)d value was encrypted anew.", "%(values)d values were encrypted anew.", number)
        return words % result
