"""Print what is stored about a user."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts import selectors
from accounts.services.profile import personal_data
from cedrina_base.operator_commands import OperatorCommand


class Command(OperatorCommand):
    help = gettext_noop(
        "Print what is kept about one person as a JSON document, the same that they get at /auth/me/export. "
        "It is recorded; --dry-run only counts the rows of each section and records nothing."
    )
    examples = ("export_user mina",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "person", help=gettext("a username, an address or an id; deleted people are found until erasure")
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        user = selectors.user_by_identifier_or_id(name=options["person"])
        if user is None:
            self.fail("not_found", gettext("Nobody here has this name, address or id."))
        if options["dry_run"]:
            document = asdict(personal_data.collect(user=user, now=timezone.now()))
            counts = {name: _count_rows(document[name]) for name in personal_data.SECTIONS}
            return {"result": "would_export", "id": str(user.pk), "rows": counts}
        document = asdict(personal_data.export(user=user, now=timezone.now()))
        plain: dict[str, Any] = json.loads(json.dumps(document, cls=DjangoJSONEncoder))
        return plain

    def sentence(self, result: dict[str, Any]) -> str:
        return json.dumps(result, indent=2, ensure_ascii=False)


def _count_rows(section: Any) -> int:
    rows = section.get("results", [section]) if isinstance(section, dict) else section
    return len(rows)
