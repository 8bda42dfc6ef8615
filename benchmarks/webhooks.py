"""How many events a second one webhook takes: a backlog at once, and 1,000 events a second that are written meanwhile.

The receiver is a process of its own on loopback that answers 204. The events are written by INSERT ... SELECT. Ends
with 1 when the backlog grows while 1,000 events a second are written.
"""

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database

sys.path.insert(0, str(ROOT))
WRITE = """
INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
    actor_pseudonym, target_id, target_name, correlation_id, ip_address, user_agent, risk_score, risk_reasons, data)
SELECT security_events_uuid7(), clock_timestamp(), 'session.created', 'session', 'info', 'success', md5(n::text),
    'm***@example.com', '', md5(n::text), 'm***@example.com', md5(n::text), '198.51.100.7',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 0, '[]',
    '{"amr": ["pwd"], "device": "Chrome on Linux"}'
FROM generate_series(1, %s) n
"""


def receive(ports: Any) -> None:
    """Answer each request on a connection with 204."""
    import asyncio

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def _head(reader: Any) -> bytes:
    import asyncio

    try:
        return bytes(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    require_database()
    os.environ["DATABASE_URL"] = new_database("bench_webhooks")
    os.environ.update(cedrina_environment(bench_environment(1)), DJANGO_SETTINGS_MODULE="cedrina.settings.dev")
    migrate(dict(os.environ))
    ports: Any = multiprocessing.Queue()
    receiver = multiprocessing.Process(target=receive, args=(ports,), daemon=True)
    receiver.start()
    try:
        return _measure(ports.get(timeout=30), options)
    finally:
        receiver.terminate()


def _measure(port: int, options: argparse.Namespace) -> int:
    import django
    from django.conf import settings

    django.setup()
    settings.CEDRINA_BASE = {
        "OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.0/8"],
        "OUTBOUND_ALLOWED_PORTS": [port],
        "OUTBOUND_PLAIN_HTTP": True,
    }
    from security_events.delivery.dispatcher import Dispatcher
    from security_events.services import webhooks
    from security_events.types import NO_SUBJECT

    members = {"url": f"http://127.0.0.1:{port}/", "types": ["session.created"]}
    made = webhooks.create(members=members, actor=NO_SUBJECT, now=datetime.now(UTC)).webhook
    _write(options.backlog)
    dispatcher = Dispatcher()
    thread = threading.Thread(target=dispatcher.run)
    began, cpu = time.monotonic(), time.process_time()
    thread.start()
    while _behind(made.pk):
        time.sleep(0.05)
    took = time.monotonic() - began
    result = {"backlog_per_second": round(options.backlog / took)}
    result["cpu_ms_per_event"] = round(1000 * (time.process_time() - cpu) / options.backlog, 3)
    behind = _write_steadily(made.pk, options)
    result |= {"written_per_second": options.rate, "most_behind": max(behind), "behind_at_the_end": behind[-1]}
    dispatcher.stop()
    thread.join()
    print(json.dumps(result))
    return int(behind[-1] > 2 * options.rate)


def _write_steadily(webhook_id: Any, options: argparse.Namespace) -> list[int]:
    """Write ten times a second, and return how many events the webhook was behind after each second."""
    behind, began = [], time.monotonic()
    for tick in range(10 * options.seconds):
        _write(options.rate // 10)
        if tick % 10 == 9:
            behind.append(_behind(webhook_id))
        time.sleep(max(0, began + (tick + 1) / 10 - time.monotonic()))
    return behind


def _write(count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(WRITE, [count])


def _behind(webhook_id: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM security_events_event e, security_events_sink s WHERE s.id = %s "
            "AND (e.transaction_id, e.id) > (s.transaction_id, s.event_id)",
            [webhook_id],
        )
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
