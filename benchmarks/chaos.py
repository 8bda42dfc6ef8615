"""Break what a server needs, one thing after the other, and show what each fault cost beside its goal: `make chaos`.

It runs the tests that are marked ``fault``, against real servers that it starts; they judge for themselves. A page with
all figures is written, worst case of each. The return code is that of the tests.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from result_page import document

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run, write the page, return the tests' code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / ".data" / "chaos", help="the folder of the page")
    parser.add_argument("--only", default="", help="an expression of pytest's -k, such as 'clock or disk'")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    kept = options.to / "figures.jsonl"
    kept.unlink(missing_ok=True)
    report = options.to / "tests.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-m", "fault", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    code = subprocess.call(
        [*command, *(["-k", options.only] if options.only else [])],
        cwd=ROOT,
        env={**os.environ, "CHAOS_FIGURES": str(kept)},
    )
    figures = worst(kept.read_text().splitlines() if kept.exists() else [])
    (options.to / "index.html").write_text(page(figures, counts(report)))
    for figure in figures:
        print(
            f"{figure['fault']:45}{figure['figure']:30}{figure['value']:8.2f} {figure['unit']:3} goal {figure['goal']}"
        )
    print(f"The page is {options.to / 'index.html'}.")
    return code


def worst(lines: list[str]) -> list[dict[str, Any]]:
    """Return each figure once, with the largest value that was met, in the order of the faults."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        figure = json.loads(line)
        known = found.setdefault((figure["fault"], figure["figure"]), figure)
        known["value"] = max(known["value"], figure["value"])
    return [found[key] for key in sorted(found)]


def counts(report: Path) -> Counter[str]:
    """Return how many tests passed, failed and were skipped, from pytest's report (JUnit's XML)."""
    found: Counter[str] = Counter()
    # We wrote it ourselves, so no parser that is hardened is needed.
    for case in ET.parse(report).iter("testcase") if report.exists() else ():  # noqa: S314
        kinds = {child.tag for child in case}
        found["failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"] += 1
    return found


def page(figures: list[dict[str, Any]], tests: Counter[str]) -> str:
    """Return the page of results."""
    rows = "".join(
        f"<tr{'' if figure['value'] <= figure['goal'] else chr(32) + 'class=missed'}><td>{escape(figure['fault'])}</td>"
        f"<td>{escape(figure['figure'])}</td>"
        f'<td class="number">{figure["value"]:.4g} {figure["unit"]}</td>'
        f'<td class="number">{figure["goal"]:.4g} {figure["unit"]}</td></tr>'
        for figure in figures
    )
    verdict = "All faults were borne." if not tests["failed"] else "Some were not borne: read what the tests printed."
    if not tests["passed"]:
        verdict = "No test ran."
    ran = f"{tests['passed']} tests passed, {tests['failed']} failed."
    if tests["skipped"]:
        ran += f" {tests['skipped']} were skipped: this machine can't make their faults."
    return document(
        "Faults",
        introduction=f"<p>{verdict} {ran} A time may be later than its goal by as much as the machine was late itself; "
        "the tests allow for that.</p>",
        head=("fault", "figure", "worst", "goal"),
        rows=rows,
    )


if __name__ == "__main__":
    sys.exit(main())
