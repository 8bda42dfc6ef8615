"""Replace the key that signs checkpoints."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.errors import SealingError
from security_events.selectors.sealing.checkpoints import audit_keys, newest_checkpoint
from security_events.services.trail import audit_keys as service
from security_events.verifier import verification_key


class Command(OperatorCommand):
    help = gettext_noop(
        "Sign the next checkpoints of the audit trail with a new key. Checkpoints by the old one stay valid; larger "
        "ones by it are not. Give the new verification key to everybody who verifies the trail."
    )
    examples = ("rotate_audit_key --dry-run",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["dry_run"]:
            newest = newest_checkpoint()
            retired = next((key.kid for key in audit_keys() if key.retired_at is None), None)
            return {"result": "would_rotate", "retired": retired, "size": newest.size if newest else 0}
        try:
            key = service.rotate(now=timezone.now(), reason=options["reason"])
        except SealingError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return {
            "result": "rotated",
            "kid": key.kid,
            "verification_key": verification_key(key.name, bytes(key.public_key)),
            "size": key.began_at_size,
        }

    def sentence(self, result: dict[str, Any]) -> str:
        if result["result"] == "would_rotate":
            return gettext("A new key would sign checkpoints larger than %(size)d.") % result
        return gettext("A new key signs checkpoints larger than %(size)d: %(verification_key)s") % result
