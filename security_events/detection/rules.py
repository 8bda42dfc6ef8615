"""Rules that find attacks in the events of a while, and the registry that other apps add theirs to.

Each app declares its rules in its module ``detection_rules``::

    BRUTE_FORCE = register(Rule("brute_force", group_by=GroupBy.ACCOUNT, window=300, ...))

A rule is asked when an event of one of its ``triggers`` is recorded. It sees that event and the earlier ones of its
types ``watches`` with the same account, network or program, up to ``window`` seconds back, and nothing else. So the
answer is the same for a live event, for a stored one in a backtest, and in another process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

from security_events.detection.facts import Fact
from security_events.detection.sigma_forms import SigmaForm
from security_events.types import ResponseKind, RuleMode, Severity

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_CAUSED_BY_FINDINGS = ("detection.", "incident.")


class GroupBy(StrEnum):
    """What the events that a rule sees together have in common: the name of a member of ``Fact``."""

    ACCOUNT = "account"
    NETWORK = "network"
    PROGRAM = "program"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule found an attack. ``evidence`` are the counts that crossed the thresholds, by name.

    ``facts`` are those that led to it, the trigger last. Without any, they are the triggers in the window.
    """

    evidence: Mapping[str, int]
    facts: Sequence[Fact] = ()


Judge = Callable[[Sequence[Fact], Mapping[str, int]], Finding | None]
"""A pure function of the facts of a window, the trigger last, and the thresholds in force."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What is fixed about a rule. ``window`` is in seconds, ``score`` from 0 to 100; thresholds are the default ones.

    ``reason`` says why it matters, ``false_alarms`` which honest behaviour looks alike. Both are shown to operators.
    ``responses`` is what is done about a finding while the rule is enforced; ``mode`` and ``thresholds`` are in force
    until an operator changes them. ``source`` says whose the thresholds are. ``techniques`` are those of MITRE ATT&CK
    (``T1110.003``). ``sigma`` is the rule in words that other systems know, if they have words for it.

    Findings of one ``group_by`` are one incident, unless ``incident_by`` says otherwise: where the window of a network
    shows that an account was taken over, each account is an incident of its own.

    A rule with ``only_new_clients`` finds nothing in a sign-in by a client that the account has used before, so it is
    not asked about one.
    """

    id: str
    title: "StrOrPromise"
    reason: "StrOrPromise"
    false_alarms: "StrOrPromise"
    severity: Severity
    score: int
    group_by: GroupBy
    window: int
    watches: frozenset[str]
    triggers: frozenset[str]
    judge: Judge
    thresholds: Mapping[str, int] = field(default_factory=dict)
    responses: tuple[ResponseKind, ...] = ()
    mode: RuleMode = RuleMode.ENFORCE
    incident_by: GroupBy | None = None
    source: "StrOrPromise" = ""
    techniques: tuple[str, ...] = ()
    sigma: SigmaForm | None = None
    only_new_clients: bool = False

    def __post_init__(self) -> None:
        if not self.triggers <= self.watches:
            raise ValueError(f"The rule {self.id} must watch its triggers.")
        if any(name.startswith(_CAUSED_BY_FINDINGS) for name in self.triggers):
            raise ValueError(f"The rule {self.id} must not be triggered by what findings cause: it would never end.")

    def is_asked_about(self, fact: Fact) -> bool:
        """Return whether the rule may find an attack at a fact that it watches."""
        return fact.type in self.triggers and (fact.is_new_client or not self.only_new_clients)

    def key(self, fact: Fact) -> str:
        """Return what the fact has in common with others; an empty text if that is not known."""
        return str(getattr(fact, self.group_by))

    def incident_key(self, trigger: Fact) -> str:
        """Return what the findings of one incident have in common, given the fact that led to one."""
        return str(getattr(trigger, self.incidents_by))

    @property
    def incidents_by(self) -> GroupBy:
        """What the findings of one incident have in common."""
        return self.incident_by or self.group_by

    @property
    def is_about_account(self) -> bool:
        """Whether an incident is about one account: the person's, or the operator's who acted."""
        return self.incidents_by in (GroupBy.ACCOUNT, GroupBy.OPERATOR)


_registered: dict[str, Rule] = {}

RULES: Mapping[str, Rule] = MappingProxyType(_registered)
"""All rules by their ids, once ``load`` was called."""


def register(rule: Rule) -> Rule:
    """Declare a rule and return it.

    Raises: ValueError, if another rule has its id.
    """
    if _registered.setdefault(rule.id, rule) is not rule:
        raise ValueError(f"The rule {rule.id!r} is declared already.")
    return rule


def load() -> None:
    """Import the module ``detection_rules`` of each installed app."""
    autodiscover_modules("detection_rules")


def find(rule_id: str) -> Rule | None:
    """Return the rule of an id; the modules of the apps are imported where they have to be."""
    if rule_id not in RULES:
        load()
    return RULES.get(rule_id)


def in_order() -> list[Rule]:
    """Return all rules, sorted by their ids."""
    load()
    return [RULES[rule_id] for rule_id in sorted(RULES)]
