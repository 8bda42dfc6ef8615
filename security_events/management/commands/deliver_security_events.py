"""Deliver events to webhooks and other sinks and look for attacks, for projects without Cedrina's background worker."""

import signal
import threading
from typing import Any

from django.utils.translation import gettext_noop

from cedrina_base.operator_commands import LocalizedCommand
from security_events.delivery.dispatcher import Dispatcher
from security_events.live import hint_sender
from security_events.services.detection.engine.loop import DetectionLoop


class Command(LocalizedCommand):
    help = gettext_noop(
        "Deliver security events to webhooks and other sinks, and ask the detection rules about them, until SIGTERM or "
        "SIGINT, as run_worker does."
    )
    examples = ("deliver_security_events",)

    def handle(self, *_args: Any, **_options: Any) -> None:
        hint_sender.start()
        loops = Dispatcher(), DetectionLoop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: [each.stop() for each in loops])
        detecting = threading.Thread(target=loops[1].run, name="DetectionLoop", daemon=True)
        detecting.start()
        loops[0].run()
        detecting.join()
