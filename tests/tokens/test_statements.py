"""Each statement returns the columns that its row type names, in that order."""

import uuid

import pytest
from django.db import connection

from tokens.services import issuing, rotation, superseded_tokens, verification
from tokens.statements import complete

pytestmark = pytest.mark.django_db
ID, DIGEST = uuid.uuid4(), b"d" * 32


@pytest.mark.parametrize(
    ("statement", "row_type"),
    [
        (verification._READ_SESSION, verification._SessionRow),
        (verification._READ_ADMIN_SESSION, verification._AdminSessionRow),
        (superseded_tokens._READ_FAMILY, superseded_tokens._FamilyRow),
        (superseded_tokens._READ_AND_LOCK_FAMILY, superseded_tokens._FamilyRow),
        (rotation._ROTATE, rotation._RotatedRow),
        (issuing._REPLACE_FAMILY, issuing._ReplacedRow),
        (issuing._OPEN_SESSION, issuing._OpenedRow),
    ],
)
def test_a_row_type_names_the_columns_of_its_statement(statement, row_type, now):
    parameters = {
        **dict.fromkeys(("family_id", "session_id", "user_id"), ID),
        **dict.fromkeys(("network", "kind", "presented", "successor", "token_hash"), DIGEST),
        **dict.fromkeys(("key_epoch", "presented_epoch", "limit"), 1),
        **dict.fromkeys(("absolute", "idle"), now - now),
        **dict.fromkeys(("ip_address", "known_since", "risk"), None),
        "kid": "k",
        "reason": "r",
        "reuse": "r",
        "user_agent": "",
        "amr": [],
        "is_multi_factor": False,
        "reject": True,
        "now": now,
    }
    if row_type in (verification._AdminSessionRow, issuing._OpenedRow):
        parameters["kind"] = "api"
    text = complete(statement, event="SELECT 1", eviction_event="SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute(text, {**parameters, "limit": 0})
        names = [column.name for column in cursor.description]

    ours = [name for name in names if not name.startswith("user_") or name == "user_id"]
    assert tuple(ours) == row_type._fields
    assert names[: len(ours)] == ours
