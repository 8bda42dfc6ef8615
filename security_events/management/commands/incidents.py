"""List incidents, show one, acknowledge, resolve or reopen it, and take a response back."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.detection import rules
from security_events.detection.errors import VerdictInvalid
from security_events.errors import SecurityEventRefusal
from security_events.models import Incident
from security_events.selectors.detection import incidents as selectors
from security_events.selectors.detection.incidents import IncidentFilter
from security_events.selectors.event_filters import SEVERITIES
from security_events.services.detection import incident_changes, responses
from security_events.services.detection.incident_changes import LONGEST_NOTE
from security_events.types import NO_SUBJECT, IncidentStatus, Verdict

_ENTRIES = 20
_STATUSES = {
    "acknowledge": IncidentStatus.ACKNOWLEDGED,
    "resolve": IncidentStatus.RESOLVED,
    "reopen": IncidentStatus.OPEN,
}


class Command(OperatorCommand):
    help = gettext_noop("List incidents, show one, acknowledge, resolve or reopen it, or take a response back.")
    examples = ("incidents list", "incidents list --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listed = self._add(actions, "list", gettext("show the newest incidents"))
        listed.add_argument("--status", choices=list(IncidentStatus), default="")
        listed.add_argument("--severity", choices=list(SEVERITIES), default="", help=gettext("`high+`: that and above"))
        listed.add_argument("--rule", default="", metavar="ID", help=gettext("the id of a rule"))
        listed.add_argument("--limit", type=int, default=50, choices=range(1, 1001), metavar="NUMBER")
        for name, text in (
            ("show", gettext("show an incident with its events and responses")),
            ("acknowledge", gettext("say that somebody works on it")),
            ("resolve", gettext("say what it was; a false alarm takes its responses back")),
            ("reopen", gettext("work on a resolved one again")),
            ("undo", gettext("take one response back")),
        ):
            each = self._add(actions, name, text)
            each.add_argument("incident", type=_uuid, help=gettext("the id of the incident"))
            if name in _STATUSES:
                each.add_argument("--note", help=gettext("what the audit trail keeps about it"))
            if name == "resolve":
                each.add_argument("--verdict", choices=list(Verdict), required=True)
            if name == "undo":
                each.add_argument("--response", type=_uuid, required=True, metavar="ID")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            if options["action"] == "list":
                wanted = IncidentFilter(**{name: options[name] for name in ("status", "severity", "rule")})
                limit = options["limit"]
                rows = selectors.incidents_page(wanted, limit=limit)
                return {"result": "listed", "incidents": [_body(row) for row in rows[:limit]]}
            incident = selectors.incident(incident_id=options["incident"])
            if options["action"] != "show" and options["dry_run"]:
                return {"result": "would_change", "incident": _body(incident)}
            if options["action"] == "undo":
                self._undo(options)
            elif options["action"] != "show":
                self._change(options)
            shown = selectors.incident(incident_id=incident.pk)
            return {"result": options["action"], "incident": {**_body(shown), "timeline": _timeline(shown)}}
        except SecurityEventRefusal as error:
            self.fail(error.code, force_str(error.message))
        except VerdictInvalid as error:
            self.fail("validation_error", force_str(error.sentence))

    def sentence(self, result: dict[str, Any]) -> str:
        if "incidents" in result:
            listed: list[str] = [
                f"{each['id']}  {each['opened_at']:%Y-%m-%d %H:%M}  {each['severity']:8}  {each['status']:12}  "
                f"{each['events']:6}  {each['title']}"
                for each in result["incidents"]
            ]
            return "\n".join(listed) or gettext("There are no such incidents.")
        incident = result["incident"]
        if result["result"] == "would_change":
            return gettext("The incident %(id)s would be changed.") % {"id": incident["id"]}
        names = ("id", "title", "severity", "status", "verdict", "subject", "network", "events", "opened_at", "note")
        lines = [f"{name}: {incident[name] or '-'}" for name in names]
        lines += [f"evidence {name}: {value}" for name, value in incident["evidence"].items()]
        lines += [f"response {each['id']}: {each['kind']}, {each['state']}" for each in incident["responses"]]
        return "\n".join(
            [*lines, *(f"{each['at']:%Y-%m-%d %H:%M:%S}  {each['type']}" for each in incident["timeline"])]
        )

    def _add(self, actions: Any, name: str, text: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=text)
        super().add_arguments(parser)
        return parser

    def _undo(self, options: dict[str, Any]) -> None:
        responses.undo(
            response_id=options["response"], incident_id=options["incident"], actor=NO_SUBJECT, now=timezone.now()
        )

    def _change(self, options: dict[str, Any]) -> None:
        note = options["note"]
        if note is not None and len(note) > LONGEST_NOTE:
            sentence = gettext("A note has %(most)d characters at most.")
            self.fail("validation_error", sentence % {"most": LONGEST_NOTE})
        verdict = options.get("verdict")
        incident_changes.change(
            incident_id=options["incident"],
            status=_STATUSES[options["action"]],
            verdict=Verdict(verdict) if verdict else None,
            note=note,
            actor=NO_SUBJECT,
            now=timezone.now(),
        )


def _body(incident: Incident) -> dict[str, Any]:
    rule, now = rules.find(incident.rule), timezone.now()
    return {
        "id": str(incident.pk),
        "rule": incident.rule,
        "title": force_str(rule.title) if rule else incident.rule,
        "status": incident.status,
        "severity": incident.severity,
        "subject": incident.subject,
        "network": incident.network,
        "events": incident.events,
        "risk_score": incident.risk_score,
        "evidence": incident.evidence,
        "verdict": incident.verdict,
        "note": incident.note,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "responses": [
            {
                "id": str(row.pk),
                "kind": row.kind,
                "state": "undone" if row.undone_at else "in_force" if row.ends_at and row.ends_at > now else "over",
                "ends_at": row.ends_at,
            }
            for row in sorted(incident.responses.all(), key=lambda each: each.pk)
        ],
    }


def _timeline(incident: Incident) -> list[dict[str, Any]]:
    entries = selectors.timeline_page(incident_id=incident.pk, limit=_ENTRIES)[:_ENTRIES]
    return [
        {"id": str(each.event_id), "at": each.at, "type": each.event.type if each.event else "-"} for each in entries
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(gettext("an id looks like 01972b5c-0000-7000-8000-000000000000")) from error
