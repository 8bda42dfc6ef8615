"""Create the append-only table of events, partitioned by month."""

from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION security_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'security events are append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- RFC 9562, 5.7: 48 bits of Unix milliseconds, the version, random bits. PostgreSQL has no uuidv7() before 18.
CREATE FUNCTION security_events_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;
"""

TABLE = """
CREATE TABLE security_events_event (
    id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    type varchar(64) NOT NULL,
    category varchar(32) NOT NULL,
    severity varchar(16) NOT NULL,
    outcome varchar(16) NOT NULL,
    actor_id varchar(64) NOT NULL,
    actor_name varchar(254) NOT NULL,
    actor_pseudonym varchar(32) NOT NULL,
    target_id varchar(64) NOT NULL,
    target_name varchar(254) NOT NULL,
    session_id uuid,
    family_id uuid,
    correlation_id varchar(64) NOT NULL,
    ip_address inet,
    user_agent varchar(512) NOT NULL,
    risk_score smallint NOT NULL CHECK (risk_score BETWEEN 0 AND 100),
    risk_reasons jsonb NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);

CREATE INDEX security_events_event_actor_idx ON security_events_event (actor_id, id DESC) WHERE actor_id <> '';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON security_events_event
    FOR EACH ROW EXECUTE FUNCTION security_events_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON security_events_event
    FOR EACH STATEMENT EXECUTE FUNCTION security_events_refuse_change();
-- ALWAYS: these triggers also fire under session_replication_role = replica. Partitions inherit the row triggers so.
ALTER TABLE security_events_event ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE security_events_event ENABLE ALWAYS TRIGGER append_only_truncate;

-- Takes events of months without a partition, so that none is refused.
CREATE TABLE security_events_event_default PARTITION OF security_events_event DEFAULT;
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON security_events_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION security_events_refuse_change();
ALTER TABLE security_events_event_default ENABLE ALWAYS TRIGGER append_only_truncate;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION security_events_uuid7(); DROP FUNCTION security_events_refuse_change();",
        ),
        migrations.RunSQL(TABLE, "DROP TABLE security_events_event;"),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[("id", models.UUIDField(editable=False, primary_key=True, serialize=False))],
            options={
                "verbose_name": "security event",
                "verbose_name_plural": "security events",
                "db_table": "security_events_event",
                "managed": False,
            },
        ),
    ]
