"""Run the background worker: mail, periodic jobs and the delivery of security events."""

import asyncio
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cedrina.operations import job_worker
from security_events.delivery.dispatcher import Dispatcher


class Command(BaseCommand):
    help = (
        "Do the background jobs until SIGTERM or SIGINT. When PostgreSQL goes away the worker waits for it and goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queues", help="only these, separated by commas; without it, all")
        parser.add_argument("--concurrency", type=int, default=1, help="how many jobs at a time (default: 1)")

    def handle(self, *_args: Any, **options: Any) -> None:
        queues = [name for name in (options["queues"] or "").split(",") if name]
        asyncio.run(_work(queues=queues or None, concurrency=options["concurrency"]))


async def _work(**options: Any) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    # Webhooks wait for their receivers: on threads of their own they hold no job up, and no job them.
    dispatcher = Dispatcher()
    delivering = threading.Thread(target=dispatcher.run, name="delivery")
    delivering.start()
    try:
        await job_worker.work(stop=stop, **options)
    finally:
        dispatcher.stop()
        await asyncio.to_thread(delivering.join)
