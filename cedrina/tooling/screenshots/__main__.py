"""`make screenshots`: take every page in every appearance, from a server and a database of their own."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cedrina.tooling import demo

MODULE = "cedrina.tooling.screenshots"


def main() -> int:
    """Take the pages. Return 1 when one of them has a fault, or nothing can be taken."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--only", default="*", help='names of pages, such as "admin-*"; all without it')
    parser.add_argument("--to", type=Path, default=demo.ROOT / ".data" / "screenshots", help="the folder")
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        command = [sys.executable, "-m", "cedrina.tooling.embedded", "run", "--", sys.executable, "-m", MODULE]
        return subprocess.call([*command, *sys.argv[1:]], cwd=demo.ROOT)
    return _take(only=options.only, folder=options.to)


def _take(*, only: str, folder: Path) -> int:
    with TemporaryDirectory() as mails, demo.own_server({"EMAIL_URL": f"filemail://{mails}"}) as server:
        import django

        django.setup()
        # Here, since they import models.
        from cedrina.tooling.screenshots import capture, demo_data, pages, sheet

        executable = capture.chromium()
        if executable is None:
            print("make screenshots: install Chromium or Chrome first; neither was found.", file=sys.stderr)
            return 1
        data = demo_data.make(server)
        wanted = pages.all_pages(data, only=only)
        print(f"{len(wanted)} pages, {capture.PICTURES} pictures of each, to {folder}", flush=True)
        faults = 0
        for fault in capture.take(wanted, url=server.url, password=data.password, folder=folder, executable=executable):
            faults += 1
            print(f"- {fault}", flush=True)
    sheet.write(folder)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
