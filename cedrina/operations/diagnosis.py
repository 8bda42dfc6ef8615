"""The diagnostics of `manage.py doctor`: the running configuration, and what servers recorded about it.

A finding says what is wrong, which section of which standard applies, and how to correct it (``corrections``). Another
app adds a
diagnostic as a function with the decorator ``diagnostic``.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from accounts.services.addresses import address_refolding
from cedrina import event_types
from cedrina.database import excess_privileges
from cedrina.operations import corrections
from cedrina.operations.correction import TranslatableText
from security_events.conf import security_event_settings
from security_events.delivery import configured_sinks
from security_events.models import SecurityEvent, Sink, SinkState
from security_events.selectors.detection.detection_lag import detection_lag
from security_events.selectors.sealing.sealing_state import oldest_writer, sealing_state
from security_events.services.retention import terms
from security_events.services.trail.sealing import HELD_BACK_AFTER
from security_events.sinks.sink_targets import FileTarget, SyslogTarget
from security_events.sinks.sink_urls import read_sinks

RECENT = timedelta(days=1)
UNSEALED_AFTER = timedelta(minutes=5)
DETECTION_BEHIND_AFTER = timedelta(minutes=2)


class FindingSeverity(StrEnum):
    """The severity of a finding. With ``info`` nothing is wrong."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class DiagnosticFinding:
    """One result of a diagnostic.

    ``line`` is what to write: a setting of the environment, a command, or a line of code. ``page`` is where the
    documentation explains it.
    """

    id: str
    severity: FindingSeverity
    section: str
    problem: TranslatableText
    mend: TranslatableText
    line: str = ""
    page: str = ""

    def document(self) -> dict[str, str]:
        """Return the members as text, in the active language."""
        return {name: force_str(value) for name, value in asdict(self).items()}

    @property
    def is_wrong(self) -> bool:
        return self.severity is not FindingSeverity.INFO


Diagnostic = Callable[[datetime], Iterable[DiagnosticFinding]]
DIAGNOSTICS: list[Diagnostic] = []


def diagnostic(function: Diagnostic) -> Diagnostic:
    """Register a diagnostic: a function that takes the current time and yields findings."""
    DIAGNOSTICS.append(function)
    return function


def run_diagnostics(*, now: datetime) -> list[DiagnosticFinding]:
    """Run all diagnostics. Return the findings, the most severe first."""
    order = [FindingSeverity.ERROR, FindingSeverity.WARNING, FindingSeverity.INFO]
    found = [finding for each in DIAGNOSTICS for finding in each(now)]
    return sorted(found, key=lambda finding: (order.index(finding.severity), finding.id))


@diagnostic
def start_up_checks(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the messages of `check --deploy --database default`."""
    for message in run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS]):
        correction = corrections.CORRECTIONS.get(message.id or "", corrections.UNKNOWN)
        is_unimportant = correction.is_about_https and is_development_on_loopback()
        if not message.is_silenced() and not is_unimportant:
            yield _from_check(message)


def _from_check(message: CheckMessage) -> DiagnosticFinding:
    severity = next((severity for level, severity in _LEVELS if message.level >= level), FindingSeverity.INFO)
    text = corrections.in_environment_names(force_str(message.msg))
    return finding_of(message.id or "check", severity, text, hint=message.hint or "")


_LEVELS = ((ERROR, FindingSeverity.ERROR), (WARNING, FindingSeverity.WARNING))


def finding_of(
    identity: str, severity: FindingSeverity, problem: str, *, hint: str = "", address: str = ""
) -> DiagnosticFinding:
    """Return a finding with what its correction says."""
    correction = corrections.CORRECTIONS.get(identity, corrections.UNKNOWN)
    known = identity in corrections.CORRECTIONS
    line = corrections.default_line(problem) if correction.line is None else correction.line
    return DiagnosticFinding(
        identity,
        severity,
        correction.section,
        correction.problem or problem,
        correction.mend if known or not hint else hint,
        line=line % {"address": address} if address else line,
        page=correction.page,
    )


def is_development_on_loopback() -> bool:
    """Return whether this is a development server that only its own machine reaches, where https is of no use."""
    return settings.ENVIRONMENT == "development" and is_loopback(urlsplit(settings.PUBLIC_URL).hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


_MISCONFIGURATION_TEXTS: dict[str, TranslatableText] = {
    event_types.NETWORK_SINGLE_ADDRESS.id: _(
        "All traffic comes from one address, %(address)s: all people share one limit, and events name nobody."
    ),
    event_types.NETWORK_UNTRUSTED_PROXY.id: _(
        "%(address)s sends forwarding headers but is not trusted, so its address counts as everybody's."
    ),
}


@diagnostic
def recorded_misconfigurations(now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the misconfigurations that servers recorded as security events in the last day."""
    recent = SecurityEvent.objects.filter(
        type__in=list(_MISCONFIGURATION_TEXTS), occurred_at__gt=now - RECENT, occurred_at__lte=now
    )
    latest = {event.type: event for event in recent.order_by("occurred_at")}
    for kind, event in sorted(latest.items()):
        address = str(event.data.get("address") or "-")
        is_single = kind == event_types.NETWORK_SINGLE_ADDRESS.id
        if is_single and is_development_on_loopback() and is_loopback(address):
            continue  # everything on a developer's machine comes from there
        problem = force_str(_MISCONFIGURATION_TEXTS[kind]) % {"address": address}
        yield finding_of(kind, FindingSeverity.ERROR, problem, address=address)


@diagnostic
def address_comparison(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the addresses that are compared by an outdated rule, or cannot be compared."""
    if count := address_refolding.count_outdated():
        problem = force_str(_("Addresses that are compared by a former rule: %(count)d.")) % {"count": count}
        yield finding_of("accounts.addresses_behind", FindingSeverity.ERROR, problem)
    if count := address_refolding.count_held():
        problem = force_str(_("Addresses on hold, since nobody can tell whose they are: %(count)d.")) % {"count": count}
        yield finding_of("accounts.addresses_on_hold", FindingSeverity.WARNING, problem)
    if count := len(address_refolding.connections_by_former_rule()):
        problem = force_str(_("Accounts of providers that were joined by an address which is another one: %(count)d."))
        yield finding_of("accounts.foreign_connections", FindingSeverity.ERROR, problem % {"count": count})


@diagnostic
def sealed_trail(now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when events have been waiting to be sealed for longer than a worker lets them wait."""
    state = sealing_state()
    waiting = state.waiting(now=now)
    minutes = int(waiting.total_seconds() // 60)
    if state.held and waiting >= HELD_BACK_AFTER:
        writer = oldest_writer()
        problem = force_str(_("Events wait to be sealed, behind an open transaction (%(name)s); minutes: %(minutes)d."))
        name = writer.name if writer else "-"
        finding = problem % {"minutes": minutes, "name": name}
        yield finding_of("audit_trail.held_back", FindingSeverity.WARNING, finding)
    elif state.unsealed and waiting >= max(
        UNSEALED_AFTER, 10 * timedelta(seconds=security_event_settings.AUDIT_SEAL_SECONDS)
    ):
        problem = force_str(_("Events wait to be sealed; minutes: %(minutes)d."))
        yield finding_of("audit_trail.not_sealed", FindingSeverity.ERROR, problem % {"minutes": minutes})


@diagnostic
def detection(now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when events wait for the detection rules: no attack is found meanwhile."""
    lag = detection_lag()
    if lag is not None and lag.seconds(now=now) >= DETECTION_BEHIND_AFTER.total_seconds():
        problem = force_str(_("Events wait for the detection rules; minutes: %(minutes)d."))
        minutes = {"minutes": int(lag.seconds(now=now) // 60)}
        yield finding_of("detection.behind", FindingSeverity.ERROR, problem % minutes)


@diagnostic
def mail_sender(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when mail is sent from a domain that exists on no other machine: other servers refuse it."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    if not is_development_on_loopback() and (is_loopback(domain) or "." not in domain):
        problem = force_str(_("DEFAULT_FROM_EMAIL is at %(domain)s: most mail servers refuse such mail."))
        yield finding_of("mail.sender", FindingSeverity.WARNING, problem % {"domain": domain})


@diagnostic
def outside_copies(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield findings when no checkpoint of the audit trail leaves this machine, or events leave it unencrypted."""
    targets = read_sinks(security_event_settings.SINKS)
    for target in targets:
        if isinstance(target, SyslogTarget) and target.tls is None and target.is_on_another_machine:
            problem = force_str(_("%(name)s gets security events without encryption.")) % {"name": target.name}
            yield finding_of("audit_trail.plain_syslog", FindingSeverity.WARNING, problem)
    takers = [target for target in targets if target.takes_checkpoints]
    has_witnesses = bool(security_event_settings.given().get("AUDIT_WITNESSES"))
    if is_development_on_loopback() or has_witnesses or any(target.is_on_another_machine for target in takers):
        return
    if any(isinstance(target, FileTarget) for target in takers):
        problem = force_str(_("Checkpoints of the audit trail are kept in a file alone."))
        yield finding_of("audit_trail.file_alone", FindingSeverity.INFO, problem)
    else:
        problem = force_str(
            _("No checkpoint of the audit trail leaves this machine, so its owner can rewrite the trail unseen.")
        )
        yield finding_of("audit_trail.kept_here_alone", FindingSeverity.WARNING, problem)


@diagnostic
def failing_sinks(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the sinks of the setting that take nothing at the moment."""
    failing = Sink.objects.filter(kind__in=configured_sinks.KINDS, is_enabled=True).exclude(state=SinkState.ACTIVE)
    for sink in failing.order_by("kind", "name"):
        text = _("%(name)s (%(kind)s) takes nothing since %(since)s UTC: %(reason)s")
        since = f"{sink.failing_since:%Y-%m-%d %H:%M}" if sink.failing_since else "-"
        values = {"name": sink.name, "kind": sink.kind, "since": since, "reason": sink.last_error}
        yield finding_of("audit_trail.sink_failing", FindingSeverity.WARNING, force_str(text) % values)


@diagnostic
def retention(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield, as information, that personal data in events is kept for ever."""
    kept = sorted(name for name, days in terms.configured_terms().items() if days is None and name != terms.LEAVES)
    if kept:
        names = ", ".join("AUDIT_RETENTION_DAYS" if name == terms.OTHERS else name for name in kept)
        problem = force_str(_("Security events are kept for ever, by these terms: %(terms)s."))
        yield finding_of("audit_trail.kept_for_ever", FindingSeverity.INFO, problem % {"terms": names})


@diagnostic
def serving_role(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield excess privileges of the serving role. Development has one role for everything."""
    if settings.ENVIRONMENT != "development":
        yield from privileges_of_serving_role()


def privileges_of_serving_role() -> Iterator[DiagnosticFinding]:
    """Yield a finding when the role of the default connection has more privileges than serving needs.

    Raises: DatabaseError when the database cannot be asked.
    """
    role, excess = excess_privileges.read_excess_privileges()
    if excess:
        problem = _(
            "The database role %(role)s may do more than serving needs (%(rights)s). Whoever takes over a server could "
            "change or remove security events."
        )
        found = force_str(problem) % {"role": role, "rights": ", ".join(excess)}
        yield finding_of("database.serving_role", FindingSeverity.WARNING, found)
