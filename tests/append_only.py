"""Tables whose rows nobody deletes: what tests have committed there is taken away again."""


def delete_from(cursor, table: str) -> None:
    """Delete the rows of an append-only table."""
    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    cursor.execute(f"DELETE FROM {table}")
    # ALWAYS, as the migration has it: a trigger that is only enabled does not fire on a replica.
    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")
