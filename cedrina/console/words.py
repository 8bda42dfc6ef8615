"""The words of the console's scripts, in the language of the page."""

from collections.abc import Mapping
from typing import Any

from django.utils.encoding import force_str
from django.utils.translation import gettext as _

from security_events.administration.detection import words as detection_words
from security_events.detection import rules
from security_events.models import MODE_NAMES, RESPONSE_NAMES, STATUS_NAMES, VERDICT_NAMES, SinkState
from security_events.models.events import SecurityEvent


def words() -> dict[str, Any]:
    """Return all words by their names; those of one kind are in an object of its own."""
    return {
        "texts": _texts(),
        "severities": _plain(detection_words.severity_names()),
        "outcomes": _plain(dict(_outcomes())),
        "statuses": _plain(STATUS_NAMES),
        "verdicts": _plain(VERDICT_NAMES),
        "modes": _plain(MODE_NAMES),
        "responses": _plain(RESPONSE_NAMES),
        "sinks": _plain(dict(SinkState.choices)),
        "rules": {rule.id: force_str(rule.title) for rule in rules.in_order()},
    }


def _outcomes() -> Any:
    field: Any = SecurityEvent._meta.get_field("outcome")
    return field.flatchoices


def _plain(names: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): force_str(name) for key, name in names.items()}


def _texts() -> dict[str, str]:
    return {
        "live": _("Live"),
        "polling": _("Without a live connection. It is looked at every few seconds."),
        "offline": _("The server can't be reached. What is shown is old; it is tried again."),
        "signedOut": _("Your session has ended. Sign in again."),
        "signInAgain": _("Sign in"),
        "paused": _("Paused"),
        "pause": _("Pause"),
        "goOn": _("Go on"),
        "newEvents": _("New events: %(number)s"),
        "noEvents": _("No event meets these conditions."),
        "noIncidents": _("No incident is open."),
        "nothing": _("Nothing in this time."),
        "minute": _("Minute (UTC)"),
        "signIns": _("Sign-ins"),
        "failures": _("Failures"),
        "refused": _("Refused requests"),
        "others": _("other policies"),
        "risk": _("Risk"),
        "number": _("Number"),
        "events": _("Events"),
        "network": _("Network"),
        "account": _("Account"),
        "rule": _("Rule"),
        "policy": _("Policy"),
        "incidents": _("Incidents"),
        "unknownName": _("a name that no account has"),
        "acknowledge": _("Acknowledge"),
        "resolve": _("Resolve"),
        "reopen": _("Reopen"),
        "undo": _("Take back"),
        "undone": _("taken back"),
        "over": _("over"),
        "inForceUntil": _("in force until %(time)s"),
        "endSessions": _("End all sessions of this person"),
        "toShadow": _("Set to shadow mode"),
        "toEnforce": _("Enforce"),
        "reason": _("Reason"),
        "note": _("Note"),
        "verdict": _("What was it?"),
        "send": _("Do it"),
        "cancel": _("Cancel"),
        "done": _("Done."),
        "wholePage": _("Open its page"),
        "timeline": _("Events of this person"),
        "allAbout": _("All events about %(name)s"),
        "proof": _("Proof in the sealed trail"),
        "publicForm": _("Public form"),
        "whatHappened": _("What happened"),
        "whatWasDone": _("What was done about it"),
        "nothingDone": _("Nothing was done by itself."),
        "counts": _("Counts of the finding"),
        "threshold": _("Threshold"),
        "opened": _("Opened"),
        "grown": _("Last event"),
        "actor": _("Actor"),
        "target": _("Target"),
        "session": _("Session"),
        "address": _("Address"),
        "moment": _("Time (UTC)"),
        "type": _("Type"),
        "severity": _("Severity"),
        "outcome": _("Outcome"),
        "noReason": _("It is recorded with your name. Write no passwords and no personal data."),
        "wouldHave": _("Findings in shadow mode in 30 days: %(number)s"),
        "wouldHaveRefused": _("Would have refused in a day: %(number)s"),
        "precision": _("Attacks among its alarms: %(percent)s %%"),
        "unjudged": _("not judged yet"),
        "sealed": _("All events are sealed."),
        "unsealed": _("Not sealed yet: %(number)s, the oldest for %(time)s"),
        "checkpoint": _("Size of the newest checkpoint: %(size)s, made %(time)s ago"),
        "noCheckpoint": _("There is no checkpoint yet. A background worker makes it."),
        "judged": _("All events were judged by the rules."),
        "unjudgedEvents": _("Not judged by the rules yet: %(number)s, the oldest for %(time)s"),
        "noDetection": _("No worker judges events. Start a background worker."),
        "sink": _("%(state)s; waiting: %(number)s"),
        "noSinks": _("Events are sent nowhere. A copy outside of the database is what its owner can't take back."),
        "noWorkers": _("No background worker runs. Mail, detection and the trail stand still."),
        "worker": _("Worker %(number)s, seen %(time)s ago"),
        "workerLost": _("Worker %(number)s is lost, seen %(time)s ago"),
        "about": _("about %(number)s"),
        "orMore": _("%(number)s or more"),
        "seconds": _("%(number)s s"),
        "minutes": _("%(number)s min"),
        "hours": _("%(number)s h"),
        "days": _("%(number)s d"),
        "waiting": _("waiting"),
        "running": _("running"),
        "failed": _("failed within a day"),
        "critical": _("Critical incident: %(title)s"),
        "silent": _("Your browser plays no alarm until you click on this page or press a key."),
        "conflict": _("Somebody was faster. This is how it is now."),
        "refusedBecause": _("It was refused: %(reason)s"),
        "confirm": _("Confirm that it is you"),
    }
