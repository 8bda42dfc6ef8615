"""`python -m cedrina.tooling.embedded run [--redis] [--data DIR] [--durable] -- COMMAND...`."""

import argparse
import sys
from pathlib import Path

from cedrina.tooling.embedded.command import ForegroundCommand
from cedrina.tooling.embedded.errors import EmbeddedServerError
from cedrina.tooling.embedded.session import servers


def main(arguments: list[str] | None = None) -> int:
    """Run a command with DATABASE_URL and, with --redis, REDIS_URL set; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m cedrina.tooling.embedded", description=main.__doc__)
    run = parser.add_subparsers(required=True).add_parser("run", help=main.__doc__)
    run.add_argument("--redis", action="store_true", help="start Redis too")
    run.add_argument("--data", type=Path, help="keep PostgreSQL's data in this directory")
    run.add_argument("--durable", action="store_true", help="write to disk as in production, as --data does")
    run.add_argument("command", nargs="+", help="what to run, after --")
    options = parser.parse_args(arguments)
    command = ForegroundCommand()
    try:
        with servers(redis=options.redis, data=options.data, durable=options.durable) as keeper:
            return command.run(options.command, environment=keeper.addresses)
    except EmbeddedServerError as error:
        print(f"cedrina.tooling.embedded: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
