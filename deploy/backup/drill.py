#!/usr/bin/env python3
"""Restore the backup to a moment of now, and compare what comes back with the running cluster.

It connects to the cluster by libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE), restores from BACKUP_DIR into
$BACKUP_DIR/drill, starts a server on it that only this machine reaches, counts the rows of all tables, and lets
`manage.py verify_audit_trail` verify the trail there, with the settings of Cedrina in the environment. Then it removes
the copy. The running cluster gets one restore point, two snapshots and the counts; nothing is locked.

Exit code 0: what came back is right; 1: it is not, or could not be restored; 2: wrong usage.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

FOLDER = Path(__file__).resolve().parent
LOOK_SECONDS = 0.02
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2
"""
RECEIVED = "SELECT max(flush_lsn) >= %s::pg_lsn FROM pg_stat_replication WHERE application_name = %s"
Connection = psycopg.Connection[Any]


class DrillFailed(Exception):
    """The backup could not be restored, or not in time. The message says why."""


def main() -> int:
    """Run the drill of the arguments; return the exit code."""
    options = _options()
    if password := os.environ.get("PGPASSWORD_FILE"):
        os.environ["PGPASSWORD"] = Path(password).read_text(encoding="utf-8").strip()
    try:
        report = drill(options)
    except (DrillFailed, psycopg.Error, OSError) as error:
        report = {"ok": False, "error": str(error).strip()}
    print(json.dumps(report) if options.json else _sentences(report))
    return 0 if report["ok"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--manage", default="python manage.py", help="how manage.py is called here")
    parser.add_argument("--slot", default="cedrina_backup", help="the slot of receive-wal.sh (BACKUP_SLOT)")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the WAL, and for the server")
    options = parser.parse_args()
    if not os.environ.get("BACKUP_DIR"):
        parser.error("BACKUP_DIR is not set: name the folder of the backups.")
    options.backups = Path(os.environ["BACKUP_DIR"])
    return options


def drill(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was restored, how long it took, and whether it is right.

    Raises: DrillFailed, psycopg.Error, OSError.
    """
    with (options.backups / "drill.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DrillFailed("Another drill is running on these backups.") from error
        name = f"drill_{os.getpid()}_{int(time.time())}"
        fewest, most, received = _mark(name, slot=options.slot, patience=options.wait)
        data = options.backups / "drill"
        try:
            return _restored(data, name, options=options, fewest=fewest, most=most, received=received)
        finally:
            _remove(data)


def _mark(name: str, *, slot: str, patience: float) -> tuple[dict[str, int], dict[str, int], float]:
    """Make a restore point; return the rows shortly before and after it, and in how many seconds it was received."""
    with psycopg.connect() as before, psycopg.connect() as after, psycopg.connect(autocommit=True) as third:
        for connection in (before, after):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before.execute("SELECT")  # the first statement takes the snapshot
        (position,) = third.execute("SELECT pg_create_restore_point(%s)", [name]).fetchone() or ("",)
        started = time.monotonic()
        after.execute("SELECT")
        # Row counts of a busy cluster lie between those of the two snapshots; in a quiet one they are equal.
        _await_receiver(third, position, slot=slot, deadline=started + patience)
        received = time.monotonic() - started
        return _rows(before), _rows(after), received


def _await_receiver(connection: Connection, position: str, *, slot: str, deadline: float) -> None:
    while not (connection.execute(RECEIVED, [position, slot]).fetchone() or (False,))[0]:
        if time.monotonic() > deadline:
            raise DrillFailed(f"The WAL was not received in time: does receive-wal.sh run, with the slot {slot}?")
        time.sleep(LOOK_SECONDS)


def _restored(
    data: Path,
    name: str,
    *,
    options: argparse.Namespace,
    fewest: dict[str, int],
    most: dict[str, int],
    received: float,
) -> dict[str, Any]:
    _remove(data)  # what a drill left behind that was killed
    started = time.monotonic()
    _run([str(FOLDER / "restore.sh"), str(data), f"point:{name}"])
    with _server(data, patience=options.wait) as port:
        rto = time.monotonic() - started
        with psycopg.connect(host="127.0.0.1", hostaddr="127.0.0.1", port=port, sslmode="prefer") as connection:
            rows = _rows(connection)
        wrong = {
            table: {"restored": rows.get(table), "running": [fewest.get(table), most.get(table)]}
            for table in sorted({*rows, *fewest, *most})
            if not _is_between(rows.get(table), fewest.get(table), most.get(table))
        }
        trail = _verified_trail(options.manage, port=port)
    return {
        "ok": not wrong and trail.get("ok") is True,
        "restore_point": name,
        "rpo_seconds": round(received, 3),
        "rto_seconds": round(rto, 3),
        "tables": len(rows),
        "rows": sum(rows.values()),
        "wrong_tables": wrong,
        "trail": trail,
    }


def _rows(connection: Connection) -> dict[str, int]:
    return {
        f"{schema}.{table}": connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
        ).fetchone()[0]  # type: ignore[index]  # count(*) has always one row
        for schema, table in connection.execute(TABLES).fetchall()
    }


def _is_between(rows: int | None, one: int | None, other: int | None) -> bool:
    return None not in (rows, one, other) and min(one, other) <= rows <= max(one, other)  # type: ignore[type-var,operator]


@contextlib.contextmanager
def _server(data: Path, *, patience: float) -> Iterator[int]:
    """Start PostgreSQL on the restored data, wait until its recovery has ended, and give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    # Without hot_standby the recovery doesn't ask for the settings of the running cluster, such as max_connections.
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "hot_standby": "off",
        "archive_mode": "off",
        "ssl": "off",
        "logging_collector": "off",
        "shared_buffers": "128MB",
    }
    command = ["postgres", "-D", str(data)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = _log_of(data)
    with log.open("w+b") as output, subprocess.Popen(_as_server(command), stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + patience
            while not _is_ready(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise DrillFailed(f"PostgreSQL did not start on the restored data:\n{log.read_text()[-2000:]}")
                time.sleep(LOOK_SECONDS)
            yield port
        finally:
            process.terminate()
            process.wait()


def _log_of(data: Path) -> Path:
    """Return where the log of the restored server is written: beside its data."""
    return data.with_suffix(".log")


def _is_ready(port: int) -> bool:
    try:
        with psycopg.connect(host="127.0.0.1", hostaddr="127.0.0.1", port=port, sslmode="prefer") as connection:
            return (connection.execute("SELECT NOT pg_is_in_recovery()").fetchone() or (False,))[0] is True
    except psycopg.OperationalError:
        return False


def _verified_trail(manage: str, *, port: int) -> dict[str, Any]:
    """Return the report of `verify_audit_trail`, asked of the restored server by the role of DATABASE_URL."""
    place = urlsplit(os.environ.get("DATABASE_URL", ""))
    account = place.netloc.rpartition("@")[0]
    url = urlunsplit(place._replace(netloc=f"{account}@127.0.0.1:{port}", query=""))
    done = subprocess.run(
        [*shlex.split(manage), "verify_audit_trail", "--json"],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise DrillFailed(f"manage.py verify_audit_trail failed: {done.stderr[-2000:]}") from error
    return report


def _as_server(command: list[str]) -> list[str]:
    """Return the command as the user of the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    user = os.environ.get("SERVER_USER", "postgres")
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *command]


def _remove(data: Path) -> None:
    if data.exists():
        subprocess.run(
            _as_server(["pg_ctl", "stop", "--mode=immediate", "--silent", f"--pgdata={data}"]),
            capture_output=True,
            check=False,
        )
        _run(_as_server(["rm", "-rf", str(data), str(_log_of(data))]))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DrillFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")


def _sentences(report: dict[str, Any]) -> str:
    if "error" in report:
        return str(report["error"])
    verdict = "right" if report["trail"].get("ok") else "WRONG"
    lines = [
        f"RPO: {report['rpo_seconds']} s passed until a commit was in the backup, too.",
        f"RTO: {report['rto_seconds']} s passed from the start of the restore until the server answered.",
        f"{report['rows']} rows in {report['tables']} tables came back; the trail is {verdict}.",
    ]
    for table, counts in report["wrong_tables"].items():
        lines.append(f"{table}: {counts['restored']} rows, but {counts['running']} in the running cluster.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
