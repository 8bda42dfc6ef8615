-- Divide the tables of sessions and of token families into 16 hash partitions each, by their primary keys. docs/scaling.md
-- says when it pays and what it costs. Run it by the role that owns the tables, while no server runs, in one transaction:
--
--     psql --no-psqlrc --single-transaction --set ON_ERROR_STOP=1 --file deploy/postgres/partition_sessions.sql cedrina
--
-- Then run `manage.py migrate`, which lets the serving role use the new tables. It fails and changes nothing if a table
-- is partitioned already. Names of indexes and constraints stay, so that later migrations find them.
DO $partition$
DECLARE
    partitions CONSTANT integer := 16;
    divided record;
    item record;
BEGIN
    LOCK TABLE tokens_session, tokens_tokenfamily IN ACCESS EXCLUSIVE MODE;
    CREATE TEMPORARY TABLE divided_table ON COMMIT DROP AS
        SELECT name, key, to_regclass(name) AS id, (SELECT array_to_string(reloptions, ', ') FROM pg_class
                                                    WHERE oid = to_regclass(name)) AS options
        FROM (VALUES ('tokens_session', 'id'), ('tokens_tokenfamily', 'family_id')) AS named (name, key);
    -- What must be made again, as the catalogue writes it, before any name changes.
    CREATE TEMPORARY TABLE kept_constraint ON COMMIT DROP AS
        SELECT c.conrelid::regclass::text AS owner, c.conname AS name, c.contype AS kind,
               pg_get_constraintdef(c.oid) AS definition
        FROM pg_constraint c
        WHERE c.contype IN ('p', 'u', 'f')
          AND (c.conrelid IN (SELECT id FROM divided_table) OR c.confrelid IN (SELECT id FROM divided_table));
    CREATE TEMPORARY TABLE kept_index ON COMMIT DROP AS
        SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i
        WHERE i.indrelid IN (SELECT id FROM divided_table)
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'));

    FOR item IN SELECT * FROM kept_constraint WHERE kind = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.owner, item.name);
    END LOOP;
    FOR item IN SELECT * FROM kept_index LOOP
        EXECUTE format('DROP INDEX %s', item.name);
    END LOOP;
    FOR item IN SELECT * FROM kept_constraint WHERE kind IN ('p', 'u') LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.owner, item.name);
    END LOOP;
    FOR divided IN SELECT * FROM divided_table LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', divided.name, divided.name || '_undivided');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE'
                       ' INCLUDING COMMENTS) PARTITION BY HASH (%I)',
                       divided.name, divided.name || '_undivided', divided.key);
        FOR remainder IN 0 .. partitions - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)%s',
                           divided.name || '_' || remainder, divided.name, partitions, remainder,
                           ' WITH (' || divided.options || ')');
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', divided.name, divided.name || '_undivided');
        EXECUTE format('DROP TABLE %I', divided.name || '_undivided');
    END LOOP;
    FOR item IN SELECT * FROM kept_constraint ORDER BY kind = 'f' LOOP  -- keys first, foreign keys need them
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.owner, item.name, item.definition);
    END LOOP;
    FOR item IN SELECT * FROM kept_index LOOP
        EXECUTE item.definition;
    END LOOP;
END
$partition$;
ANALYZE tokens_session, tokens_tokenfamily;
