"""The diagnostics of `manage.py doctor`: the running configuration, and what servers recorded about it.

A finding says what is wrong, which section of which standard applies, and how to correct it. Another app adds a
diagnostic as a function with the decorator ``diagnostic``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.services.addresses import address_refolding
from cedrina import event_types
from cedrina.database import excess_privileges
from security_events.models import SecurityEvent

TranslatableText = str | Promise
RECENT = timedelta(days=1)


class FindingSeverity(StrEnum):
    """The severity of a finding. With ``info`` nothing is wrong."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class DiagnosticFinding:
    """One result of a diagnostic."""

    id: str
    severity: FindingSeverity
    section: str
    problem: TranslatableText
    mend: TranslatableText

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


# The section and the correction of a system check by the prefix of its id. The longest matching prefix counts.
_SECTIONS: dict[str, tuple[str, TranslatableText]] = {
    "security.": ("OWASP ASVS 5.0, 13.4", _("Mend the setting that is named, as Django's deployment checklist says.")),
    "accounts.E010": (
        "OWASP ASVS 5.0, 11.4.2",
        _("Raise BCRYPT_ROUNDS; hashes are upgraded when their owners sign in."),
    ),
    "accounts.W010": ("OWASP ASVS 5.0, 6.3.8", _("Set EMAIL_CONFIRMATION=required.")),
    "accounts.": ("NIST SP 800-63B, 3.1.1", _("Mend the setting that is named.")),
    "tokens.": ("RFC 9700, 2.2", _("Mend the setting that is named.")),
    "ratelimiting.": ("OWASP ASVS 5.0, 6.3.1", _("Mend the setting that is named.")),
    "security_events.": ("OWASP ASVS 5.0, 16.3", _("Mend the setting that is named.")),
}
_ELSEWHERE: tuple[str, TranslatableText] = ("OWASP ASVS 5.0, 13.1", _("Mend what the check names."))


@diagnostic
def start_up_checks(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the messages of `check --deploy --database default`."""
    for message in run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS]):
        if not message.is_silenced():
            yield _from_check(message)


def _from_check(message: CheckMessage) -> DiagnosticFinding:
    identity = message.id or "check"
    fitting = [start for start in _SECTIONS if identity.startswith(start)]
    section, mend = _SECTIONS[max(fitting, key=len)] if fitting else _ELSEWHERE
    severity = next((severity for level, severity in _LEVELS if message.level >= level), FindingSeverity.INFO)
    return DiagnosticFinding(identity, severity, section, message.msg, message.hint or mend)


_LEVELS = ((ERROR, FindingSeverity.ERROR), (WARNING, FindingSeverity.WARNING))


_MISCONFIGURATION_TEXTS: dict[str, tuple[str, TranslatableText, TranslatableText]] = {
    event_types.NETWORK_SINGLE_ADDRESS.id: (
        "OWASP ASVS 5.0, 4.1.3",
        _("All traffic comes from one address, %(address)s: all people share one limit, and events name nobody."),
        _("If that is a proxy of yours, name it in TRUSTED_PROXIES, and let it send what TRUSTED_PROXY_HEADER says."),
    ),
    event_types.NETWORK_UNTRUSTED_PROXY.id: (
        "OWASP ASVS 5.0, 4.1.3",
        _("%(address)s sends forwarding headers but is not trusted, so its address counts as everybody's."),
        _("If it is a proxy of yours, name it in TRUSTED_PROXIES; if not, let only your proxy reach this server."),
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
        section, problem, mend = _MISCONFIGURATION_TEXTS[kind]
        address = event.data.get("address") or "-"
        yield DiagnosticFinding(kind, FindingSeverity.ERROR, section, force_str(problem) % {"address": address}, mend)


@diagnostic
def address_comparison(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield the addresses that are compared by an outdated rule, or cannot be compared."""
    section = "OWASP ASVS 5.0, 6.3.8"
    mend = _("Run `manage.py refold_addresses`: it names the people. What to do stands in docs/personal-data.md.")
    if count := address_refolding.count_outdated():
        problem = force_str(_("Addresses that are compared by a former rule: %(count)d.")) % {"count": count}
        yield DiagnosticFinding("accounts.addresses_behind", FindingSeverity.ERROR, section, problem, mend)
    if count := address_refolding.count_held():
        problem = force_str(_("Addresses on hold, since nobody can tell whose they are: %(count)d.")) % {"count": count}
        yield DiagnosticFinding("accounts.addresses_on_hold", FindingSeverity.WARNING, section, problem, mend)
    if count := len(address_refolding.connections_by_former_rule()):
        problem = force_str(_("Accounts of providers that were joined by an address which is another one: %(count)d."))
        yield DiagnosticFinding(
            "accounts.foreign_connections", FindingSeverity.ERROR, section, problem % {"count": count}, mend
        )


@diagnostic
def serving_role(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield excess privileges of the serving role."""
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
        yield DiagnosticFinding(
            "database.serving_role",
            FindingSeverity.WARNING,
            "OWASP ASVS 5.0, 13.2.2",
            force_str(problem) % {"role": role, "rights": ", ".join(excess)},
            _(
                "Let one role own the tables and another one serve: name the first in DATABASE_MIGRATION_URL and the "
                "second in DATABASE_URL, and run `manage.py migrate`. docs/deploying.md shows how."
            ),
        )
