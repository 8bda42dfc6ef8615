"""Events that are written straight into the trail of a served database, in transactions of a test's choice."""

import contextlib
from urllib.parse import urlsplit, urlunsplit

import psycopg

_INSERT = """
INSERT INTO security_events_event (
    id, occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym, target_id, target_name,
    correlation_id, user_agent, risk_score, risk_reasons, data
)
SELECT security_events_uuid7(), clock_timestamp(), %(type)s, 'authentication', %(severity)s, 'success', '', '', '', '',
       '', '', '', 0, '[]',
       jsonb_build_object('number', number, 'written_at', extract(epoch from clock_timestamp())::text)
FROM generate_series(%(first)s::int, %(last)s::int) AS number
RETURNING id::text
"""


class EventWriter:
    """One connection. Each event bears a number, so that a test sees what is missing or came twice."""

    def __init__(self, connection):
        self.connection = connection

    def write(self, first, last=None, *, event_type="authentication.login_succeeded", severity="info"):
        """Write events with these numbers in the open transaction, or in one of their own; return their ids."""
        parameters = {"first": first, "last": first if last is None else last, "type": event_type, "severity": severity}
        return [row[0] for row in self.connection.execute(_INSERT, parameters).fetchall()]


@contextlib.contextmanager
def event_writer(url):
    """Connect to a database, given its URL for Django."""
    libpq = urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
    with psycopg.connect(libpq, autocommit=True) as connection:
        yield EventWriter(connection)


def number_of(frame):
    """Return the number of the event in a frame; None for frames of others."""
    return frame.get("event", {}).get("data", {}).get("number") if frame["type"] == "event" else None
