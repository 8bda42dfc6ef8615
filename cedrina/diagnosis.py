"""What `manage.py doctor` looks at: the configuration that runs, and what the servers noticed while it ran.

A finding says what is wrong, which section of which standard speaks of it, and what to do. Further examinations are
functions with the decorator ``examination``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.services.addresses import address_refolding
from cedrina.database import excess
from security_events.catalogue import EventType
from security_events.models import SecurityEvent

Words = str | Promise
RECENT = timedelta(days=1)


class Severity(StrEnum):
    """How bad it is. ``info`` alone is nothing wrong."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend, or to know."""

    id: str
    severity: Severity
    section: str
    problem: Words
    mend: Words

    def document(self) -> dict[str, str]:
        """Return its members as text, in the current language."""
        return {name: force_str(value) for name, value in asdict(self).items()}

    @property
    def is_wrong(self) -> bool:
        return self.severity is not Severity.INFO


Examination = Callable[[datetime], Iterable[Finding]]
EXAMINATIONS: list[Examination] = []


def examination(function: Examination) -> Examination:
    """Let the doctor make this examination, too: a function from the present moment to what it has found."""
    EXAMINATIONS.append(function)
    return function


def examine(*, now: datetime) -> list[Finding]:
    """Make every examination; the worst findings come first."""
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    found = [finding for each in EXAMINATIONS for finding in each(now)]
    return sorted(found, key=lambda finding: (order.index(finding.severity), finding.id))


# What the standards say of a start-up check, by the beginning of its id; the longest that fits counts.
_SECTIONS: dict[str, tuple[str, Words]] = {
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
_ELSEWHERE: tuple[str, Words] = ("OWASP ASVS 5.0, 13.1", _("Mend what the check names."))


@examination
def start_up_checks(_now: datetime) -> Iterator[Finding]:
    """Repeat what `check --deploy` says."""
    for message in run_checks(include_deployment_checks=True):
        if not message.is_silenced():
            yield _from_check(message)


def _from_check(message: CheckMessage) -> Finding:
    identity = message.id or "check"
    fitting = [start for start in _SECTIONS if identity.startswith(start)]
    section, mend = _SECTIONS[max(fitting, key=len)] if fitting else _ELSEWHERE
    severity = next((severity for level, severity in _LEVELS if message.level >= level), Severity.INFO)
    return Finding(identity, severity, section, message.msg, message.hint or mend)


_LEVELS = ((ERROR, Severity.ERROR), (WARNING, Severity.WARNING))


_NOTICED: dict[EventType, tuple[str, Words, Words]] = {
    EventType.NETWORK_SINGLE_ADDRESS: (
        "OWASP ASVS 5.0, 4.1.3",
        _("All traffic comes from one address, %(address)s: all people share one limit, and events name nobody."),
        _("If that is a proxy of yours, name it in TRUSTED_PROXIES, and let it send what TRUSTED_PROXY_HEADER says."),
    ),
    EventType.NETWORK_UNTRUSTED_PROXY: (
        "OWASP ASVS 5.0, 4.1.3",
        _("%(address)s sends forwarding headers but is not trusted, so its address counts as everybody's."),
        _("If it is a proxy of yours, name it in TRUSTED_PROXIES; if not, let only your proxy reach this server."),
    ),
}


@examination
def what_servers_noticed(now: datetime) -> Iterator[Finding]:
    """Repeat what the servers have recorded in the last day: this process serves nobody, and sees nothing itself."""
    recent = SecurityEvent.objects.filter(type__in=list(_NOTICED), occurred_at__gt=now - RECENT, occurred_at__lte=now)
    latest = {event.type: event for event in recent.order_by("occurred_at")}
    for kind, event in sorted(latest.items()):
        section, problem, mend = _NOTICED[EventType(kind)]
        address = event.data.get("address") or "-"
        yield Finding(kind, Severity.ERROR, section, force_str(problem) % {"address": address}, mend)


@examination
def addresses(_now: datetime) -> Iterator[Finding]:
    """Say whose addresses are compared by a former rule, or by none."""
    section = "OWASP ASVS 5.0, 6.3.8"
    mend = _("Run `manage.py refold_addresses`: it names the people. What to do stands in docs/personal-data.md.")
    if count := address_refolding.count_outdated():
        problem = force_str(_("Addresses that are compared by a former rule: %(count)d.")) % {"count": count}
        yield Finding("accounts.addresses_behind", Severity.ERROR, section, problem, mend)
    if count := address_refolding.count_held():
        problem = force_str(_("Addresses on hold, since nobody can tell whose they are: %(count)d.")) % {"count": count}
        yield Finding("accounts.addresses_on_hold", Severity.WARNING, section, problem, mend)
    if count := len(address_refolding.connections_by_former_rule()):
        problem = force_str(_("Accounts of providers that were joined by an address which is another one: %(count)d."))
        yield Finding("accounts.foreign_connections", Severity.ERROR, section, problem % {"count": count}, mend)


@examination
def serving_role(_now: datetime) -> Iterator[Finding]:
    """Look at the rights of the role that serves."""
    yield from rights_of_the_serving_role()


def rights_of_the_serving_role() -> Iterator[Finding]:
    """Say what the role of the default connection may do beyond serving; nothing where that is nothing.

    Raises: DatabaseError when the database can't be asked.
    """
    role, rights = excess.look()
    if rights:
        problem = _(
            "The database role %(role)s may do more than serving needs (%(rights)s). Whoever takes over a server could "
            "change or remove security events."
        )
        yield Finding(
            "database.serving_role",
            Severity.WARNING,
            "OWASP ASVS 5.0, 13.2.2",
            force_str(problem) % {"role": role, "rights": ", ".join(rights)},
            _(
                "Let one role own the tables and another one serve: name the first in DATABASE_MIGRATION_URL and the "
                "second in DATABASE_URL, and run `manage.py migrate`. docs/deploying.md shows how."
            ),
        )
