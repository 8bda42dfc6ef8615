"""What every test may use, and how tests that need the machine for themselves get it."""

import fcntl
import secrets
import tempfile
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connections

TURN = pytest.StashKey[Path]()


def _has_limits() -> bool:
    return settings.configured and apps.is_installed("ratelimiting")


@pytest.fixture(autouse=True)
def _nothing_noticed() -> None:
    """Let no test see what the process noticed while others ran."""
    if not _has_limits():
        return
    # Here, since bare projects that test another app don't have it.
    from ratelimiting.detection import evasion, proxy_misconfiguration

    evasion.reset()
    proxy_misconfiguration.reset()


@pytest.fixture
def now() -> datetime:
    """The moment at which a test takes place, where the clock is passed in."""
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_limits():
    """Let every test begin with nothing counted and no stored policy known, as a process does."""
    if not _has_limits():
        return
    # Here, since bare projects that test another app don't have it.
    from ratelimiting.services import active_policies, refusal_reports

    setting_changed.send(sender=None, setting="RATELIMITING", value=None, enter=True)
    active_policies.forget_stored()
    refusal_reports.discard()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest):
    """Give this run test databases of its own: two runs may be pointed at one server."""
    if request.config.getvalue("reuse_db"):
        return
    run = getattr(request.config, "workerinput", {}).get("testrunuid", secrets.token_hex(4))[:8]
    for connection in connections.all():
        names = connection.settings_dict["TEST"]
        names["NAME"] = f"{names['NAME'] or 'test_' + connection.settings_dict['NAME']}_{run}"


def pytest_configure(config: pytest.Config) -> None:
    run_id = getattr(config, "workerinput", {}).get("testrunuid")
    if run_id is not None:
        config.stash[TURN] = turn_of(run_id)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is marked serial last, so that the others need not wait in between."""
    items.sort(key=lambda item: item.get_closest_marker("serial") is not None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test marked serial run only when no other worker runs any, by a lock that dies with its holder."""
    turn = item.config.stash.get(TURN, None)
    if turn is None:
        return (yield)
    with turn.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if item.get_closest_marker("serial") else fcntl.LOCK_SH)
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Remember, in the process that started the workers, which lock they use."""
    node.config.stash[TURN] = turn_of(node.workerinput["testrunuid"])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the lock's file when all workers have ended."""
    if TURN in config.stash and not hasattr(config, "workerinput"):
        config.stash[TURN].unlink(missing_ok=True)


def turn_of(run_id: str) -> Path:
    return Path(tempfile.gettempdir()) / f"cedrina-turn-{run_id}"


@pytest.fixture
def empty_queue(db):
    """Take away the jobs that earlier tests committed: Django's flush knows nothing of their table."""
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
