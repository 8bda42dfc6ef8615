"""What does tracing cost? The same load on servers that trace nothing, every request, and one of twenty, in turns.

The collector is a small HTTP server of this program that reads and forgets, so its own time is not in the figures.
"""

import argparse
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from servers import (
    RESULTS,
    bench_environment,
    cedrina_environment,
    harness,
    mapping,
    migrate,
    new_database,
    require_database,
    server,
)

OPERATIONS = ("refresh", "me")
FIRST_PORT = 8130
SAMPLED = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"}


class Collector(BaseHTTPRequestHandler):
    """Reads spans and forgets them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer as a collector that has stored everything."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def main() -> None:
    """Load three servers in turns and print what a request took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    require_database()
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    kinds = {"off": {}, "all": tracing, "one of 20": {**tracing, **SAMPLED}}
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    environment["DATABASE_URL"] = new_database("tracing")
    migrate(environment)
    with ExitStack() as stack:
        mappings = []
        for number, settings in enumerate(kinds.values()):
            name, port = f"tracing-{number}", FIRST_PORT + number
            stack.enter_context(server(name, ["--http"], {**environment, **settings, "PORT": str(port)}))
            mappings.append(mapping(name, port))
        load = ["--ops", ",".join(OPERATIONS), "--conc", "8"]
        times = ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        targets = harness(*load, *times, *mappings, environment=environment, out=RESULTS / "tracing.json")["targets"]
    for operation in OPERATIONS:
        costs = [row["server_cpu_s_per_1000"] for target in targets.values() for row in target[operation].values()]
        errors = [row["errors"] for target in targets.values() for row in target[operation].values()]
        for kind, cost, failed in zip(kinds, costs, errors, strict=True):
            print(f"{operation:8} {kind:10} {cost:6.3f} ms of CPU  x {cost / costs[0]:.2f}  errors {failed}")
    if any(errors):
        sys.exit(1)


if __name__ == "__main__":
    main()
