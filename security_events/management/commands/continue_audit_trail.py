"""Continue the audit trail of a database that was restored from a backup."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.errors import SealingError
from security_events.selectors.sealing import checkpoints
from security_events.services.trail import restored_trail


class Command(OperatorCommand):
    help = gettext_noop(
        "Continue the audit trail after a backup was restored: let new events stand behind the restored ones. With "
        "--rename, go on under another name after an older state was restored than a checkpoint outside is of."
    )
    examples = ("continue_audit_trail --dry-run", 'continue_audit_trail --reason "Restored the backup of Monday"')
    destroys = True

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rename", action="store_true", help=gettext("give the trail another name and a new key"))
        self.add_reason_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        newest = checkpoints.newest_checkpoint()
        state = {"size": newest.size if newest else 0, "size_outside": restored_trail.newest_size_outside()}
        if options["dry_run"]:
            return {"result": "would_continue", "was_restored": restored_trail.was_restored(), **state}
        done = restored_trail.continue_after_restore(now=now)
        moved = {"was_restored": done is not None, "moved_events": done.moved if done else 0, **state}
        if not options["rename"]:
            return {"result": "continued", **moved}
        question = gettext("Go on under another name? Those who verify the trail need its new key.")
        self.confirm(question, options)
        try:
            key = restored_trail.rename(note=options["reason"], now=now)
        except SealingError as refusal:
            self.fail(refusal.code, str(refusal.message))
        return {"result": "renamed", "name": key.name, **moved}

    def sentence(self, result: dict[str, Any]) -> str:
        lines = []
        if result["result"] == "would_continue":
            lines.append(
                gettext("The trail would be continued behind the restored events.")
                if result["was_restored"]
                else gettext("New events stand behind the others: nothing would be done.")
            )
        elif result["was_restored"]:
            lines.append(gettext("The trail is continued. Events moved behind the others: %(moved_events)d.") % result)
        else:
            lines.append(gettext("New events stand behind the others: nothing was to be done."))
        if result["result"] == "renamed":
            lines.append(gettext("The trail is now called %(name)s. Publish its new key.") % result)
        elif result["size_outside"] > result["size"]:
            lines.append(
                gettext(
                    "A checkpoint of size %(size_outside)d is kept outside, the trail ends at %(size)d: an older state "
                    "was restored, so it is not sealed. Restore a newer one, or use --rename."
                )
                % result
            )
        return "\n".join(lines)
