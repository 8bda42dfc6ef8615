"""Import a large dump, kill the import in the middle, run it again, and count whether anybody is lost or doubled.

    .venv/bin/python -m cedrina.tooling.embedded run --durable -- .venv/bin/python benchmarks/imports.py --rows 1000000

The database is one of its own, on the server that DATABASE_URL names. Exit code 1 when a count is not what it must be.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.programs import served

# Of no password that anybody knows: computed once, since a million hashes would measure bcrypt.
HASHES = (
    "$2b$10$abcdefghijklmnopqrstuuHx1nFRXwTTM/J3eFBTAeeKXrWTjLJk6",
    "$2a$12$abcdefghijklmnopqrstuuHx1nFRXwTTM/J3eFBTAeeKXrWTjLJk6",
)
FACTS = {
    "people": "SELECT count(*) FROM accounts_user",
    "names": "SELECT count(DISTINCT lower(username)) FROM accounts_user",
    "addresses": "SELECT count(DISTINCT email_folded) FROM accounts_user",
    "expected_names": "SELECT count(*) FROM generate_series(1, {rows}) AS n "
    "JOIN accounts_user ON lower(username) = 'person' || n AND email = 'person' || n || '@example.com'",
    "known_by_id": "SELECT count(*) FROM accounts_importedperson",
    "counted_by_run": "SELECT imported FROM accounts_importrun",
    "read_by_run": "SELECT read FROM accounts_importrun",
    "counted_by_events": "SELECT sum((data ->> 'imported')::bigint) FROM security_events_event "
    "WHERE type = 'account.imported'",
}


def write_dump(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,username,email,full_name,password_hash,email_verified,created_at\n")
        for number in range(1, rows + 1):
            file.write(
                f'{number},person{number},person{number}@example.com,"Person, number {number}",'
                f"{HASHES[number % 2]},{'true' if number % 3 else 'false'},2024-03-01T12:00:00Z\n"
            )


def start(dump: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "import_users", str(dump), "--format", "bcrypt", "--json"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, int, float]:
    """Return the exit code, the output, the peak of the memory in KiB, and the seconds of processor time."""
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, output, usage.ru_maxrss, usage.ru_utime + usage.ru_stime


def kill_after(line: int, process: subprocess.Popen[str], database: psycopg.Connection, dice: Random) -> None:
    """Kill the import once it stored the batch with a line: somewhere in the one that follows."""
    while process.poll() is None:
        row = database.execute("SELECT line FROM accounts_importrun").fetchone()
        if row and row[0] >= line:
            time.sleep(dice.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            return
        time.sleep(0.01)
    raise SystemExit(f"The import ended with {process.returncode} before it was killed.")


def measure(*, rows: int, kills: int, seed: int, url: str) -> dict[str, object]:
    dice = Random(seed)
    environment = served.environment(DATABASE_URL=url, LOG_LEVEL="ERROR")
    with (
        tempfile.TemporaryDirectory() as directory,
        psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True) as database,
    ):
        dump = Path(directory) / "dump.csv"
        write_dump(dump, rows)
        size = dump.stat().st_size
        peak, worked, killed_after, begun = 0, 0.0, [], time.monotonic()
        for target in sorted(dice.randrange(rows // 20, rows * 9 // 10) for _ in range(kills)):
            process = start(dump, environment)
            kill_after(target, process, database, dice)
            _, _, memory, seconds = ended(process)
            peak, worked = max(peak, memory), worked + seconds
            killed_after.append(target)
        code, output, memory, seconds = ended(start(dump, environment))
        peak, worked, seconds = max(peak, memory), worked + seconds, time.monotonic() - begun
        summary = json.loads(output)
        facts = {name: database.execute(sql.format(rows=rows)).fetchone()[0] for name, sql in FACTS.items()}
    wrong = {name: int(count) for name, count in facts.items() if int(count) != rows}
    return {
        "rows": rows,
        "megabytes": round(size / 1e6, 1),
        "killed_after_line": killed_after,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_mebibytes": round(peak / 1024),
        "cpu_seconds": round(worked, 1),
        "exit_code": code,
        "last_run": summary,
        "wrong": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="of the moments of the kills")
    options = parser.parse_args()
    with served.database() as url:
        result = {"seed": options.seed, **measure(rows=options.rows, kills=options.kills, seed=options.seed, url=url)}
    print(json.dumps(result, indent=2))
    if result["wrong"] or result["exit_code"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
