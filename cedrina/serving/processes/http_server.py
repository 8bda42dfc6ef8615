"""The HTTP server: a supervisor that loads the code and keeps the sockets, and the workers that it forks."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from cedrina.database.circuit_breaker import SHARED_BYTES, circuit_breaker
from cedrina.serving.addresses import refuse_address
from cedrina.serving.checks import load_and_check
from cedrina.serving.processes.connection_limits import max_connections, raise_descriptor_limit
from cedrina.serving.processes.listening import ListeningSockets
from cedrina.serving.processes.preloading import preload
from cedrina.serving.processes.reexecution import STATE_DESCRIPTOR, NextProgram, SupervisorState, WorkerPosition
from cedrina.serving.processes.shared_memory import SharedMemory
from cedrina.serving.processes.supervision import Supervisor
from cedrina.serving.processes.worker_process import Worker


def serve(host: str, port: int, workers: int, environment: Mapping[str, str]) -> int:
    """Serve until a signal arrives, and return the exit code.

    ``environment`` is that of the start of this program. With the state of a previous program of this process in it,
    the same sockets and as many workers as before are served.

    Raises: SystemExit when the address cannot be used or the checks fail.
    """
    from cedrina.monitoring import error_reports, prometheus_backend
    from cedrina.monitoring.tracing import process as tracing

    state = SupervisorState.read(environment)
    sockets = _listen(host, port, workers) if state is None else _inherited_sockets(state)
    breaker = SharedMemory(SHARED_BYTES, descriptor=None if state is None else state.resources["circuit_breaker"][0])
    circuit_breaker.share(breaker.content)
    positions = [WorkerPosition() for _ in range(workers)] if state is None else state.positions
    resources = {
        "sockets": sockets.descriptors,
        "heartbeats": [sockets.heartbeats_descriptor],
        "circuit_breaker": [breaker.descriptor],
    }
    remove_figures = prometheus_backend.keep_in_files(settings.MONITORING["FIGURES_DIR"], is_start=state is None)
    raise_descriptor_limit(len(positions))
    most_connections = max_connections(len(positions))

    def work(position: int, process_number: int, ready: Callable[[], None]) -> None:
        from cedrina.serving.processes import http_worker

        circuit_breaker.set_worker_number(process_number)
        prometheus_backend.number_forked_process()
        error_reports.start(settings.MONITORING["SENTRY_DSN"], environment=settings.ENVIRONMENT)
        tracing.start(settings.MONITORING, environment=settings.ENVIRONMENT)
        http_worker.serve(
            load=load_application, sockets=sockets, number=position, most_connections=most_connections, ready=ready
        )
        tracing.stop()

    def on_end(worker: Worker) -> None:
        circuit_breaker.forget_worker(worker.process_number)
        if worker.stop_requested_at is None:  # else its successor is there
            sockets.record_exit(worker.position)

    supervisor = Supervisor(
        state=SupervisorState(positions, [] if state is None else state.workers, resources),
        load=preload_and_check if state is None else preload,
        work=work,
        on_end=on_end,
        next_program=NextProgram({name: text for name, text in environment.items() if name != STATE_DESCRIPTOR}),
    )
    try:
        return supervisor.run()
    finally:
        remove_figures()


def load_application() -> Any:
    """Return the ASGI application. A worker loads it by its dotted path, as uvicorn and daphne do."""
    from django.utils.module_loading import import_string

    return import_string("cedrina.asgi.application")


def preload_and_check() -> None:
    """Load the code that all workers share, and check settings and code.

    Raises: SystemExit when the checks refuse something; whatever the code raises when they have passed.
    """
    load_and_check(preload)


def _listen(host: str, port: int, workers: int) -> ListeningSockets:
    try:
        return ListeningSockets.listen(host, port, workers)
    except OSError as error:
        refuse_address(host, port, error)


def _inherited_sockets(state: SupervisorState) -> ListeningSockets:
    return ListeningSockets.inherited(state.resources["sockets"], state.resources["heartbeats"][0])
