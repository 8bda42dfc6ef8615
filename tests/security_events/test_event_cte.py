import re
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from structlog.testing import capture_logs

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.errors import UndeclaredEventType
from security_events.event_cte import AppendedEvent, append_sql
from security_events.models import SecurityEvent
from security_events.services.recording import record
from security_events.types import Subject
from tokens.event_types import SESSION_REVOKED

pytestmark = pytest.mark.django_db


class TestAppendedEvent:
    def statement(self, rows, **details):
        append = append_sql(source="source", columns={"session_id": "source.id", "target_id": "source.owner"})
        event = AppendedEvent(SESSION_REVOKED, data={"reason": "logout"}, **details)
        values = ", ".join(f"('{row}'::uuid, '{number}')" for number, row in enumerate(rows))
        source = f"SELECT * FROM (VALUES {values}) AS t (id, owner)" if rows else "SELECT NULL::uuid, '' WHERE FALSE"
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH source (id, owner) AS ({source}), event AS ({append}) SELECT count(*) FROM source",
                event.params,
            )
        return event

    def test_records_one_event_for_each_row_of_its_source(self):
        rows = [uuid.uuid4() for _ in range(3)]
        self.statement(rows)

        events = SecurityEvent.objects.filter(session_id__in=rows).order_by("target_id")
        assert [(event.session_id, event.target_id) for event in events] == list(
            zip(rows, ["0", "1", "2"], strict=True)
        )
        assert len({event.id for event in events}) == 3
        assert {event.data["reason"] for event in events} == {"logout"}

    def test_records_nothing_without_a_row(self):
        before = SecurityEvent.objects.count()
        self.statement([])

        assert SecurityEvent.objects.count() == before

    def test_binds_what_looks_like_sql(self):
        row = uuid.uuid4()
        name = "'); DROP TABLE security_events_event; -- %(x)s {y}"
        self.statement([row], actor=Subject(id=name, name=name))

        assert SecurityEvent.objects.get(session_id=row).actor_id == name[:64]

    def test_refuses_a_type_that_the_catalogue_does_not_list(self):
        with pytest.raises(UndeclaredEventType):
            AppendedEvent("account.abducted")

    def test_logs_what_only_the_statement_knew(self, django_capture_on_commit_callbacks):
        row = uuid.uuid4()
        with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
            self.statement([row]).announce(session_id=row)

        assert lines[0]["session_id"] == str(row)


class TestTable:
    def test_has_every_column_of_the_model(self):
        with connection.cursor() as cursor:
            described = connection.introspection.get_table_description(cursor, SecurityEvent._meta.db_table)

        # PostgreSQL itself writes the transaction, and no form of an event shows it.
        appended = {column.name for column in described} - {"transaction_id"}
        assert appended == {field.column for field in SecurityEvent._meta.fields}
        text = append_sql()
        listed = re.search(r"\((.*?)\)", text, re.DOTALL)[1]
        assert appended == {name.strip() for name in listed.split(",")}

    def test_keeps_moments_of_any_age(self):
        for moment in (datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)):
            assert SecurityEvent.objects.get(id=record(LOGIN_SUCCEEDED, now=moment)).occurred_at == moment
