"""Deliver events to webhooks and other sinks, for projects without Cedrina's background worker."""

import signal
from typing import Any

from django.utils.translation import gettext_noop

from cedrina_base.operator_commands import LocalizedCommand
from security_events.delivery.dispatcher import Dispatcher


class Command(LocalizedCommand):
    help = gettext_noop(
        "Deliver security events to webhooks and other sinks until SIGTERM or SIGINT, as run_worker does."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        dispatcher = Dispatcher()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: dispatcher.stop())
        dispatcher.run()
