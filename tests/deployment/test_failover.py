"""docs/backup-and-recovery.md: a replica, a failover to it under load, the way back, and another major version."""

import json
import logging
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
REPLICA = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'walreceiver' AND state = 'streaming'"
CAUGHT_UP = "SELECT bool_and(replay_lsn >= pg_current_wal_insert_lsn()) FROM pg_stat_replication"
pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def installed():
    """Give a primary and a replica, with Cedrina on both places; each test leaves a primary at one of them."""
    with ExitStack() as everything:
        machine = everything.enter_context(clusters.machine())
        primary = Cluster(machine, "first").initialise()
        everything.callback(primary.stop)
        primary.start()
        clusters.install(primary)
        replica = replica_of(primary, "second")
        everything.callback(replica.stop)
        hosts = f"host=127.0.0.1,127.0.0.1&port={primary.port},{replica.port}&target_session_attrs=read-write"
        account = primary.url(roles.SERVING).rpartition("@")[0]
        url = f"{account}@/cedrina?{hosts}"
        server = everything.enter_context(served.serving(database_url=url, DATABASE_POOL_MAX="4"))
        yield SimpleNamespace(machine=machine, primary=primary, replica=replica, server=server)


@pytest.fixture
def newcomer(installed):
    with newcomers(installed.server) as register:
        yield register


def replica_of(primary, name):
    """Make and start a replica by the page's command."""
    replica = Cluster(primary.machine, name)
    replica.environment = primary.machine.environment(primary)
    script = block(PAGE, "replica.sh").strip().replace('"$REPLICA_DATA"', str(replica.data))
    replica.start(command=script)
    wait_until(lambda: primary.value(REPLICA) == 1, message=replica.log.read_text()[-2000:])
    return replica


def fail_over(replica, *, former, check=True):
    script = block(PAGE, "promote.sh")
    former = {"FORMER_HOST": "127.0.0.1", "FORMER_PORT": str(former.port)}
    return replica.machine.run(script, replica, check=check, **former)


def rejoin(former, *, primary):
    """Make a stopped primary a replica by the page's command, and start it."""
    former.machine.run(block(PAGE, "rejoin.sh").replace("$FORMER_DATA", str(former.data)), primary)
    former.environment = None
    former.start()
    wait_until(lambda: primary.value(REPLICA) == 1, message=former.log.read_text()[-2000:])


class TestAFailover:
    def test_is_refused_while_the_primary_answers(self, installed):
        done = fail_over(installed.replica, former=installed.primary, check=False)
        assert (done.returncode, "still answers" in done.stderr) == (1, True)
        assert installed.replica.value("SELECT pg_is_in_recovery()") is True

    @pytest.mark.fault
    def test_keeps_what_was_confirmed_and_the_former_primary_comes_back(self, installed, newcomer):
        first, second = installed.primary, installed.replica
        with first.connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'walreceiver'")
            connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: first.value(REPLICA + " AND sync_state = 'sync'") == 1)
        person = newcomer()

        with Refreshing(newcomer()) as load:
            wait_until(lambda: load.confirmed > 30)
            first.kill()
            lost_at = time.monotonic()
            fail_over(second, former=first)
            wait_until(lambda: person.me().status_code == 200, message="the server did not go on by itself")
            rto = time.monotonic() - lost_at
            before = load.confirmed
            wait_until(lambda: load.confirmed > before)
        fault_figures.keep("the primary is killed, the replica promoted", "RTO", rto, goal=60)
        log.info("RTO %.1f s, %s refreshes confirmed, %s not", rto, load.confirmed, len(load.refused))
        # An answer that was lost is asked for again: each newest confirmed token is good, so none was lost.
        assert {status for status, _code in load.refused} <= {503}
        assert load.person.refresh().status_code == person.refresh().status_code == 200

        # The former primary returns with writes that nobody else has, and they are undone.
        first.start()
        with first.connect() as connection:
            connection.execute("SET synchronous_commit = local")
            connection.execute("CREATE TABLE written_apart AS SELECT 1 AS n")
        first.stop()
        rejoin(first, primary=second)
        assert first.value("SELECT to_regclass('written_apart')") is None
        assert first.value("SELECT pg_is_in_recovery()") is True

    def test_goes_back_with_the_same_commands(self, installed, newcomer):
        first, second = installed.primary, installed.replica
        person = newcomer()
        second.stop()
        fail_over(first, former=second)
        rejoin(second, primary=first)
        wait_until(lambda: person.me().status_code == 200)
        assert person.refresh().status_code == 200
        wait_until(lambda: first.value(CAUGHT_UP))
        names = "SELECT count(*) FROM accounts_user WHERE username = %s"
        assert second.value(names, person.name) == 1
        environment = clusters.settings(first)
        served.manage("seal_audit_trail", "--json", environment=environment)
        assert json.loads(served.manage("verify_audit_trail", "--json", environment=environment))["ok"] is True


class TestAnotherMajorVersion:
    def test_goes_on_with_sessions_and_trail(self, installed, newcomer):
        machine, old = installed.machine, installed.primary
        person = newcomer()
        environment = clusters.settings(old)
        sealed = json.loads(served.manage("seal_audit_trail", "--json", environment=environment))
        old.stop()
        new = Cluster(machine, "eighteen", major=18, port=old.port)
        script = block(PAGE, "upgrade.sh")
        for name, value in {
            "OLD_PROGRAMS": machine.programs[16], "NEW_PROGRAMS": machine.programs[18],
            "OLD_DATA": old.data, "NEW_DATA": new.data,
        }.items():  # fmt: skip
            script = script.replace(f"${name}", str(value))
        machine.run(script, old, role=clusters.SUPERUSER)
        new.start()
        try:
            machine.run(block(PAGE, "vacuumdb"), new, role=clusters.SUPERUSER, major=18)
            assert new.value("SHOW server_version").startswith("18")
            wait_until(lambda: person.me().status_code == 200)
            assert person.refresh().status_code == 200
            assert newcomer().me().status_code == 200
            again = json.loads(served.manage("seal_audit_trail", "--json", environment=environment))
            assert again["size"] > sealed["size"]
            assert json.loads(served.manage("verify_audit_trail", "--json", environment=environment))["ok"] is True
            grants = served.manage("grant_serving_role", "--dry-run", "--json",
                                   environment=clusters.settings(new, migrates=True))  # fmt: skip
            assert json.loads(grants)["statements"] == []
            refused = machine.run(script, old, role=clusters.SUPERUSER, check=False)
            assert (refused.returncode, "has a cluster already" in refused.stderr) == (2, True)
        finally:
            new.stop()
