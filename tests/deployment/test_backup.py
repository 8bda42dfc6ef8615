"""docs/backup-and-recovery.md: backups, a drill, and the loss of the database under load."""

import json
import logging
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tests import fault_figures
from tests.deployment import clusters, roles
from tests.deployment.clusters import Cluster, block, wait_until
from tests.deployment.refreshing_people import Refreshing, newcomers
from tests.programs import served

PAGE = "backup-and-recovery.md"
RECEIVER = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'cedrina_backup'"
pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def installed():
    """Give Cedrina on a cluster whose WAL is received, with a base backup; nobody has signed in yet."""
    with ExitStack() as everything:
        machine = everything.enter_context(clusters.machine())
        primary = Cluster(machine, "primary").initialise()
        everything.callback(primary.stop)
        primary.start()
        clusters.install(primary)
        backups = {"BACKUP_DIR": str(machine.folder / "backups"), "BACKUP_KEEP": "2"}
        everything.enter_context(machine.running(block(PAGE, "receive-wal.sh\n"), primary, **backups))
        wait_until(lambda: primary.value(RECEIVER) == 1, message="the receiver does not run")
        server = everything.enter_context(
            served.serving(database_url=primary.url(roles.SERVING), DATABASE_POOL_MAX="4")
        )
        yield SimpleNamespace(machine=machine, primary=primary, server=server, backups=backups)


@pytest.fixture
def newcomer(installed):
    """Give a function that registers a person."""
    with newcomers(installed.server) as register:
        yield register


def base_backup(installed):
    return installed.machine.run("deploy/backup/base-backup.sh", installed.primary, **installed.backups).strip()


def drill(installed, *options):
    """Run the page's command with the settings of Cedrina; return its exit code and its object."""
    script = block(PAGE, "drill.py")
    environment = {
        **clusters.settings(installed.primary),
        **installed.machine.environment(installed.primary, **installed.backups),
    }
    command = script.split()
    assert command[0] == "python"
    done = subprocess.run(
        [sys.executable, str(installed.machine.folder / command[1]), *command[2:], *options,
         "--manage", f"{sys.executable} {served.ROOT}/manage.py"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


class TestTheDrill:
    @pytest.mark.fault
    def test_restores_a_busy_cluster_to_its_point_and_verifies_the_trail(self, installed, newcomer):
        base_backup(installed)
        person = newcomer()
        served.manage("seal_audit_trail", environment=clusters.settings(installed.primary))
        with Refreshing(person):
            code, report = drill(installed)
        assert (code, report["ok"], report["wrong_tables"]) == (0, True, {}), report
        assert report["rows"] > 100
        assert report["tables"] > 40
        assert report["trail"]["checked"] > 0
        assert 0 <= report["rpo_seconds"] < report["rto_seconds"] + 60
        assert not (installed.machine.folder / "backups" / "drill").exists()
        fault_figures.keep("the backup is restored (drill)", "RPO", report["rpo_seconds"], goal=60)
        fault_figures.keep("the backup is restored (drill)", "RTO", report["rto_seconds"], goal=300)
        log.info("RPO %s s, RTO %s s", report["rpo_seconds"], report["rto_seconds"])

    def test_fails_when_the_backup_is_damaged(self, installed):
        newest = base_backup(installed)
        damaged = max(
            (path for path in (installed.machine.folder / newest / "base").rglob("*") if path.is_file()),
            key=lambda path: path.stat().st_size,
        )
        before = damaged.read_bytes()
        damaged.write_bytes(before[:-4096] + bytes(4096))
        code, report = drill(installed)
        assert (code, report["ok"]) == (1, False)
        assert "pg_verifybackup refuses" in report["error"]
        shutil.rmtree(newest)

    def test_fails_when_rows_are_missing_and_says_where(self, installed):
        """Rows that never reached the WAL, as an unlogged or damaged table has them, are missing in the copy."""
        base_backup(installed)
        with installed.primary.connect() as connection:
            connection.execute("CREATE UNLOGGED TABLE forgotten AS SELECT generate_series(1, 5) AS n")
            connection.execute("UPDATE pg_class SET relpersistence = 'p' WHERE relname = 'forgotten'")
        try:
            code, report = drill(installed)
        finally:
            with installed.primary.connect() as connection:
                connection.execute("UPDATE pg_class SET relpersistence = 'u' WHERE relname = 'forgotten'")
                connection.execute("DROP TABLE forgotten")
        assert (code, report["ok"]) == (1, False), report
        assert "forgotten" in json.dumps(report)

    def test_fails_when_no_wal_arrives(self, installed):
        code, report = drill(installed, "--slot", "nobody", "--wait", "0.5")
        assert code == 1
        assert "receive-wal.sh" in report["error"]


class TestTheCommands:
    def test_keep_the_newest_backups_and_the_wal_that_they_need(self, installed):
        folder = installed.machine.folder / "backups"
        made = [base_backup(installed) for _ in range(2) if time.sleep(1.01) is None]
        assert sorted(str(path) for path in (folder / "base").iterdir()) == made
        with installed.primary.connect() as connection:
            connection.execute("SELECT pg_switch_wal()")
        label = (folder / "base" / made[0].rpartition("/")[2] / "backup_label").read_text()
        first = label.partition("(file ")[2].partition(")")[0]
        assert min(path.name for path in (folder / "wal").iterdir()) >= first

    def test_refuse_a_folder_of_another_cluster(self, installed):
        other = installed.machine.folder / "others"
        other.mkdir()
        (other / "system_identifier").write_text("42\n")
        installed.machine.run_as.own(other)
        for name in ("base-backup.sh", "receive-wal.sh"):
            done = installed.machine.run(f"deploy/backup/{name}", installed.primary, check=False, BACKUP_DIR=str(other))
            assert (done.returncode, "another cluster" in done.stderr) == (2, True), done.stderr

    def test_show_no_password_to_other_users(self, installed):
        lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert "pg_receivewal" in lines
        assert clusters.PASSWORDS[clusters.REPLICATION] not in lines


class TestTheLossOfTheDatabase:
    @pytest.mark.fault
    def test_loses_nothing_that_was_confirmed_to_a_receiver_that_is_waited_for(self, installed, newcomer):
        machine, primary = installed.machine, installed.primary
        base_backup(installed)
        early = newcomer()
        moment = primary.value("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF')")
        late = newcomer()
        with primary.connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'cedrina_backup'")
            connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: primary.value(RECEIVER + " AND sync_state = 'sync'") == 1)

        with Refreshing(newcomer()) as load:
            wait_until(lambda: load.confirmed > 30)
            primary.kill()
            lost_at = time.monotonic()
        shutil.rmtree(primary.data)
        restored = Cluster(machine, "restored", port=primary.port)
        script = block(PAGE, "latest").replace("$NEW_DATA", str(restored.data))
        machine.run(script, **installed.backups)
        restored.start()
        wait_until(lambda: load.person.me().status_code == 200, message="the server did not go on by itself")
        name = "the disk of PostgreSQL is lost"
        fault_figures.keep(name, "RTO", time.monotonic() - lost_at, goal=300)
        try:
            refreshed = load.person.refresh()
            fault_figures.keep(name, "confirmed sessions lost", refreshed.is_error, goal=0, unit="")
            assert refreshed.status_code == 200, "the newest confirmed token was lost"
            assert {status for status, _code in load.refused} <= {503}
            assert early.me().status_code == late.me().status_code == 200
            environment = clusters.settings(restored)
            assert json.loads(served.manage("verify_audit_trail", "--json", environment=environment))["ok"] is True
        finally:
            restored.stop()

        then = Cluster(machine, "then", port=primary.port)
        script = block(PAGE, "$MOMENT").replace("$NEW_DATA", str(then.data)).replace("$MOMENT", moment)
        machine.run(script, **installed.backups)
        then.start()
        try:
            names = "SELECT count(*) FROM accounts_user WHERE username = %s"
            assert then.value(names, early.name) == 1
            assert then.value(names, late.name) == 0
        finally:
            then.stop()
