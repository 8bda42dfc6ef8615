"""Let events expire by functions of the tables' owner, which keep to terms that the serving role can't change.

Nothing else than these functions gets through the triggers of the append-only tables.
"""

from django.db import migrations

# Days of a category; of '*' for all others; of '#leaves' for the hashes of leaves without an event. NULL: kept for ever.
TABLES = """
CREATE TABLE security_events_retention_term (
    name varchar(32) PRIMARY KEY,
    days integer CHECK (days >= 7)
);
-- How far the events of a category were deleted, so that no run reads the same ones again.
CREATE TABLE security_events_retention_progress (
    category varchar(32) PRIMARY KEY,
    purged_before timestamptz NOT NULL
);
-- The transaction that may change just now what is append-only. Empty between two calls of the functions.
CREATE UNLOGGED TABLE security_events_retention_permit (
    transaction_id xid8 PRIMARY KEY
);
-- What was deleted, by the indexes of the leaves. The event of the run, which is sealed, holds the SHA-256 of their text.
CREATE TABLE security_events_retention_purge (
    id uuid PRIMARY KEY,
    purged_at timestamptz NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    leaves int8multirange NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON security_events_retention_purge
    FOR EACH ROW EXECUTE FUNCTION security_events_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON security_events_retention_purge
    FOR EACH STATEMENT EXECUTE FUNCTION security_events_refuse_change();
ALTER TABLE security_events_retention_purge ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE security_events_retention_purge ENABLE ALWAYS TRIGGER append_only_truncate;
"""
DROP_TABLES = """
DROP TABLE security_events_retention_purge, security_events_retention_permit, security_events_retention_progress,
    security_events_retention_term;
"""

REFUSE = """
CREATE OR REPLACE FUNCTION security_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'security events are append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
# The schema is found by the table that fired, because whoever deletes may have any search path. Roles that may not read
# the permits never have one.
REFUSE_UNLESS_EXPIRED = """
CREATE OR REPLACE FUNCTION security_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    permits CONSTANT regclass := to_regclass(format('%I.security_events_retention_permit', TG_TABLE_SCHEMA));
    is_permitted boolean := false;
BEGIN
    IF TG_OP <> 'TRUNCATE' AND has_table_privilege(permits, 'INSERT') THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE transaction_id = pg_current_xact_id())', permits)
            INTO is_permitted;
        IF is_permitted THEN
            RETURN COALESCE(NEW, OLD);
        END IF;
    END IF;
    RAISE EXCEPTION 'security events are append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""

# NULL: kept for ever. No term is shorter than a week, so that a server that was taken over can't delete fresh traces.
TERMS = """
CREATE FUNCTION security_events_retention_days(category text, asked jsonb) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN stored.days IS NOT NULL THEN GREATEST(
        stored.days, (CASE WHEN asked ? category THEN asked ->> category ELSE asked ->> '*' END)::integer
    ) END
    FROM (VALUES (1)) AS one
    LEFT JOIN LATERAL (
        SELECT days FROM security_events_retention_term
        WHERE name IN (category, '*') ORDER BY name = '*' LIMIT 1
    ) AS stored ON true
    WHERE (CASE WHEN asked ? category THEN asked ->> category ELSE asked ->> '*' END) IS NOT NULL
$$;
-- The smallest id that an event of a moment can have (RFC 9562, 5.7).
CREATE FUNCTION security_events_smallest_id(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(GREATEST(0, extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || '70008000000000000000')::uuid
$$;
"""
DROP_TERMS = """
DROP FUNCTION security_events_smallest_id(timestamptz);
DROP FUNCTION security_events_retention_days(text, jsonb);
"""

# What reads comes before what writes: a transaction has no number before it writes, so it does not hold back the sealing
# of other events. `asked` are the terms of the caller's settings; the longer one of both counts.
#
# Ids are the times at which events were recorded; those in which an event says to have occurred are within a day of it.
PURGE_CATEGORY = """
CREATE FUNCTION security_events_purge_category(
    asked_category text, asked jsonb, moment timestamptz, after uuid, most integer
) RETURNS TABLE (purge_id uuid, events bigint, last_id uuid, oldest_at timestamptz, newest_at timestamptz, digest text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %I, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $body$
DECLARE
    days CONSTANT integer := security_events_retention_days(asked_category, asked);
    expires CONSTANT timestamptz := LEAST(moment, now()) - make_interval(days => days);
    since CONSTANT timestamptz := COALESCE(
        (SELECT purged_before FROM security_events_retention_progress WHERE category = asked_category), '-infinity'
    );
    last_transaction bigint;
    last_sealed uuid;
    ids uuid[];
    leaves int8multirange;
BEGIN
    IF days IS NULL THEN
        RAISE EXCEPTION 'events of category %% are kept for ever', asked_category
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(1589641221);
    SELECT transaction_id, events_to INTO last_transaction, last_sealed
    FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT array_agg(found.id ORDER BY found.id), min(found.occurred_at), max(found.occurred_at),
           range_agg(int8range(found.leaf_index, found.leaf_index, '[]'))
    INTO ids, oldest_at, newest_at, leaves
    FROM (
        SELECT event.id, event.occurred_at, leaf.leaf_index
        FROM security_events_event event
        CROSS JOIN LATERAL (
            SELECT leaf_index FROM security_events_trail_leaf WHERE event_id = event.id LIMIT 1
        ) AS leaf
        WHERE event.id > GREATEST(after, security_events_smallest_id(GREATEST(since, '1970-01-02') - interval '1 day'))
          AND event.id < security_events_smallest_id(expires + interval '1 day')
          AND event.occurred_at >= since AND event.occurred_at < expires AND event.category = asked_category
          AND (event.transaction_id, event.id) <= (last_transaction, last_sealed)
        ORDER BY event.id LIMIT LEAST(most, 50000)
    ) AS found;
    events := COALESCE(array_length(ids, 1), 0);
    last_id := ids[events];
    IF events < LEAST(most, 50000) THEN
        INSERT INTO security_events_retention_progress AS progress (category, purged_before)
        SELECT asked_category, LEAST(expires, min(event.occurred_at)) FROM security_events_event event
        WHERE event.category = asked_category
          AND (event.transaction_id, event.id) > (last_transaction, last_sealed)
        ON CONFLICT (category) DO UPDATE SET purged_before = GREATEST(progress.purged_before, excluded.purged_before);
    END IF;
    IF events > 0 THEN
        INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id());
        DELETE FROM security_events_event event USING unnest(ids) AS expired (id)
        WHERE event.id = expired.id AND event.occurred_at BETWEEN oldest_at AND newest_at
          AND event.category = asked_category;
        GET DIAGNOSTICS events = ROW_COUNT;
        DELETE FROM security_events_retention_permit;
        IF events <> array_length(ids, 1) THEN
            RAISE EXCEPTION 'other events than the expired ones would be deleted' USING ERRCODE = 'serialization_failure';
        END IF;
        purge_id := security_events_uuid7();
        digest := encode(sha256(convert_to(leaves::text, 'UTF8')), 'hex');
        INSERT INTO security_events_retention_purge VALUES (purge_id, now(), events, leaves);
    END IF;
    RETURN NEXT;
END $body$
"""

# Without an answer, the month is kept: it has no partition, or some event in it has not expired or is not sealed.
PURGE_MONTH = """
CREATE FUNCTION security_events_purge_month(month date, asked jsonb, moment timestamptz)
RETURNS TABLE (purge_id uuid, events bigint, oldest_at timestamptz, newest_at timestamptz, digest text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %I, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET lock_timeout = '250ms' AS $body$
DECLARE
    begins CONSTANT timestamptz := date_trunc('month', month::timestamp);
    ends CONSTANT timestamptz := begins + interval '1 month';
    name CONSTANT text := 'security_events_event_' || to_char(begins, 'YYYY_MM');
    last_transaction bigint;
    last_sealed uuid;
    leaves int8multirange;
    sealed_events bigint;
BEGIN
    IF ends > LEAST(moment, now()) - interval '7 days' OR NOT EXISTS (
        SELECT FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = 'security_events_event'::regclass AND relname = name
    ) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(1589641221);
    IF EXISTS (
        SELECT FROM security_events_event event
        WHERE event.occurred_at >= begins AND event.occurred_at < ends AND COALESCE(
            event.occurred_at >= LEAST(moment, now())
                - make_interval(days => security_events_retention_days(event.category, asked)), true
        )
    ) THEN
        RETURN;
    END IF;
    SELECT transaction_id, events_to INTO last_transaction, last_sealed
    FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1;
    SELECT count(*), count(leaf.leaf_index), min(event.occurred_at), max(event.occurred_at),
           range_agg(int8range(leaf.leaf_index, leaf.leaf_index, '[]'))
    INTO events, sealed_events, oldest_at, newest_at, leaves
    FROM security_events_event event
    LEFT JOIN security_events_trail_leaf leaf ON leaf.event_id = event.id
        AND (event.transaction_id, event.id) <= (last_transaction, last_sealed)
    WHERE event.occurred_at >= begins AND event.occurred_at < ends;
    IF events <> sealed_events THEN
        RETURN;
    END IF;
    -- An event that came meanwhile stands behind the sealed ones.
    EXECUTE format('LOCK TABLE %%I IN ACCESS EXCLUSIVE MODE', name);
    IF EXISTS (
        SELECT FROM security_events_event event
        WHERE event.occurred_at >= begins AND event.occurred_at < ends
          AND (last_sealed IS NULL OR (event.transaction_id, event.id) > (last_transaction, last_sealed))
    ) THEN
        RETURN;
    END IF;
    EXECUTE format('DROP TABLE %%I', name);
    IF events > 0 THEN
        purge_id := security_events_uuid7();
        digest := encode(sha256(convert_to(leaves::text, 'UTF8')), 'hex');
        INSERT INTO security_events_retention_purge VALUES (purge_id, now(), events, leaves);
    END IF;
    RETURN NEXT;
END $body$
"""

# Subtrees of 16 leaves and more stay, so proofs of all leaves from the answer on can be made. Events and leaves have the
# same order, so that no event has a leaf in front of that of the first one.
PRUNE_LEAVES = """
CREATE FUNCTION security_events_prune_leaves(asked jsonb, moment timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = %I, pg_temp AS $body$
DECLARE
    days CONSTANT integer := security_events_retention_days('#leaves', asked);
    first_event CONSTANT uuid := (SELECT id FROM security_events_event ORDER BY transaction_id, id LIMIT 1);
    first_kept CONSTANT bigint := CASE
        WHEN first_event IS NULL THEN COALESCE((SELECT max(size) FROM security_events_trail_checkpoint), 0)
        ELSE COALESCE((SELECT min(leaf_index) FROM security_events_trail_leaf WHERE event_id = first_event), 0)
    END;
    lowest CONSTANT bigint := COALESCE((SELECT min(leaf_index) FROM security_events_trail_leaf), 0);
    below bigint := LEAST(first_kept, lowest + LEAST(most, 100000));
    deleted bigint;
BEGIN
    IF days IS NULL THEN
        RAISE EXCEPTION 'the hashes of leaves are kept for ever' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(1589641221);
    below := LEAST(below, (
        SELECT min(leaf_index) FROM security_events_trail_leaf
        WHERE leaf_index < below
          AND event_id >= security_events_smallest_id(LEAST(moment, now()) - make_interval(days => days))
    ));
    below := below - below %% 16;
    INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id());
    DELETE FROM security_events_trail_leaf WHERE leaf_index < below;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM security_events_retention_permit;
    RETURN deleted;
END $body$
"""

SIGNATURES = (
    "security_events_purge_category(text, jsonb, timestamptz, uuid, integer)",
    "security_events_purge_month(date, jsonb, timestamptz)",
    "security_events_prune_leaves(jsonb, timestamptz, integer)",
)


def in_this_schema(function: str) -> str:
    """Return the statement that creates a function with the schema of the migration as its search path."""
    return f"DO $migration$ BEGIN EXECUTE format($create$ {function} $create$, current_schema()); END $migration$;"


class Migration(migrations.Migration):
    dependencies = [("security_events", "0009_sinks")]

    operations = [
        migrations.RunSQL(TABLES, DROP_TABLES),
        migrations.RunSQL(REFUSE_UNLESS_EXPIRED, REFUSE),
        migrations.RunSQL(TERMS, DROP_TERMS),
        *(
            migrations.RunSQL(
                f"{in_this_schema(function)} REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;",
                f"DROP FUNCTION {signature};",
            )
            for function, signature in zip((PURGE_CATEGORY, PURGE_MONTH, PRUNE_LEAVES), SIGNATURES, strict=True)
        ),
    ]
