"""Publish the next signing key."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from tokens.conf import token_settings
from tokens.services import keys


class Command(OperatorCommand):
    help = gettext_noop(
        "Publish a new signing key of ACCESS_TOKEN_ALGORITHM. It signs once everybody had time to fetch it; the old "
        "one stays published until its last token has expired. --emergency drops all old keys at once: access tokens "
        "die, refresh tokens go on."
    )
    examples = ("rotate_signing_key", "rotate_signing_key --emergency --yes")
    destroys = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--emergency", action="store_true", help=gettext("drop the old keys at once"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now, is_emergency = timezone.now(), options["emergency"]
        if is_emergency:
            question = gettext(
                "All access tokens die at once, and services that cached the old keys refuse new ones until they look "
                "again. Go on?"
            )
            self.confirm(question, options)
        if options["dry_run"]:
            signs_from = now if is_emergency else now + token_settings.JWKS_PROPAGATION_TTL
            algorithm = token_settings.ACCESS_TOKEN_ALGORITHM
            return {"result": "would_rotate", "kid": None, "algorithm": algorithm, "signs_from": signs_from.isoformat()}
        key = keys.rotate(now=now, emergency=is_emergency)
        return {
            "result": "rotated",
            "kid": key.kid,
            "algorithm": key.algorithm,
            "signs_from": key.activated_at.isoformat(),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        if result["kid"] is None:
            return gettext("A new key (%(algorithm)s) would sign from %(signs_from)s.") % result
        return gettext("Key %(kid)s (%(algorithm)s) is published and signs from %(signs_from)s.") % result
