"""`python -m cedrina.serving`: HTTP and WebSockets on one port. With `--http` or `--sockets`, one of them."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from cedrina.settings.settings_module import settings_module

MAX_FRAME_BYTES = 16 * 1024
KEEP_ALIVE_SECONDS = 30


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(prog="python -m cedrina.serving", description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--http", action="store_true", help="HTTP alone, by WEB_CONCURRENCY workers of granian")
    kind.add_argument("--sockets", action="store_true", help="WebSockets alone, by daphne; Redis joins it to the rest")
    parser.add_argument("--host", help="instead of HOST")
    parser.add_argument("--port", type=int, help="instead of PORT")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    # Load the settings here first: their faults are printed once, not by each worker.
    from django.conf import settings

    run_checks()
    host = options.host or settings.SERVING["HOST"]
    port = settings.SERVING["PORT"] if options.port is None else options.port
    if options.http:
        serve_http(host, port, settings.SERVING["WORKERS"])
    elif options.sockets:
        serve_sockets(host, port)
    else:
        serve_both(host, port)


def run_checks() -> None:
    """Run the system checks of all apps.

    They run in a process of their own: the process that supervises workers needs none of the modules that they load.

    Raises: SystemExit with the messages of the checks.
    """
    checked = subprocess.run(
        [sys.executable, "-m", "django", "check_before_serving"], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        sys.exit(f"Cedrina does not start:\n{(checked.stderr or checked.stdout).strip()}")
    sys.stderr.write(checked.stderr)  # its warnings


def serve_http(host: str, port: int, workers: int) -> None:
    """Serve HTTP with granian, by worker processes that are restarted when they end.

    Raises: SystemExit when the address cannot be used or no worker can start.
    """
    from cedrina.database.circuit_breaker import circuit_breaker
    from cedrina.serving import http_worker
    from cedrina.serving.connection_limits import max_connections, raise_descriptor_limit
    from cedrina.serving.listening import ListeningSockets
    from cedrina.serving.supervision import Supervisor, Worker

    try:
        sockets = ListeningSockets(host, port, workers)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        sys.exit(f"Cannot listen on {host}, port {port}: {reason}.")
    raise_descriptor_limit(workers)

    def work(position: int, process_number: int, ready: Callable[[], None]) -> None:
        circuit_breaker.set_worker_number(process_number)
        most = max_connections(workers)
        http_worker.serve(load=load_application, sockets=sockets, number=position, most_connections=most, ready=ready)

    def on_end(worker: Worker) -> None:
        circuit_breaker.forget_worker(worker.process_number)
        if worker.stop_requested_at is None:  # else its successor is there
            sockets.record_exit(worker.position)

    sys.exit(Supervisor(number=workers, work=work, on_end=on_end).run())


def load_application() -> Any:
    """Return the RSGI application. A worker loads it by its dotted path, as uvicorn and daphne do."""
    from django.utils.module_loading import import_string

    return import_string("cedrina.rsgi.application")


def serve_sockets(host: str, port: int) -> None:
    """Serve WebSockets with daphne."""
    from cedrina.serving.daphne_server import WebSocketServerCommand

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
