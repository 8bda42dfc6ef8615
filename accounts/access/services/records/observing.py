"""Note decisions in the memory of the process. ``writing`` takes what was noted once a minute and stores it.

No request waits: noting takes microseconds and no query. What is kept is bounded, so that a flood of denials costs
neither memory nor disk: equal denials of a minute are one record with a count, those of one subject are at most
``MOST_OF_SUBJECT``, and allowed decisions have room of their own, which denials can't take.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from accounts.access import policy_reads
from accounts.access.conf import access_settings
from accounts.access.deciding.attributes import only
from accounts.access.deciding.index import Decision
from accounts.access.services.compiling import Policy
from accounts.access.services.decisions import Decided
from accounts.access.services.records import evaluated

# Of one process in one minute.
MOST_DENIALS, MOST_ALLOWS, MOST_OF_SUBJECT = 200, 100, 30
MOST_PAIRS = 10_000  # of a rule and a subject, about which it decided
LONGEST_SUBJECT, _LONGEST_OBJECT, _LONGEST_ACTION = 200, 512, 100

_Key = tuple[str, frozenset[str], frozenset[str] | None, str, str, str, str | None, int]


@dataclass(slots=True)
class NotedDecision:
    """A decision that is to be recorded. ``text`` is empty if it can't be evaluated again."""

    subject: str
    object: str
    action: str
    decision: Decision
    at: datetime
    text: str
    times: int = 1


@dataclass(slots=True)
class Noted:
    """What was noted since it was taken last."""

    one_in: int
    denials: dict[_Key, NotedDecision] = field(default_factory=dict)
    allows: list[NotedDecision] = field(default_factory=list)
    of_subject: dict[str, int] = field(default_factory=dict)
    allowed_by: dict[str, int] = field(default_factory=dict)  # decisions by the rule that allowed, or the reason
    rules: dict[str, int] = field(default_factory=dict)
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    decisions: int = 0
    dropped: int = 0
    uncounted: int = 0


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.noted: Noted | None = None


_state = _ProcessState()


def count(decided: Sequence[Decided]) -> list[Decided]:
    """Count decisions; return those that are to be recorded."""
    with _state.lock:
        noted = _state.noted
        if noted is None:
            noted = _state.noted = Noted(one_in=access_settings.RECORD_ONE_IN)
        noted.decisions += len(decided)
        return [each for each in decided if _is_to_be_recorded(noted, each)]


def keep(decided: Decided, at: datetime, policy: Policy) -> None:
    """Keep a decision that is to be recorded."""
    found = _described(decided, at, policy)
    with _state.lock:
        noted = _state.noted
        if noted is None:  # all was taken meanwhile
            noted = _state.noted = Noted(one_in=access_settings.RECORD_ONE_IN)
        if decided.decision.is_allowed:
            _keep_allow(noted, found)
        else:
            _keep_denial(noted, _key(decided), found)


def take() -> Noted | None:
    """Return what was noted and begin anew; ``None`` if nothing was."""
    with _state.lock:
        noted, _state.noted = _state.noted, None
    return noted


def put_back(taken: Noted) -> None:
    """Add the counts of uses again that could not be stored. Records that could not are counted as dropped."""
    with _state.lock:
        noted = _state.noted
        if noted is None:
            noted = _state.noted = Noted(one_in=taken.one_in)
        for rule, uses in taken.rules.items():
            noted.rules[rule] = noted.rules.get(rule, 0) + uses
        for pair, uses in taken.pairs.items():
            if pair in noted.pairs or len(noted.pairs) < MOST_PAIRS:
                noted.pairs[pair] = noted.pairs.get(pair, 0) + uses
            else:
                noted.uncounted += uses
        noted.decisions += taken.decisions
        noted.uncounted += taken.uncounted
        noted.dropped += taken.dropped + len(taken.allows) + len(taken.denials)


def _is_to_be_recorded(noted: Noted, decided: Decided) -> bool:
    facts, _question, decision = decided
    if decision.rule is not None:
        _count_use(noted, decision.rule, facts.subject)
    if not noted.one_in:
        return False
    if not decision.is_allowed:
        return not _is_known_denial(noted, _key(decided))
    name = decision.rule or decision.reason
    number = noted.allowed_by.get(name, 0)
    noted.allowed_by[name] = number + 1
    # The first of each rule, so that a rule that is seldom used is among the records, too.
    return number % noted.one_in == 0


def _count_use(noted: Noted, rule: str, subject: str) -> None:
    noted.rules[rule] = noted.rules.get(rule, 0) + 1
    pair = rule, subject
    uses = noted.pairs.get(pair)
    if uses is not None:
        noted.pairs[pair] = uses + 1
    elif len(noted.pairs) < MOST_PAIRS:
        noted.pairs[pair] = 1
    else:
        noted.uncounted += 1


def _key(decided: Decided) -> _Key:
    facts, question, decision = decided
    path = question.object[: _LONGEST_OBJECT + 1]
    action = question.action[: _LONGEST_ACTION + 1]
    return (
        facts.subject,
        facts.roles,
        facts.scopes,
        path,
        action,
        decision.reason,
        decision.rule,
        decision.version,
    )


def _is_known_denial(noted: Noted, key: _Key) -> bool:
    """Count a denial that needs no further record: an equal one is kept, or there is no room for another one."""
    known = noted.denials.get(key)
    if known is not None:
        known.times += 1
        return True
    if len(noted.denials) >= MOST_DENIALS or noted.of_subject.get(key[0], 0) >= MOST_OF_SUBJECT:
        noted.dropped += 1
        return True
    return False


def _keep_allow(noted: Noted, found: NotedDecision) -> None:
    if found.text and len(noted.allows) < MOST_ALLOWS:
        noted.allows.append(found)
    else:
        noted.dropped += 1


def _keep_denial(noted: Noted, key: _Key, found: NotedDecision) -> None:
    # Another thread may have kept an equal one meanwhile.
    if not _is_known_denial(noted, key):
        noted.denials[key] = found
        noted.of_subject[key[0]] = noted.of_subject.get(key[0], 0) + 1


def _described(decided: Decided, at: datetime, policy: Policy) -> NotedDecision:
    facts, question, decision = decided
    subject = storable(facts.subject, LONGEST_SUBJECT)
    path, action = storable(question.object, _LONGEST_OBJECT), storable(question.action, _LONGEST_ACTION)
    text = ""
    if (subject, path, action) == (facts.subject, question.object, question.action):
        read = only({**question.attributes, "subject": facts.attributes}, policy_reads.of_policy(policy))
        text = evaluated.to_text(facts.roles, read, scopes=facts.scopes)
    return NotedDecision(subject, path, action, decision, at, text)


def storable(text: str, longest: int) -> str:
    """Return a text without what PostgreSQL can't store: NUL and halves of surrogate pairs."""
    return text[:longest].replace("\x00", "\ufffd").encode(errors="replace").decode()


def _reset_after_fork() -> None:
    """Forget what the parent has noted: the parent stores it."""
    _state.lock = threading.Lock()
    _state.noted = None


os.register_at_fork(after_in_child=_reset_after_fork)
