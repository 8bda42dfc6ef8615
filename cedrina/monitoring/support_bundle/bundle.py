"""Collect what somebody needs to help, in one file that may be handed to them."""

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from cedrina.monitoring.health.report import make_report
from cedrina.monitoring.support_bundle.configuration import shown_settings
from cedrina.monitoring.support_bundle.database_statistics import database_statistics
from cedrina.monitoring.support_bundle.last_errors import job_failures, log_errors
from cedrina.monitoring.support_bundle.versions import versions
from cedrina.operations import diagnosis, standards_diagnosis

REGISTERED = (standards_diagnosis,)  # importing it registers its diagnostics
README = """A support bundle of Cedrina, made {made_at}.

Settings are shown if they are numbers, switches or names of choices; of all others it says only whether they are set.
Errors are shown by class and place, without their messages; statements without their constants; findings of doctor
without what they name. There are no names, addresses, tokens or keys in these files.
"""


def parts(*, now: datetime) -> dict[str, Callable[[], Any]]:
    """Return what makes each file of a bundle, by the name of the file."""
    return {
        "versions.json": versions,
        "configuration.json": shown_settings,
        "health.json": lambda: asdict(make_report(now=now)),
        "doctor.json": lambda: _findings(now),
        "job_failures.json": job_failures,
        "log_errors.json": log_errors,
        "database.json": database_statistics,
        "figures.json": figures,
    }


def write(path: Path, *, now: datetime) -> Mapping[str, int]:
    """Write a bundle to a new file that only its owner may read; return the sizes of its files in bytes.

    A part that can't be collected says so in its file. It is all the more needed then.

    Raises: OSError, FileExistsError.
    """
    texts = {"README.txt": README.format(made_at=now.isoformat())}
    for name, collect in parts(now=now).items():
        try:
            content = collect()
        except Exception as error:  # noqa: BLE001 - one part that fails must not cost the others
            content = {"error": type(error).__name__}
        texts[name] = json.dumps(content, indent=1, default=str, ensure_ascii=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in texts.items():
            bundle.writestr(name, text)
    return {name: len(text.encode()) for name, text in texts.items()}


def figures() -> list[dict[str, Any]]:
    """Return the figures of the processes that share METRICS_DIR; none without it."""
    folder = settings.MONITORING["FIGURES_DIR"]
    if folder is None or not folder.is_dir():
        return []
    # prometheus-client takes 60 ms to import.
    from cedrina.monitoring.prometheus_backend import read_folder  # noqa: PLC0415

    return [
        {"name": metric.name, "samples": [[each.name, each.labels, each.value] for each in metric.samples]}
        for metric in read_folder(folder)
    ]


def _findings(now: datetime) -> list[dict[str, str]]:
    """Return what doctor finds, without the sentences: they name addresses and receivers."""
    return [
        {"id": finding.id, "severity": finding.severity, "section": finding.section}
        for finding in diagnosis.run_diagnostics(now=now)
    ]
