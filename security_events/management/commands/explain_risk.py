"""Say why a sign-in had its risk, and compute it again."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.errors import EventNotFound
from security_events.selectors.event_pages import event_by_id
from security_events.services.detection.risk_explanation import body_of, explain


class Command(ReportingCommand):
    help = gettext_noop(
        "Explain the risk of a sign-in: each feature with its weight and its evidence, and the threshold that was "
        "reached. The risk is computed again from the event alone; if that gives another one, the command fails."
    )
    examples = ("explain_risk 019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("id", help=gettext("the id of the event of the sign-in"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            form = event_by_id(UUID(options["id"]))
        except ValueError:
            self.fail("usage", gettext("This is no id of an event."), exit_code=USAGE)
        except EventNotFound as refusal:
            self.fail(refusal.code, str(refusal.message))
        explained = explain(form)
        if explained is None:
            self.fail("not_found", gettext("This event has no risk that was computed."))
        if explained.recomputed != explained.score:
            self.fail(
                "risk_differs",
                gettext("The event says %(score)d, but its evidence gives %(recomputed)d.")
                % {"score": explained.score, "recomputed": explained.recomputed},
            )
        return {"id": form["id"], "type": form["type"], **body_of(explained)}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(result["explanation"])
        self.table(
            (gettext("feature"), gettext("weight"), gettext("evidence")),
            [(each["name"], f"{each['weight'] / 10:+.1f}", each["explanation"]) for each in result["features"]],
        )
