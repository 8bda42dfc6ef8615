"""What every test may use, and how tests that need the machine for themselves get it."""

import fcntl
import functools
import gc
import os
import secrets
import sys
import tempfile
from collections.abc import Generator
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.signals import request_finished, setting_changed
from django.db import connections, transaction
from django.dispatch import receiver
from django.test import TestCase, TransactionTestCase
from httpx._transports import default
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

TURN = pytest.StashKey[Path]()
RUN = pytest.StashKey[str]()
TEMPLATE = pytest.StashKey[object]()  # of migrated_template.MigratedTemplate
# Folders whose tests start processes, and fixtures that are processes; folders and files that ask hundreds of times.
OF_PROCESSES = {"deployment", "embedded", "journeys", "standalone", "edge", "own_redis", "nodes"}
THOROUGH = {"bad_input", "concurrency", "properties", "test_conformance.py"}
# So many are made before the garbage collector looks at them. With Python's 700 it took 7 % of the CPU, now 5 %.
YOUNG_OBJECTS = 10_000
SHIPPED_VERSION = 1  # of the access policy
SERVER_RECEIVER = "cedrina.serving"  # of signals, which the handler of our servers adds
# What migrations wrote and no test changes.
KEPT_TABLES = {"auth_permission", "django_content_type"}
# How many examples a property gets. How long one takes says more of the machine than of us.
EXAMPLES = {"quick": 20, "ci": 100, "nightly": 2000}
for name, number in EXAMPLES.items():
    hypothesis_settings.register_profile(
        name, max_examples=number, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
    )
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "ci")


@functools.cache
def _has(app: str) -> bool:
    """Return whether an app is installed: bare projects that test another one don't have it.

    It is kept, since Django goes through all apps for each question.
    """
    return settings.configured and apps.is_installed(app)


@receiver(setting_changed)
def _forget_paths(*, setting: str, **_signal: object) -> None:
    """Forget the paths of other routes, which a process has for its whole life."""
    paths = sys.modules.get("cedrina.http.paths")
    if setting == "ROOT_URLCONF" and paths is not None:
        paths.fixed_paths.cache_clear()
        paths.event_loop_calls.cache_clear()


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Generator[None]:
    """Let every test begin with nothing noticed or counted and no stored policy known, as a process does.

    It is one fixture, since each one costs every test 0.1 ms.
    """
    # Imported here, since bare projects don't have all apps.
    if _has("ratelimiting"):
        from ratelimiting.detection import evasion, proxy_misconfiguration
        from ratelimiting.services import active_policies, enforcement, refusal_reports, tightened_networks

        evasion.reset()
        proxy_misconfiguration.reset()
        enforcement.forget_store()
        active_policies.forget_stored()
        tightened_networks.forget()
        refusal_reports.discard()
    yield
    if _has("accounts.access"):
        from accounts.access.services import active_policy

        # A test's changes of the policy are rolled back.
        if active_policy.version() > SHIPPED_VERSION:
            active_policy.forget()
    if _has("cedrina"):
        from cedrina.database.connection import TimeoutConnection

        # On a busy machine one of the next tests would run into a server's limits; without Django's own receivers its
        # connection would be another's.
        is_served = any(key[0] == SERVER_RECEIVER for key, *_receiver in request_finished.receivers)
        was_loaded = TimeoutConnection.response_timeout is not None or is_served
        assert not was_loaded, "it loaded a server, or ran one, in the process of the tests"


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once():
    """Let httpx read the trusted certificates once a process: without, each client and each bare call takes 27 ms."""
    make, default.create_ssl_context = default.create_ssl_context, functools.cache(default.create_ssl_context)
    yield
    default.create_ssl_context = make


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once():
    """Let whitenoise look for static files once a process: each test client loads the middleware anew.

    A server does so once; here it was most of what a request cost: 12 ms, and 0.7 ms without.
    """
    if not settings.configured:
        yield
        return
    # Here, since it reads the settings.
    from whitenoise.middleware import WhiteNoiseMiddleware

    look = WhiteNoiseMiddleware.add_files_from_finders
    found = {}

    def add_files_from_finders(middleware):
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files = dict(found)

    WhiteNoiseMiddleware.add_files_from_finders = add_files_from_finders
    yield
    WhiteNoiseMiddleware.add_files_from_finders = look


@pytest.fixture
def now() -> datetime:
    """The moment at which a test takes place, where the clock is passed in."""
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest):
    """Give this run test databases of its own: two runs may be pointed at one server."""
    if request.config.getvalue("reuse_db"):
        return
    run_id = getattr(request.config, "workerinput", {}).get("testrunuid")
    run = (run_id or secrets.token_hex(4))[:8]
    for connection in connections.all():
        names = connection.settings_dict["TEST"]
        names["NAME"] = f"{names['NAME'] or 'test_' + connection.settings_dict['NAME']}_{run}"
    if run_id is not None and apps.is_installed("cedrina"):
        # Here, since bare projects that test another app don't have it.
        from tests.migrated_template import MigratedTemplate

        lock = turn_of(run_id).with_suffix(".template")
        template = MigratedTemplate(os.environ["DATABASE_URL"], run_id, lock)
        if template.is_there():
            connections["default"].settings_dict["TEST"]["TEMPLATE"] = template.name
        request.config.stash[TEMPLATE] = template


def pytest_configure(config: pytest.Config) -> None:
    run_id = getattr(config, "workerinput", {}).get("testrunuid")
    if run_id is not None:
        config.stash[TURN] = turn_of(run_id)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what a run excludes by its mark: to import it takes each process a quarter of its start."""
    excluded = config.getoption("markexpr").split(" and ")
    is_out = ("not process" in excluded and collection_path.name in OF_PROCESSES) or (
        "not slow" in excluded and collection_path.name in THOROUGH
    )
    return True if is_out else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, and let it not look at what stays: that saves a sixth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, 20, 20)
        gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what starts processes and what takes long."""
    folders = item.nodeid.partition("::")[0].split("/")
    if OF_PROCESSES & {*folders, *getattr(item, "fixturenames", ())}:
        item.add_marker("process")
    if THOROUGH & {*folders}:
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker a part that begins with files of served processes, and put what is marked serial last.

    Tests of processes wait more than they compute. When they come first, and spread over the workers, the others use
    the time that they wait; at the end they would wait for each other. A file stays in one part, because its tests
    share what its fixtures start. Those of deployments come before all, because some of them take minutes. xdist hands
    out parts of equal length, in this order.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    serial, process, others = [], [], []
    for item in items:
        marked = item.get_closest_marker
        (serial if marked("serial") else process if marked("process") else others).append(item)
    process.sort(key=lambda item: "deployment" not in item.nodeid.split("/"))
    parts: list[list[pytest.Item]] = [[] for _ in range(number)]
    for _path, of_file in groupby(process, key=lambda item: item.path):
        min(parts, key=len).extend(of_file)
    length = -(-(len(process) + len(others)) // number)
    for part in parts:
        missing = max(0, length - len(part))
        part.extend(others[:missing])
        del others[:missing]
    items[:] = [*chain.from_iterable(parts), *others, *serial]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test marked serial run only when no other worker runs any, by a lock that dies with its holder."""
    turn = item.config.stash.get(TURN, None)
    if turn is None:
        return (yield)
    is_alone = item.get_closest_marker("serial") is not None
    with turn.open("a") as lock:
        with turn.with_suffix(".queue").open("a") as queue:
            # Who waits for the lock holds the queue: tests that begin later stand behind, or a test that wants to be
            # alone would wait until all workers happen to pause at the same moment.
            fcntl.flock(queue, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Remember, in the process that started the workers, which lock they use."""
    run_id = node.workerinput["testrunuid"]
    node.config.stash[TURN], node.config.stash[RUN] = turn_of(run_id), run_id


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the lock's files when all workers have ended."""
    if TURN in config.stash and not hasattr(config, "workerinput"):
        turn = config.stash[TURN]
        for path in (turn, turn.with_suffix(".queue"), turn.with_suffix(".template")):
            path.unlink(missing_ok=True)
    # A worker leaves it to the process that started it; so does a run inside of a worker's test.
    if RUN in config.stash or "PYTEST_XDIST_TESTRUNUID" not in os.environ:
        _drop_templates(config)


def _drop_templates(config: pytest.Config) -> None:
    """Remove the databases that those of workers and of served processes were copied from."""
    if url := os.environ.get("DATABASE_URL"):
        # Here, since the test of this file copies it to a place of its own.
        from tests import migrated_template
        from tests.programs import served

        run = config.stash.get(RUN, served.RUN)
        served.drop_template(url, run)
        migrated_template.drop(url, run)


def turn_of(run_id: str) -> Path:
    return Path(tempfile.gettempdir()) / f"cedrina-turn-{run_id}.lock"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: object, request: pytest.FixtureRequest
) -> Generator[None]:
    """Let tests that commit delete the rows that they left, and put back the signing key that migrations made.

    Django's flush truncates each table, then makes content types, permissions and a key of RSA anew: 150 ms of CPU
    each time, and 20 ms without.
    """
    if not apps.is_installed("tokens"):
        yield
        return
    made_by_migrations = {
        "tokens": ["SigningKey"],
        "accounts.access": ["Role", "PolicyRule", "PolicyVersion", "PolicyHead"],
    }
    models = [
        apps.get_model(app.rpartition(".")[2], name)
        for app, names in made_by_migrations.items()
        if apps.is_installed(app)
        for name in names
    ]
    with django_db_blocker.unblock():
        if TEMPLATE in request.config.stash:
            request.config.stash[TEMPLATE].keep(connections["default"])
        kept = [list(model.objects.all()) for model in models]
        found = connections["default"].introspection.django_table_names(only_existing=True, include_views=False)
    tables = sorted(set(found) - KEPT_TABLES)
    filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)

    def delete_rows(_case: TransactionTestCase) -> None:
        # Constraints of Django's are checked at the end, so the order is of no account.
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute(filled)
            for (table,) in cursor.fetchall():
                cursor.execute(f"DELETE FROM {table}")
            for rows in filter(None, kept):
                type(rows[0]).objects.bulk_create(rows)

    TransactionTestCase._fixture_teardown = delete_rows
    yield
    with django_db_blocker.unblock(), connections["default"].cursor() as cursor:
        # A thread that a test left to end by itself may hold a connection, and then the database can't be dropped.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def _delete_committed_rows(request: pytest.FixtureRequest) -> Generator[None]:
    """Delete the events and jobs that a test committed: Django's flush knows nothing of their tables.

    A test that looks for the one event of its kind would find those of the test before it, too.
    """
    marker = request.node.get_closest_marker("django_db")
    is_class = request.cls is not None
    commits = (
        "transactional_db" in request.fixturenames
        or (marker is not None and marker.kwargs.get("transaction", False))
        or (is_class and issubclass(request.cls, TransactionTestCase) and not issubclass(request.cls, TestCase))
    )
    if not (commits and _has("cedrina")):
        yield
        return
    from tests.append_only import delete_from

    blocker = request.getfixturevalue("django_db_blocker")
    yield
    with blocker.unblock(), transaction.atomic(), connections["default"].cursor() as cursor:
        delete_from(cursor, "security_events_event")
        cursor.execute("SELECT EXISTS (SELECT FROM security_events_trail_checkpoint)")
        if cursor.fetchone()[0]:  # few tests seal
            for name in ("cosignature", "checkpoint", "subtree", "leaf"):
                delete_from(cursor, f"security_events_trail_{name}")
            cursor.execute("DELETE FROM security_events_auditkey")
            delete_from(cursor, "security_events_retention_purge")
        cursor.execute("DELETE FROM security_events_retention_progress")
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def empty_queue(db):
    """Take away the jobs that earlier tests committed: Django's flush knows nothing of their table."""
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
