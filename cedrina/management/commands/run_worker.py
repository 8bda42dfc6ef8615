"""Run the background worker: mail, periodic jobs, the delivery of security events, and detection in them."""

import asyncio
import logging
import os
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from cedrina.operations import job_worker
from cedrina.operations.forked_call import call_in_fork
from cedrina_base.operator_commands import LocalizedCommand
from security_events.delivery.dispatcher import Dispatcher
from security_events.live import hint_sender
from security_events.services.detection.engine.loop import DetectionLoop

ENDING_SECONDS = 15.0  # for the requests that are under way at the end, and for storing what became of them


class Command(LocalizedCommand):
    help = gettext_noop(
        "Do the background jobs until SIGTERM or SIGINT. When PostgreSQL goes away the worker waits for it and goes on."
    )
    examples = ("run_worker", "run_worker --queues mail --concurrency 4")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queues", help="only these, separated by commas; without it, all")
        parser.add_argument("--concurrency", type=int, default=1, help="how many jobs at a time (default: 1)")

    def check(self, *args: Any, **options: Any) -> None:
        """Run the system checks in a process of their own: they load all views, which no job needs (30 MiB)."""
        call_in_fork(lambda: super(Command, self).check(*args, **options))

    def handle(self, *_args: Any, **options: Any) -> None:
        from cedrina.monitoring import error_reports, prometheus_backend  # noqa: PLC0415 - a command that is listed needs no figures
        from cedrina.monitoring.tracing import process as tracing  # noqa: PLC0415 - as above

        error_reports.start(settings.MONITORING["SENTRY_DSN"], environment=settings.ENVIRONMENT)
        tracing.start(settings.MONITORING, environment=settings.ENVIRONMENT)
        remove_figures = prometheus_backend.keep_in_files(settings.MONITORING["FIGURES_DIR"])
        queues = [name for name in (options["queues"] or "").split(",") if name]
        is_ended = asyncio.run(_work(queues=queues or None, concurrency=options["concurrency"]))
        tracing.stop()
        if not is_ended:
            # A thread that waits for a silent database can't be ended. What it delivered is delivered again, under the
            # same ids; what it detected was not committed.
            remove_figures()
            logging.shutdown()
            os._exit(0)
        remove_figures()


async def _work(**options: Any) -> bool:
    """Work until a signal comes. Return whether deliveries and detection ended, too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    # Webhooks wait for their receivers: on threads of their own they hold no job up, and no job them.
    hint_sender.start()
    loops = Dispatcher(), DetectionLoop()
    threads = [threading.Thread(target=each.run, name=type(each).__name__, daemon=True) for each in loops]
    for thread in threads:
        thread.start()
    try:
        await job_worker.work(stop=stop, **options)
    finally:
        for each in loops:
            each.stop()
        await asyncio.to_thread(_join, threads)
    return not any(thread.is_alive() for thread in threads)


def _join(threads: Sequence[threading.Thread]) -> None:
    deadline = time.monotonic() + ENDING_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
