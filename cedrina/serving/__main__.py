"""`python -m cedrina.serving`: HTTP and WebSockets on one port. With `--http` or `--sockets`, one of them."""

import argparse
import gc
import os
import sys
from importlib import import_module

from cedrina.serving.addresses import demand_free_address, refuse_address
from cedrina.serving.checks import check_code, load_and_check
from cedrina.settings.settings_module import settings_module
from cedrina.websockets.frame_limits import MAX_FRAME_BYTES

KEEP_ALIVE_SECONDS = 30
YOUNG_OBJECTS = 10_000  # that the process of sockets makes before the garbage collector looks at them; Python has 700


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(prog="python -m cedrina.serving", description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--http", action="store_true", help="HTTP alone, by WEB_CONCURRENCY workers of granian")
    kind.add_argument("--sockets", action="store_true", help="WebSockets alone, by daphne")
    parser.add_argument("--host", help="instead of HOST")
    parser.add_argument("--port", type=int, help="instead of PORT")
    parser.add_argument("--check", action="store_true", help="load settings and code and check them; serve nothing")
    options = parser.parse_args(arguments)
    environment = dict(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    # Load the settings here first: their faults are printed once, not by each worker.
    from django.conf import settings

    if options.check:
        check_code(environment)
        return
    host = options.host or settings.SERVING["HOST"]
    port = settings.SERVING["PORT"] if options.port is None else options.port
    if options.http:
        from cedrina.serving.processes import http_server

        sys.exit(http_server.serve(host, port, settings.SERVING["WORKERS"], environment))
    try:
        demand_free_address(host, port)  # the servers below would say it in a log line, after seconds
    except OSError as error:
        refuse_address(host, port, error)
    load_and_check(load_code)
    from cedrina.monitoring import error_reports, prometheus_backend
    from cedrina.monitoring.tracing import process as tracing

    error_reports.start(settings.MONITORING["SENTRY_DSN"], environment=settings.ENVIRONMENT)
    tracing.start(settings.MONITORING, environment=settings.ENVIRONMENT)
    remove_figures = prometheus_backend.keep_in_files(settings.MONITORING["FIGURES_DIR"])
    try:
        if options.sockets:
            serve_sockets(host, port)
        else:
            serve_both(host, port)
    finally:
        tracing.stop()
        remove_figures()


def load_code() -> None:
    """Load what both servers import, and the views, before the first request needs them."""
    import_module("cedrina.serving.application")  # sets Django up
    import_module("cedrina.routing")
    import_module("cedrina.urls")


def serve_sockets(host: str, port: int) -> None:
    """Serve WebSockets with daphne."""
    from cedrina.serving.daphne_server import WebSocketServerCommand

    # A full collection stops all sockets. It looked at the 220,000 objects of the code, of which none becomes garbage:
    # 150 ms of CPU, every seven seconds of a busy feed. What a batch makes for 1,000 sockets must not count as old.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    limits = ["--websocket-max-message-size", str(MAX_FRAME_BYTES), "--no-server-name", "--verbosity", "0"]
    WebSocketServerCommand().run(["-b", host, "-p", str(port), *limits, "cedrina.asgi:application"])


def serve_both(host: str, port: int) -> None:
    """Serve HTTP and WebSockets with uvicorn, in this process."""
    import uvicorn

    from cedrina.serving.uvicorn_protocol import TimeoutProtocol

    uvicorn.run(
        "cedrina.asgi:application",
        host=host,
        port=port,
        workers=1,  # uvicorn would read WEB_CONCURRENCY, and its processes share no state
        http=TimeoutProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
