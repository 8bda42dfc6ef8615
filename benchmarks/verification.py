"""How fast the sealed trail is verified: in the database, and an export with the public key alone."""

import argparse
import tempfile
import time
from pathlib import Path

import psycopg
from sealing import INSERT, cpu_seconds, database, django_at
from servers import bench_environment, cedrina_environment, require_database


def main() -> int:
    """Seal many events, verify them in both ways, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    url = database("verification", environment)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"{INSERT} FROM generate_series(1, %s)", [options.events])
    django_at(url, environment)
    measure()
    return 0


def measure() -> None:
    """Measure the database of the settings."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from security_events.services.trail import sealing, verification
    from security_events.verifier.command_line import verify_export_file

    sealing.seal(now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    keys = verification.stored_trusted_keys()
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "events.ndjson"
        call_command("export_security_events", "--output", str(export))
        for name, verify in {
            "database": lambda: verification.verify(now=timezone.now()),
            "export": lambda: verify_export_file(export, keys=keys, outside=(), witnesses=(), now=time.time()),
        }.items():
            begun, ours, theirs = time.monotonic(), time.process_time(), cpu_seconds(backend)
            report = verify()
            wall, ours, theirs = time.monotonic() - begun, time.process_time() - ours, cpu_seconds(backend) - theirs
            if not report.ok:
                raise SystemExit(f"{name}: {report.first_wrong}")
            print(
                f"{name}: {report.checked} events in {wall:.2f} s, {report.checked / wall:.0f} a second; CPU {ours:.2f}"
                f" s of the verifier and {theirs:.2f} s of PostgreSQL"
            )


if __name__ == "__main__":
    raise SystemExit(main())
