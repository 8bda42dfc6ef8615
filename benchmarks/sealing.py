"""What sealing the trail of security events costs, and whom.

`rate`: how many events a second one sealer seals, and the CPU time of it and of its PostgreSQL process together.
`large`: batches appended to a tree of 100 million events beside a small one; of the large one only the right edge is
stored, which is all that a sealer reads.
`insert`: what the number of the transaction and its index add to an event that is inserted.
`writers`: sign-ins and refreshes with and without a sealer that runs each second, in turns.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from growth import USER_AGENT
from servers import (
    RESULTS,
    ROOT,
    bench_environment,
    cedrina_environment,
    database_pid,
    harness,
    mapping,
    migrate,
    new_database,
    require_database,
    server,
)

PARTS = ("rate", "large", "insert", "writers")
LARGE = 100_000_000
INSERT_LEAF = "INSERT INTO security_events_trail_leaf"
INSERT_SUBTREE = "INSERT INTO security_events_trail_subtree VALUES (%s, %s, %s)"
FIRST_PORT = 8130
COLUMNS = (
    "id, occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym, target_id, target_name,"
    " session_id, family_id, correlation_id, ip_address, user_agent, risk_score, risk_reasons, data"
)
VALUES = f"""
    security_events_uuid7(), now(), 'authentication.login_succeeded', 'authentication', 'info', 'success',
    gen_random_uuid()::text, 'ad***', '', gen_random_uuid()::text, 'ad***', gen_random_uuid(), gen_random_uuid(),
    gen_random_uuid()::text, '198.51.100.7', '{USER_AGENT}', 0, '[]', '{{"method": "password", "known_device": true}}'
"""
INSERT = f"INSERT INTO security_events_event ({COLUMNS}) SELECT {VALUES}"


def main() -> int:
    """Measure the parts that were asked for, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--events", type=int, default=100_000, help="of the part rate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="load for each operation of the part writers")
    parser.add_argument("--seal-forever", metavar="URL", help="what the part writers starts beside a server")
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    if options.seal_forever:
        return seal_forever(options.seal_forever, environment)
    measures = {"rate": measure_rate, "large": measure_large, "insert": measure_insert, "writers": measure_writers}
    for part in options.parts.split(","):
        measures[part](options, environment)
    return 0


def database(name: str, environment: dict[str, str]) -> str:
    url = new_database(name)
    migrate({**environment, "DATABASE_URL": url})
    return url


def django_at(url: str, environment: dict[str, str]) -> None:
    """Load Django in this process, with a database."""
    os.environ.update({**environment, "DATABASE_URL": url})
    sys.path.insert(0, str(ROOT))
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    import django

    django.setup()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_rate(options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Seal many events by one sealer."""
    url = database("sealing_rate", environment)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"{INSERT} FROM generate_series(1, %s)", [options.events])
        connection.execute("VACUUM (ANALYZE) security_events_event")
    django_at(url, environment)
    from django.db import connection as own
    from django.utils import timezone

    from security_events.services.trail import sealing

    with own.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    begun, ours, theirs = time.monotonic(), time.process_time(), cpu_seconds(backend)
    sealed = sealing.seal(now=timezone.now()).events
    wall, ours, theirs = time.monotonic() - begun, time.process_time() - ours, cpu_seconds(backend) - theirs
    own.close()
    print(
        f"rate: {sealed} events in {wall:.2f} s, {sealed / wall:.0f} a second; CPU {ours:.2f} s of the sealer and"
        f" {theirs:.2f} s of PostgreSQL, so {sealed / (ours + theirs):.0f} events in a second of one core"
    )


def measure_large(options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Append batches to a small and to a large tree, in turns, each in a process of its own."""
    times: dict[str, list[float]] = {"small": [], "large": []}
    with ExitStack() as stack:
        workers = {}
        for name, size in (("small", 1000), ("large", LARGE)):
            url = database(f"sealing_{name}", environment)
            code = f"import sealing; sealing.append_batches({url!r}, {size})"
            workers[name] = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    cwd=Path(__file__).parent,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for _ in range(6 * options.rounds):
            for name, worker in workers.items():
                worker.stdin.write("\n")
                worker.stdin.flush()
                times[name].append(float(worker.stdout.readline()))
        for worker in workers.values():
            worker.stdin.close()
    for name, found in times.items():
        print(f"large: 200 events appended to the {name} tree in {statistics.median(found) * 1000:.1f} ms (median)")
    print(f"large: x {statistics.median(times['large']) / statistics.median(times['small']):.2f}")


def append_batches(url: str, size: int) -> None:
    """Make a tree of a size, and append a batch for each line of standard input; print what it took."""
    django_at(url, cedrina_environment(bench_environment(1)))
    from django.db import connection
    from django.utils import timezone

    from security_events.services.trail import sealing

    simulate_tree(size)
    sys.stdin.readline()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"{INSERT} FROM generate_series(1, 200)")
        begun = time.monotonic()
        assert sealing.seal_batch(now=timezone.now(), limit=1000).events >= 200  # noqa: S101
        print(time.monotonic() - begun, flush=True)
        if not sys.stdin.readline():
            return


def simulate_tree(size: int) -> None:
    """Store the right edge of a tree, with hashes that are made up, and sign its root."""
    from django.db import connection, transaction
    from django.utils import timezone

    from security_events.models import TrailCheckpoint
    from security_events.selectors.trail import START
    from security_events.services.trail import audit_keys
    from security_events.trail.tree_shape import GrowingTree, edge_subtrees
    from security_events.verifier import Checkpoint, checkpoint_body, sign_note

    hashes = {subtree: os.urandom(32) for subtree in edge_subtrees(size)}
    with transaction.atomic(), connection.cursor() as cursor:
        for (level, position), hash_ in hashes.items():
            if level:
                cursor.execute(INSERT_SUBTREE, [level, position, hash_])
            else:
                cursor.execute(f"{INSERT_LEAF} VALUES (%s, %s, %s)", [position, hash_, START.event_id])
        # The last leaf is part of a larger subtree where the size is a multiple of 16.
        cursor.execute(f"{INSERT_LEAF} SELECT %s, sha256('x'), %s ON CONFLICT DO NOTHING", [size - 1, START.event_id])
        key = audit_keys.active_key(now=timezone.now())
        root = GrowingTree(size, hashes).root()
        body = checkpoint_body(Checkpoint(key.name, size, root))
        TrailCheckpoint.objects.create(
            size=size,
            root=root,
            note=sign_note(body, key.name, audit_keys.private_half(key)),
            key_id=key.kid,
            created_at=timezone.now(),
            events_from=START.event_id,
            events_to=START.event_id,
            transaction_id=START.transaction_id,
        )


def measure_insert(options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Insert events one by one, with and without the number of the transaction and its index, in turns."""
    kinds = ("with both", "without the index", "without both")
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    with ExitStack() as stack:
        connections: dict[str, psycopg.Connection[Any]] = {}
        for number, kind in enumerate(kinds):
            url = database(f"sealing_insert_{number}", environment)
            connections[kind] = stack.enter_context(psycopg.connect(url, autocommit=True))
            if kind != "with both":
                connections[kind].execute("DROP INDEX security_events_event_transaction_idx")
            if kind == "without both":
                connections[kind].execute("ALTER TABLE security_events_event DROP COLUMN transaction_id")
            connections[kind].execute("SET synchronous_commit = off")  # the disk takes longer than all else
            connections[kind].execute(f"{INSERT} FROM generate_series(1, 20000)")
        for _ in range(4 * options.rounds):
            for kind, connection in connections.items():
                begun = time.monotonic()
                for _number in range(500):
                    connection.execute(INSERT, prepare=True)
                times[kind].append((time.monotonic() - begun) / 500)
    for kind, found in times.items():
        print(f"insert: {statistics.median(found) * 1e6:.0f} microseconds for an event {kind}")


def measure_writers(options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Load two servers in turns, one of which has a sealer beside it."""
    with ExitStack() as stack:
        mappings = []
        for number, name in enumerate(("unsealed", "sealed")):
            url = database(f"sealing_writers_{number}", environment)
            port = FIRST_PORT + number
            stack.enter_context(server(name, ["--http"], {**environment, "DATABASE_URL": url, "PORT": str(port)}))
            mappings.append(mapping(name, port))
            if name == "sealed":
                process = subprocess.Popen(
                    [sys.executable, __file__, "--seal-forever", url], env=environment, stdout=subprocess.DEVNULL
                )
                stack.callback(process.wait)
                stack.callback(process.terminate)
        load = ["--ops", "login,refresh", "--conc", "4", "--db-pids", database_pid()]
        rounds = ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        result = harness(*load, *rounds, *mappings, environment=environment, out=RESULTS / "sealing.json")
    for name, rows in result["targets"].items():
        for operation in ("login", "refresh"):
            for row in rows[operation].values():
                print(
                    f"writers: {operation} {name}: p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms, CPU of the"
                    f" server {row['server_cpu_s_per_1000']:.3f} ms, errors {row['errors']}"
                )


def seal_forever(url: str, environment: dict[str, str]) -> int:
    """Seal each second, ten times as often as by default."""
    django_at(url, environment)
    from django.utils import timezone

    from security_events.services.trail import sealing

    while True:
        sealing.seal(now=timezone.now())
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
