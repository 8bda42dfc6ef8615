"""Several sealers at once, and sealers that are killed: the tree never forks, and is never left in parts."""

import os
import signal
import sys
import threading

import pytest
from django.db import connection, connections

from security_events.models import TrailCheckpoint
from security_events.selectors.sealing.checkpoints import verification_keys
from security_events.services.trail import audit_keys, sealing
from security_events.verifier import open_checkpoint, tree_root
from tests.security_events.sealed import committed_leaves, record_events, stored_leaves

pytestmark = pytest.mark.django_db(transaction=True)


def assert_whole():
    """Each checkpoint is the signed root of a beginning of one list of leaves, and each event is in it once."""
    leaves = stored_leaves()
    assert list(leaves.items()) == list(committed_leaves().items())[: len(leaves)]
    rows = list(TrailCheckpoint.objects.order_by("size"))
    assert (rows[-1].size if rows else 0) == len(leaves)
    for row in rows:
        signed = open_checkpoint(row.note, verification_keys(size=row.size))
        assert signed.root == bytes(row.root) == tree_root(list(leaves.values())[: row.size])


def test_sealers_at_once_make_one_tree(now):
    together, failures = threading.Barrier(5), []

    def run(work):
        try:
            connection.ensure_connection()
            together.wait(120)
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            failures.append(error)
        finally:
            connections.close_all()

    def seal():
        for size in (1, 7, 3, 16, 5, 40):
            sealing.seal_batch(now=now, limit=size)

    record_events(30)
    works = [seal, seal, seal, lambda: record_events(60), lambda: record_events(60)]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert_whole()
    sealing.seal(now=now)
    sealing.seal(now=now)

    assert_whole()
    assert len(stored_leaves()) == len(committed_leaves())


def test_processes_that_seal_at_once_make_one_tree(now):
    record_events(90)
    connections.close_all()
    processes = []
    for _ in range(3):
        process = os.fork()
        if process == 0:
            code = 1
            try:
                for size in (1, 7, 3, 16, 5, 40):
                    sealing.seal_batch(now=now, limit=size)
                code = 0
            finally:
                os._exit(code)
        processes.append(process)

    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0, 0, 0]
    assert_whole()
    assert len(stored_leaves()) > 80


OF_SEALING = (sealing.__file__, audit_keys.__file__)


def seal_and_die(now, line):
    """Seal in a process of its own that is killed before it runs the line of a number. Return whether it was."""
    connections.close_all()
    process = os.fork()
    if process == 0:
        left = line

        def trace(frame, event, _argument):
            nonlocal left
            if frame.f_code.co_filename not in OF_SEALING:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            sys.settrace(trace)
            sealing.seal_batch(now=now, limit=10)
        finally:
            os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


@pytest.mark.slow
def test_a_sealer_that_is_killed_before_any_line_leaves_the_tree_whole(now):
    record_events(20)
    sealing.seal_batch(now=now, limit=14)  # the next batch completes a subtree
    line, was_killed = 0, True
    while was_killed:
        line += 1
        was_killed = seal_and_die(now, line)
        # It ends its transaction before it notes that the connection is gone.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s), pg_advisory_unlock(%s)", [audit_keys._LOCK] * 2)
        assert_whole()

    assert line > 50
    sealing.seal(now=now)
    sealing.seal(now=now)
    assert_whole()
    assert len(stored_leaves()) == len(committed_leaves())
