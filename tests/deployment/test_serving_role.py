"""The role that serves: it does its work, and can't touch what was recorded."""

import json
import re
import secrets
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from cedrina.operations import diagnosis
from security_events.models import TRAIL_TABLES
from tests.deployment import roles
from tests.deployment.conftest import PRODUCTION
from tests.deployment.roles import OWNER, SERVING, connect
from tests.programs import forked_programs, served

TRAIL = "security_events_event"
COLUMNS = (
    "(id, occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym, target_id, "
    "target_name, correlation_id, user_agent, risk_score, risk_reasons, data)"
)
ROW = f"{COLUMNS} VALUES (security_events_uuid7(), %s, 't', 'c', 's', 'o', '', '', '', '', '', '', '', 0, '[]', '{{}}')"


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    with roles.two_roles(tmp_path_factory.mktemp("roles")) as given:
        with connect(given.owner) as connection:
            connection.execute(f"INSERT INTO {TRAIL} {ROW}", ["1999-01-01"])
            connection.execute(f"INSERT INTO {TRAIL} {ROW}", [datetime.now(UTC)])
        yield given


@pytest.fixture
def serving(urls):
    with connect(urls.serving) as connection:
        yield connection


def month():
    return f"{TRAIL}_{datetime.now(UTC):%Y_%m}"


PLACES = (TRAIL, f"{TRAIL}_default", "MONTH")
ON_EACH = (
    "UPDATE {} SET outcome = 'x'",
    "UPDATE {} SET outcome = outcome WHERE false",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
    "DROP TABLE {}",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} DISABLE TRIGGER USER",
    "ALTER TABLE {} RENAME TO gone",
    "ALTER TABLE {} ADD COLUMN x int",
    "ALTER TABLE {} OWNER TO " + SERVING,
    "ALTER TABLE {} SET SCHEMA pg_temp",
    "CREATE TRIGGER t BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE r AS ON INSERT TO {} DO INSTEAD NOTHING",
    "CREATE INDEX ON {} (type)",
    "BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
    "SELECT * FROM {} FOR UPDATE",
    "MERGE INTO {} e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "COPY {} FROM PROGRAM 'true'",
    "COPY {} TO PROGRAM 'cat'",
    "COPY {} TO '/tmp/x'",
)
ANYWHERE = (
    f"INSERT INTO {TRAIL} SELECT * FROM {TRAIL} ON CONFLICT (id, occurred_at) DO UPDATE SET outcome = 'x'",
    f"ALTER TABLE {TRAIL} DETACH PARTITION MONTH",
    f"ALTER TABLE {TRAIL} DETACH PARTITION {TRAIL}_default",
    f"CREATE TABLE x PARTITION OF {TRAIL} FOR VALUES FROM ('2900-01-01') TO ('2900-02-01')",
    f"DROP TRIGGER append_only ON {TRAIL}",
    "INSERT INTO MONTH SELECT * FROM MONTH",
    "SELECT * FROM MONTH",
    f"SELECT * FROM {TRAIL}_default",
    "SET session_replication_role = replica",
    "CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION security_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "DROP FUNCTION security_events_refuse_change() CASCADE",
    "ALTER FUNCTION security_events_make_partition(date) RESET search_path",
    "CREATE TABLE evil (id int)",
    "CREATE SCHEMA evil",
    "CREATE ROLE evil",
    f"ALTER ROLE {SERVING} SUPERUSER",
    f"GRANT {OWNER} TO {SERVING}",
    f"SET ROLE {OWNER}",
    f"SET SESSION AUTHORIZATION {OWNER}",
    "ALTER DATABASE cedrina SET session_replication_role = replica",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT security_events_make_partition('2417-01-01')",
    "SELECT security_events_make_partition('1999-01-01')",
    "DELETE FROM django_migrations",
    "ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER",
    "TRUNCATE accounts_user CASCADE",
    "DROP TABLE accounts_user CASCADE",
)


@pytest.mark.attack("OWASP ASVS 5.0, 16.4.2")
class TestTheTrail:
    @pytest.mark.parametrize("statement", [text.format(place) for place in PLACES for text in ON_EACH] + list(ANYWHERE))
    def test_is_not_touched(self, urls, serving, statement):
        before = self.trail(urls)
        with pytest.raises(psycopg.Error) as refused:
            serving.execute(statement.replace("MONTH", month()))
        assert refused.value.sqlstate == psycopg.errors.InsufficientPrivilege.sqlstate, refused.value
        assert self.trail(urls) == before

    def trail(self, urls):
        with connect(urls.owner) as connection:
            return connection.execute(
                f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY id)), "
                f"(SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'append_only%%' AND tgenabled = 'A'), "
                f"(SELECT count(*) FROM pg_inherits WHERE inhparent = '{TRAIL}'::regclass) FROM {TRAIL} t"
            ).fetchone()

    def test_grows_and_is_read(self, serving):
        before = serving.execute(f"SELECT count(*) FROM {TRAIL}").fetchone()[0]
        for moment in ("1999-01-02", datetime.now(UTC)):
            serving.execute(f"INSERT INTO {TRAIL} {ROW}", [moment])
        assert serving.execute(f"SELECT count(*) FROM {TRAIL}").fetchone()[0] == before + 2

    def test_gets_the_partitions_of_coming_months_with_the_same_protection(self, urls, serving):
        later = serving.execute("SELECT (date_trunc('month', now()) + interval '20 months')::date").fetchone()[0]
        name = f"{TRAIL}_{later:%Y_%m}"
        make = "SELECT security_events_make_partition(%s)"
        assert serving.execute(make, [later]).fetchone()[0] is True
        assert serving.execute(make, [later]).fetchone()[0] is False

        serving.execute(f"INSERT INTO {TRAIL} {ROW}", [later])
        with connect(urls.owner) as owner:
            assert owner.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == 1
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                owner.execute(f"TRUNCATE {name}")
        for statement in (f"DELETE FROM {name}", f"TRUNCATE {name}", f"INSERT INTO {name} {ROW}", f"DROP TABLE {name}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                serving.execute(statement, [later] if "%s" in statement else None)

    def test_is_sealed_by_the_serving_role_which_changes_nothing_of_it(self, urls, serving):
        environment = served.environment(DATABASE_URL=urls.serving)
        report = json.loads(served.manage("seal_audit_trail", "--json", environment=environment))
        assert report["result"] == "sealed"
        assert report["size"] >= 2
        for name in TRAIL_TABLES:
            column = "hash" if name.endswith(("leaf", "subtree")) else "created_at"
            for change in (f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}", f"TRUNCATE {name} CASCADE"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
                    serving.execute(change)
        assert json.loads(served.manage("seal_audit_trail", "--json", environment=environment))["events"] == 1

    def test_expires_by_terms_that_the_serving_role_does_not_change(self, urls, serving):
        with connect(urls.owner) as owner:
            owner.execute("INSERT INTO security_events_retention_term VALUES ('ratelimit', 30)")
        for change in (
            "UPDATE security_events_retention_term SET days = 7",
            "INSERT INTO security_events_retention_term VALUES ('*', 7)",
            "INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id())",
            "INSERT INTO security_events_retention_progress VALUES ('key', now())",
            "DELETE FROM security_events_retention_purge",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for table"):
                serving.execute(change)

        category = "SELECT events FROM security_events_purge_category(%s, '{\"*\": 7}', now(), %s, 10)"
        assert serving.execute(category, ["ratelimit", UUID(int=0)]).fetchall() in ([], [(0,)])
        month = "SELECT events FROM security_events_purge_month('2020-01-01', '{\"*\": 7}', now())"
        assert serving.execute(month).fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="kept for ever"):
            serving.execute(category, ["key", UUID(int=0)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="kept for ever"):
            serving.execute("SELECT security_events_prune_leaves('{\"*\": 7}', now(), 10)")
        assert serving.execute("SELECT added FROM security_events_continue_after_restore()").fetchall() == [(None,)]

    @pytest.mark.attack("CWE-426")
    def test_is_not_found_elsewhere_by_the_function_of_the_owner(self, urls, serving):
        later = serving.execute("SELECT (date_trunc('month', now()) + interval '21 months')::date").fetchone()[0]
        serving.execute(
            f"CREATE TEMP TABLE {TRAIL} (id uuid, occurred_at timestamptz) PARTITION BY RANGE (occurred_at)"
        )
        serving.execute(f"CREATE TEMP TABLE {TRAIL}_default (occurred_at timestamptz)")
        serving.execute(
            "CREATE FUNCTION pg_temp.format(text, text) RETURNS text LANGUAGE sql AS "
            "$$ SELECT 'DROP TABLE accounts_user' $$"
        )
        serving.execute("SET search_path = pg_temp, public")
        serving.execute("SET datestyle = 'German, DMY'")
        serving.execute("SET timezone = 'Pacific/Kiritimati'")
        assert serving.execute("SELECT public.security_events_make_partition(%s)", [later]).fetchone()[0] is True
        with connect(urls.owner) as owner:
            owner.execute("SET timezone = 'UTC'")
            bound = owner.execute(
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s AND relnamespace = "
                "'public'::regnamespace",
                [f"{TRAIL}_{later:%Y_%m}"],
            ).fetchone()[0]
        assert f"FROM ('{later} 00:00:00+00')" in bound


class TestGrants:
    def command(self, urls, *arguments):
        environment = served.environment(DATABASE_URL=urls.serving, DATABASE_MIGRATION_URL=urls.owner)
        return json.loads(served.manage("grant_serving_role", "--json", *arguments, environment=environment))

    def test_are_complete_after_migrate_and_change_nothing_a_second_time(self, urls):
        assert self.command(urls) == {"result": "unchanged", "role": SERVING, "statements": []}
        assert f"Rights of {SERVING}: 0 changed." in roles.migrate(urls)

    def test_reach_what_later_migrations_add_and_take_back_what_goes_beyond(self, urls, serving):
        with connect(urls.owner) as owner:
            owner.execute("CREATE TABLE added_later (id serial PRIMARY KEY)")
            owner.execute(f"GRANT TRUNCATE, UPDATE ON {TRAIL} TO {SERVING}")
            owner.execute(f"GRANT DELETE ON {month()} TO {SERVING}")
        try:
            planned = self.command(urls, "--dry-run")
            assert planned["result"] == "would_change"
            assert planned["statements"] == [
                f'GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."added_later" TO "{SERVING}"',
                f'GRANT SELECT, USAGE ON SEQUENCE "public"."added_later_id_seq" TO "{SERVING}"',
                f'REVOKE TRUNCATE, UPDATE ON TABLE "public"."{TRAIL}" FROM "{SERVING}"',
                f'REVOKE DELETE ON TABLE "public"."{month()}" FROM "{SERVING}"',
            ]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                serving.execute("INSERT INTO added_later DEFAULT VALUES")

            assert f"Rights of {SERVING}: 4 changed." in roles.migrate(urls)

            serving.execute("INSERT INTO added_later DEFAULT VALUES")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                serving.execute(f"DELETE FROM {month()}")
        finally:
            with connect(urls.owner) as owner:
                owner.execute("DROP TABLE added_later")

    def test_are_refused_in_words_where_a_role_is_missing(self, urls):
        absent = roles.url_of(urls.serving, SERVING).replace(SERVING, "absent_role")
        for settings, arguments, said in (
            ({"DATABASE_URL": absent, "DATABASE_MIGRATION_URL": urls.owner}, ["migrate"], "role absent_role"),
            ({"DATABASE_URL": urls.owner}, ["grant_serving_role"], "DATABASE_MIGRATION_URL"),
            ({"DATABASE_URL": urls.owner}, ["grant_serving_role", "--role", "absent"], "no role 'absent'"),
            ({"DATABASE_URL": urls.owner}, ["grant_serving_role", "--role", OWNER], "DATABASE_MIGRATION_URL"),
        ):
            with pytest.raises(AssertionError, match=said):
                served.manage(*arguments, environment=served.environment(**settings))

    def test_say_in_words_what_changed(self, urls):
        with connect(urls.owner) as owner:
            owner.execute(f"REVOKE DELETE ON accounts_user FROM {SERVING}")
        environment = served.environment(DATABASE_URL=urls.serving, DATABASE_MIGRATION_URL=urls.owner, LC_ALL="C")
        for arguments, said in ((["--dry-run"], "1 right would change."), ([], "1 right was changed.")):
            text = served.manage("grant_serving_role", *arguments, environment=environment)
            assert text == f'GRANT DELETE ON TABLE "public"."accounts_user" TO "{SERVING}";\n{said}\n'

    def test_survive_a_migration_back_and_forth(self, urls, serving):
        environment = served.environment(DATABASE_URL=urls.serving, DATABASE_MIGRATION_URL=urls.owner)
        served.manage("migrate", "security_events", "0002", environment=environment)
        roles.migrate(urls)
        later = serving.execute("SELECT (date_trunc('month', now()) + interval '22 months')::date").fetchone()[0]
        assert serving.execute("SELECT security_events_make_partition(%s)", [later]).fetchone()[0] is True

    def test_the_script_can_be_run_again(self, urls, tmp_path):
        assert roles.run_script(urls.server, tmp_path).returncode == 0
        with connect(urls.serving) as serving:
            assert serving.execute("SELECT count(*) FROM accounts_user").fetchone() is not None


EXCESS = {
    f"GRANT TRUNCATE ON {TRAIL} TO {SERVING}": ("TRUNCATE", f"REVOKE TRUNCATE ON {TRAIL} FROM {SERVING}"),
    f"GRANT UPDATE (outcome) ON {TRAIL} TO {SERVING}": ("UPDATE", f"REVOKE UPDATE (outcome) ON {TRAIL} FROM {SERVING}"),
    f"GRANT DELETE ON {TRAIL}_default TO PUBLIC": ("DELETE", f"REVOKE DELETE ON {TRAIL}_default FROM PUBLIC"),
    f"GRANT INSERT ON {TRAIL}_default TO {SERVING}": (
        "INSERT on partitions",
        f"REVOKE INSERT ON {TRAIL}_default FROM {SERVING}",
    ),
    f"GRANT {OWNER} TO {SERVING}": (f"owner of {TRAIL}", f"REVOKE {OWNER} FROM {SERVING}"),
    f"ALTER ROLE {SERVING} CREATEROLE": ("CREATEROLE", f"ALTER ROLE {SERVING} NOCREATEROLE"),
    f"ALTER ROLE {SERVING} SUPERUSER": ("SUPERUSER", f"ALTER ROLE {SERVING} NOSUPERUSER"),
    f"GRANT CREATE ON SCHEMA public TO {SERVING}": (
        "CREATE on schema",
        f"REVOKE CREATE ON SCHEMA public FROM {SERVING}",
    ),
    f"GRANT CREATE ON DATABASE cedrina TO {SERVING}": (
        "CREATE on database",
        f"REVOKE CREATE ON DATABASE cedrina FROM {SERVING}",
    ),
    f"GRANT pg_execute_server_program TO {SERVING}": (
        "predefined roles",
        f"REVOKE pg_execute_server_program FROM {SERVING}",
    ),
    f"GRANT SET ON PARAMETER session_replication_role TO {SERVING}": (
        "SET session_replication_role",
        f"REVOKE SET ON PARAMETER session_replication_role FROM {SERVING}",
    ),
}


class TestDoctor:
    def findings(self, url):
        environment = served.environment(
            **{**PRODUCTION, "EMAIL_URL": "filemail:///tmp", "DATABASE_URL": url},
            DJANGO_SETTINGS_MODULE="cedrina.settings.prod",
        )
        try:
            text = served.manage("doctor", "--json", environment=environment)
        except AssertionError as failed:
            text = re.search(r"\{.*\}", str(failed), re.DOTALL)[0]
        return [found for found in json.loads(text)["findings"] if found["id"] == "database.serving_role"]

    def test_has_nothing_to_say_of_the_role_of_the_script(self, urls):
        assert self.findings(urls.serving) == []

    def test_warns_of_one_role_for_all(self, urls):
        [finding] = self.findings(urls.superuser)
        assert (finding["severity"], finding["section"]) == ("warning", "OWASP ASVS 5.0, 13.2.2")
        assert "SUPERUSER" in finding["problem"]
        assert "DATABASE_MIGRATION_URL" in finding["line"]
        assert f"owner of {TRAIL}" in self.findings(urls.owner)[0]["problem"]

    @pytest.mark.parametrize("statement", EXCESS)
    def test_names_each_right_that_goes_too_far(self, urls, statement, django_db_blocker):
        named, undo = EXCESS[statement]
        with connect(urls.superuser) as superuser, django_db_blocker.unblock(), roles.default_connection(urls.serving):
            superuser.execute(statement)
            try:
                [finding] = diagnosis.privileges_of_serving_role()
            finally:
                superuser.execute(undo)
        assert finding.id == "database.serving_role"
        assert named in str(finding.problem)


class TestStart:
    """In production; the server starts either way."""

    def stderr_of(self, directory, url, **settings):
        environment = served.environment(
            **{**PRODUCTION, "EMAIL_URL": f"filemail://{directory}", "DATABASE_URL": url, **settings}
        )
        code = "from cedrina.serving.checks import run_checks; run_checks()"
        environment["DJANGO_SETTINGS_MODULE"] = "cedrina.settings.prod"
        status, _out, said = forked_programs.run(["-c", code], environment=environment)
        assert status == 0, said
        return said

    def test_warns_of_a_role_that_may_do_too_much(self, urls, tmp_path):
        said = self.stderr_of(tmp_path, urls.superuser)
        assert "database.serving_role" in said
        assert "DATABASE_MIGRATION_URL" in said
        assert "of-the-servers" not in said

    def test_says_nothing_of_the_right_one(self, urls, tmp_path):
        assert self.stderr_of(tmp_path, urls.serving) == ""

    def test_warns_of_a_server_that_knows_the_owner(self, urls, tmp_path):
        assert "database.owner_known_to_server" in self.stderr_of(
            tmp_path, urls.serving, DATABASE_MIGRATION_URL=urls.owner
        )

    def test_is_not_kept_by_a_database_that_is_away(self, tmp_path):
        [line] = self.stderr_of(tmp_path, f"postgres://x:{secrets.token_hex(4)}@127.0.0.1:1/none").splitlines()
        assert "database_unavailable" in line

    def test_says_nothing_in_development(self, urls, tmp_path):
        assert self.stderr_of(tmp_path, urls.superuser, CEDRINA_ENV="development", DJANGO_SETTINGS_MODULE="x") == ""
