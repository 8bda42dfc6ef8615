"""Rotate the key that refresh tokens are made with."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from cedrina_base.operator_commands import OperatorCommand
from tokens.errors import RefreshEpochsExhausted
from tokens.services import refresh_keys


class Command(OperatorCommand):
    help = gettext_noop(
        "Make refresh tokens with the next key. Sessions move to it with their next refresh, and nobody is signed out. "
        "--emergency refuses all tokens of the former keys at once and ends their sessions."
    )
    examples = ("rotate_refresh_key --dry-run",)
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--emergency", action="store_true", help=gettext("refuse the former keys at once"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now, is_emergency = timezone.now(), options["emergency"]
        try:
            epoch, minimum = refresh_keys.next_epochs(emergency=is_emergency)
            before = refresh_keys.sessions_before(epoch=epoch, now=now)
            if is_emergency:
                self.confirm(_question(before), options)
            result = {"epoch": epoch, "minimum_epoch": minimum, "sessions_before": before, "sessions_ended": 0}
            if options["dry_run"]:
                return {"result": "would_rotate", **result}
            row = refresh_keys.rotate(now=now, emergency=is_emergency)
        except RefreshEpochsExhausted as refusal:
            self.fail(refusal.code, str(refusal.message))
        result |= {"epoch": row.current, "minimum_epoch": row.minimum}
        if is_emergency:
            result["sessions_ended"] = refresh_keys.end_refused_sessions(
                now=now, progress=lambda done: self.progress(done, before)
            )
        return {"result": "rotated", **result}

    def sentence(self, result: dict[str, Any]) -> str:
        if result["result"] == "would_rotate":
            words = ngettext(
                "Epoch %(epoch)d would begin; %(sessions_before)d session has a token of an earlier one.",
                "Epoch %(epoch)d would begin; %(sessions_before)d sessions have a token of an earlier one.",
                result["sessions_before"],
            )
            return words % result
        words = ngettext(
            "Epoch %(epoch)d has begun; %(sessions_ended)d session ended.",
            "Epoch %(epoch)d has begun; %(sessions_ended)d sessions ended.",
            result["sessions_ended"],
        )
        return words % result


def _question(sessions: int) -> str:
    words = ngettext(
        "%(number)d session ends, and its person has to sign in again. Go on?",
        "%(number)d sessions end, and their people have to sign in again. Go on?",
        sessions,
    )
    return words % {"number": sessions}
