"""The results of the health checks as figures."""

from datetime import datetime

from cedrina.monitoring.figures.stored_figures import Values, stored_figure
from cedrina.monitoring.health.checks import CheckStatus
from cedrina.monitoring.health.report import current_report

_VALUES = {CheckStatus.OK: 1.0, CheckStatus.WARNING: 0.5, CheckStatus.FAILED: 0.0}


@stored_figure("health_check", "What a health check found: 1 is ok, 0.5 a warning, 0 failed.", ("check",))
def health_check(_now: datetime) -> Values:
    checks = current_report().checks
    return {(name,): _VALUES[result.status] for name, result in checks.items() if result.status in _VALUES}


@stored_figure("health_check_seconds", "How long a health check took, in seconds.", ("check",))
def health_check_seconds(_now: datetime) -> Values:
    checks = current_report().checks
    return {(name,): result.latency_ms / 1000 for name, result in checks.items() if result.status in _VALUES}
