"""Figures of faults, for the page of `make chaos`. Tests judge for themselves; what they measured is kept beside."""

import json
import os
from pathlib import Path

PATH = "CHAOS_FIGURES"  # the variable that names the file; without it nothing is kept


def keep(fault, figure, value, *, goal, unit="s"):
    """Keep what a fault cost: ``goal`` is the most that it may."""
    if path := os.environ.get(PATH):
        line = {"fault": fault, "figure": figure, "value": round(float(value), 3), "goal": goal, "unit": unit}
        # One write of less than a page, appended: workers of a run don't mix their lines.
        with Path(path).open("a") as kept:
            kept.write(json.dumps(line) + "\n")
