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
    parser.add_argument("--check", action="store_true", help="load settings and code and check them; serve nothing")
    options = parser.parse_args(arguments)
    environment = dict(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    # Load the settings here first: their faults are printed once, not by each worker.
    from django.conf import settings

    if options.check:
        check(environment)
        return
    host = options.host or settings.SERVING["HOST"]
    port = settings.SERVING["PORT"] if options.port is None else options.port
    if options.http:
        serve_http(host, port, settings.SERVING["WORKERS"], environment)
    elif options.sockets:
        run_checks()
        serve_sockets(host, port)
    else:
        run_checks()
        serve_both(host, port)


def check(environment: dict[str, str]) -> None:
    """Load the code and run the checks in this process, before a running server is replaced by it (SIGHUP).

    Raises: SystemExit with the messages of the checks; whatever the code raises.
    """
    from django.core.management import CommandError, call_command

    from cedrina.serving.preloading import preload
    from cedrina.serving.reexecution import SupervisorState

    SupervisorState.read(environment)
    preload()
    try:
        call_command("check_before_serving", skip_checks=False)
    except CommandError as error:
        sys.exit(str(error))


def run_checks() -> None:
    """Run the system checks of all apps, in a process of its own, which ends with all that they load.

    Raises: SystemExit with the messages of the checks.
    """
    end_checks(start_checks())


def start_checks() -> "subprocess.Popen[str]":
    """Start the process that runs the checks."""
    command = [sys.executable, "-m", "django", "check_before_serving"]
    return subprocess.Popen(  # noqa: S603 - a fixed command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end_checks(checks: "subprocess.Popen[str]") -> None:
    """Wait for the checks and write their warnings.

    Raises: SystemExit with the messages of the checks.
    """
    output, errors = checks.communicate()
    if checks.returncode:
        sys.exit(f"Cedrina does not start:\n{(errors or output).strip()}")
    sys.stderr.write(errors)


def preload_and_check() -> None:
    """Load the code that all workers share, while the checks run in a process of their own.

    Raises: SystemExit with the messages of the checks; whatever the code raises when they have passed.
    """
    from cedrina.serving.preloading import preload

    checks = start_checks()
    try:
        try:
            preload()
        finally:
            end_checks(checks)
    except BaseException:
        checks.kill()
        raise


def serve_http(host: str, port: int, workers: int, environment: dict[str, str]) -> None:
    """Serve HTTP with granian, by worker processes that are restarted when they end.

    ``environment`` is that of the start of this program. With the state of a previous program of this process in it,
    the same sockets and as many workers as before are served.

    Raises: SystemExit when the address cannot be used or no worker can start.
    """
    from cedrina.database.circuit_breaker import SHARED_BYTES, circuit_breaker
    from cedrina.serving.listening import BACKLOG, ListeningSockets
    from cedrina.serving.preloading import preload
    from cedrina.serving.reexecution import STATE_DESCRIPTOR, NextProgram, SupervisorState, WorkerPosition
    from cedrina.serving.shared_memory import SharedMemory
    from cedrina.serving.supervision import Supervisor
    from cedrina.serving.worker_process import Worker

    state = SupervisorState.read(environment)
    if state is None:
        try:
            sockets = ListeningSockets.listen(host, port, workers)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            sys.exit(f"Cannot listen on {host}, port {port}: {reason}.")
        breaker_memory = SharedMemory(SHARED_BYTES)
        positions, running, load = [WorkerPosition() for _ in range(workers)], [], preload_and_check
    else:
        sockets = ListeningSockets.inherited(state.resources["sockets"], *state.resources["heartbeats"])
        breaker_memory = SharedMemory(SHARED_BYTES, descriptor=state.resources["circuit_breaker"][0])
        positions, running, load = state.positions, state.workers, preload
    circuit_breaker.share(breaker_memory.content)
    resources = {
        "sockets": sockets.descriptors,
        "heartbeats": [sockets.heartbeats_descriptor],
        "circuit_breaker": [breaker_memory.descriptor],
    }
    most_connections = max(1, BACKLOG // len(positions))

    def work(position: int, process_number: int, ready: Callable[[], None]) -> None:
        from cedrina.serving import http_worker

        circuit_breaker.set_worker_number(process_number)
        http_worker.serve(
            load=load_application, sockets=sockets, number=position, most_connections=most_connections, ready=ready
        )

    def on_end(worker: Worker) -> None:
        circuit_breaker.forget_worker(worker.process_number)
        if worker.stop_requested_at is None:  # else its successor is there
            sockets.record_exit(worker.position)

    supervisor = Supervisor(
        state=SupervisorState(positions, running, resources),
        load=load,
        work=work,
        on_end=on_end,
        next_program=NextProgram({name: text for name, text in environment.items() if name != STATE_DESCRIPTOR}),
    )
    sys.exit(supervisor.run())


def load_application() -> Any:
    """Return the ASGI application. A worker loads it by its dotted path, as uvicorn and daphne do."""
    from django.utils.module_loading import import_string

    return import_string("cedrina.asgi.application")


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
