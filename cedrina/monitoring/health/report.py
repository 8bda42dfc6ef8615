"""Run all health checks, at most once a second in each process."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import Error
from django.utils import timezone

from cedrina.monitoring.health import parts
from cedrina.monitoring.health.checks import CHECKS, Check, CheckStatus, failed
from cedrina.monitoring.recent import Recent
from cedrina.version import VERSION

KEPT_SECONDS = 1.0
REGISTERED = (parts,)  # importing it registers its checks
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, and how long it took."""

    status: CheckStatus
    latency_ms: float
    detail: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All results, and the worst of their statuses."""

    status: CheckStatus
    checks: Mapping[str, CheckResult]
    version: str


def current_report() -> HealthReport:
    """Return the report, at most a second old. Many who ask at once cause one."""
    return _recent.get()


def forget() -> None:
    """Let the next call run all checks anew."""
    _recent.forget()


def make_report(*, now: datetime) -> HealthReport:
    """Run all checks, one after the other."""
    checks = {name: _run(name, check, now) for name, check in CHECKS.items()}
    found = {result.status for result in checks.values()}
    worst = next((each for each in (CheckStatus.FAILED, CheckStatus.WARNING) if each in found), CheckStatus.OK)
    return HealthReport(worst, checks, VERSION)


def _run(name: str, check: Check, now: datetime) -> CheckResult:
    started = time.perf_counter()
    try:
        finding = check(now)
    except Error:
        finding = failed("The database does not answer.")
    except Exception as error:
        # Not its message: it may have an address or a part of a password.
        log.exception("health_check_broke", check=name)
        finding = failed(f"The check ended with {type(error).__name__}; the log says why.")
    return CheckResult(finding.status, round((time.perf_counter() - started) * 1000, 2), finding.detail)


_recent = Recent(lambda: make_report(now=timezone.now()), seconds=KEPT_SECONDS)
