"""A sealed trail that its owner tampers with: what the owner of the tables can do, as functions."""

from contextlib import contextmanager
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from security_events.event_form import canonical_bytes
from security_events.models import TRAIL_TABLES, AuditKey
from security_events.selectors.trail import START, events_after
from security_events.services.trail import audit_keys, sealing
from security_events.verifier import (
    Checkpoint,
    VerificationKey,
    checkpoint_body,
    cosign_text,
    leaf_hash,
    parse_note,
    sign_note,
    tree_root,
)
from tests.security_events.sealed import as_owner, record_events, seal_all

EVENTS = "security_events_event"
LEAVES, SUBTREES, CHECKPOINTS, COSIGNATURES = TRAIL_TABLES

WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
WITNESS_KEY = VerificationKey("witness.example", WITNESS.public_key().public_bytes_raw(), 4)


def empty_trail():
    with as_owner(EVENTS, *TRAIL_TABLES) as cursor:
        for table in reversed((EVENTS, *TRAIL_TABLES)):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM security_events_auditkey")


def rows(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def owner(statement, *parameters, tables=(EVENTS, *TRAIL_TABLES)):
    """Run a statement as the tables' owner, with their triggers off."""
    with as_owner(*tables) as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount, "nothing was tampered with"


@contextmanager
def rolled_back():
    """Undo what the block did to the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def event_at(index):
    return str(rows(f"SELECT event_id FROM {LEAVES} WHERE leaf_index = %s", index)[0][0])


def sizes():
    return [size for (size,) in rows(f"SELECT size FROM {CHECKPOINTS} ORDER BY size")]


# What one byte of a column is changed to, by the type of the column.
CHANGED_BYTE = {
    "uuid": "overlay(coalesce({0}, '00000000-0000-7000-8000-000000000000')::text placing '{digit}' from 36)::uuid",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "character varying": "overlay({0} placing '!' from 1)",
    "inet": "coalesce({0} + 1, '192.0.2.1')",
    "smallint": "({0} + 1)::smallint",
    "jsonb": "CASE jsonb_typeof({0}) WHEN 'array' THEN {0} || '[1]' ELSE {0} || '{{\"x\": 1}}' END",
    "bigint": "{0} + 256",
    "bytea": "set_byte({0}, 5, get_byte({0}, 5) # 1)",
    "text": "overlay({0} placing '!' from 3)",
}


def columns(table):
    return rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        table,
    )


def change_byte(table, column, kind, where):
    digit = f"CASE right({column}::text, 1) WHEN 'f' THEN 'e' ELSE 'f' END"
    expression = CHANGED_BYTE[kind].format(column, digit="f").replace("'f' from", f"{digit} from")
    owner(f"UPDATE {table} SET {column} = {expression} WHERE {where}")


def cosign(size, now):
    note = parse_note(rows(f"SELECT note FROM {CHECKPOINTS} WHERE size = %s", size)[0][0])
    line = str(cosign_text(note.text, WITNESS_KEY.name, WITNESS, time=int(now.timestamp()))).removesuffix("\n")
    statement = f"INSERT INTO {COSIGNATURES} (size, witness, line, created_at) VALUES (%s, %s, %s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(statement, [size, WITNESS_KEY.name, line, now])


def restore_to(size):
    """Take the trail back to a size, as a restored backup would."""
    owner(f"DELETE FROM {CHECKPOINTS} WHERE size > %s", size)
    owner(f"DELETE FROM {LEAVES} WHERE leaf_index >= %s", size)
    with as_owner(SUBTREES) as cursor:
        cursor.execute(f"DELETE FROM {SUBTREES} WHERE (position + 1) << level > %s", [size])


def rewrite_past(index):
    """Change an event and all that follows from it, and sign it anew: what the owner can do who has the keys."""
    owner(f"UPDATE {EVENTS} SET outcome = 'failure' WHERE id = %s", event_at(index))
    events = events_after(START, limit=10_000)
    leaves = [leaf_hash(canonical_bytes(each.form)) for each in events][: sizes()[-1]]
    owner(f"UPDATE {LEAVES} SET hash = %s WHERE leaf_index = %s", leaves[index], index)
    for level, position in rows(f"SELECT level, position FROM {SUBTREES}"):
        root = tree_root(leaves[position << level : (position + 1) << level])
        owner(f"UPDATE {SUBTREES} SET hash = %s WHERE (level, position) = (%s, %s)", root, level, position)
    keys = {key.pk: key for key in AuditKey.objects.all()}
    for size, kid in rows(f"SELECT size, key_id FROM {CHECKPOINTS}"):
        root, key = tree_root(leaves[:size]), keys[kid]
        note = sign_note(checkpoint_body(Checkpoint(key.name, size, root)), key.name, audit_keys.private_half(key))
        owner(f"UPDATE {CHECKPOINTS} SET (root, note) = (%s, %s) WHERE size = %s", root, note, size)


@contextmanager
def sealed_corpus(blocker):
    """Commit some 60 events, sealed seven at a time, with a rotation of the key; tests roll back what they do."""
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    with blocker.unblock():
        empty_trail()
        record_events(20)
        seal_all(now=now, batch=7)
        audit_keys.rotate(now=now)
        record_events(40)
        seal_all(now=now, batch=7)
    yield
    with blocker.unblock():
        empty_trail()
