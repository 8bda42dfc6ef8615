"""Lists of accounts for operators read by indexes."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import user_lists
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

MANY = 20_000
_INSERT = """
INSERT INTO accounts_user (
    id, password, username, email, email_folded, full_name, locale, tier, department, location, is_active, is_staff,
    is_superuser, is_mfa_enabled, version, created_at, updated_at, deleted_at
)
SELECT gen_random_uuid(), '!', 'name' || n, 'm' || n || '@example.com', 'm' || n || '@example.com', '', 'en', 'free',
    '', '', mod(n, 5000) <> 0, mod(n, 4000) = 0, mod(n, 8000) = 0, FALSE, 1, now(), now(),
    CASE WHEN mod(n, 6000) = 1 THEN now() END
FROM generate_series(1, %s) n
"""
_GRANT = """
INSERT INTO access_rolegrant (id, subject, role, expires_at, reason, granted_by, granted_at)
SELECT gen_random_uuid(), 'user:' || id, 'admin', NULL, '', '', now() FROM accounts_user WHERE is_superuser
UNION ALL
SELECT gen_random_uuid(), 'user:' || id, 'admin', %s, '', '', now() FROM accounts_user WHERE username = 'name1'
UNION ALL
SELECT gen_random_uuid(), subject, 'admin', NULL, '', '', now()
FROM unnest(ARRAY['user:7', 'client:00000000-0000-0000-0000-000000000000']) AS subject
"""
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def many(db):
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [MANY])
        cursor.execute(_GRANT, [NOW])
        cursor.execute("ANALYZE accounts_user")


def plan_of(**conditions):
    """Return the page and how PostgreSQL found it."""
    with CaptureQueriesContext(connection) as captured:
        page = user_lists.page(**conditions, now=NOW, limit=50)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {captured[-1]['sql']}")
        return page, "\n".join(row[0] for row in cursor.fetchall())


# The arguments of a page, and how many of the first 50 there are.
PAGES = [
    ({}, 50),
    ({"before": uuid.UUID(int=2**127)}, 50),
    ({"is_active": False}, 4),
    ({"is_active": True}, 50),
    ({"is_deleted": True}, 4),
    ({"role": "admin"}, 2),
    ({"role": user_lists.STAFF}, 5),
    ({"search": "NAME1234"}, 11),
    ({"search": "m777@"}, 1),
    ({"search": "M1234"}, 11),
    ({"search": "nobody"}, 0),
    ({"search": str(uuid.UUID(int=1))}, 0),
    ({"search": "name1234", "is_active": False}, 0),
]


class TestPage:
    def test_reads_no_table_from_end_to_end(self, many):
        for conditions, number in PAGES:
            page, plan = plan_of(**conditions)

            assert len(page.users) == number, conditions
            assert "Seq Scan on accounts_user" not in plan, (conditions, plan)

    def test_finds_signs_of_patterns_as_they_are(self):
        UserFactory(username="name1")
        for text in ("name%", "name_", "name\\"):
            assert user_lists.page(search=text, now=NOW, limit=1).users == []
