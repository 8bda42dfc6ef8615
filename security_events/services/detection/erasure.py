"""Delete what detection keeps of people who were erased.

Whoever erases an account calls ``forget``, and records an event of a type that ``erases_target``. The worker may have
earlier events of the account still before it: when it comes to that event, it forgets what it has made of them.
"""

from collections.abc import Collection, Sequence

from django.db import connection, transaction

from security_events.catalogue import CATALOGUE
from security_events.selectors.trail import TrailEvent

# Events name the account for good; facts also hold addresses. The key of an incident must stay unique for its rule.
_STATEMENTS = (
    "DELETE FROM security_events_detectionfact WHERE account = ANY(%(ids)s)",
    # A fact whose actor is not its account has the actor as its operator, too (facts.fact_of), and an index of it.
    "DELETE FROM security_events_detectionfact WHERE operator <> '' AND operator = ANY(%(ids)s)",
    "DELETE FROM security_events_shadowreport WHERE key = ANY(%(ids)s)",
    """
    UPDATE security_events_incidentresponse response SET subject = '', session_id = NULL, network = '', evidence = '{}'
    FROM security_events_incident incident
    WHERE incident.id = response.incident_id AND incident.subject = ANY(%(ids)s)
    """,
    """
    UPDATE security_events_incident
    SET subject = '', key = 'erased ' || id, network = '', risk_reasons = '[]', version = version + 1
    WHERE subject = ANY(%(ids)s)
    """,
)


def forget(*, accounts: Sequence[str]) -> None:
    """Delete the facts of accounts and their names in incidents and responses; all or nothing.

    Incidents stay, with the number of their events, their verdict and the operator's note: they tell how good a rule
    is. Those about a network stay as they are: they name no person.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, {"ids": list(accounts)})


def forget_erased_in(events: Sequence[TrailEvent]) -> None:
    """Forget the targets of those events that say that somebody was erased."""
    erasing: Collection[str] = {name for name, each in CATALOGUE.items() if each.erases_target}
    targets = {event.form["target_id"] for event in events if event.form["type"] in erasing}
    if targets := targets - {None}:
        forget(accounts=sorted(targets))
