"""Read the windows of a batch, as far as rules ask for them: one statement for each kind of key and look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from security_events.detection.fact_window import MOST_FACTS
from security_events.detection.facts import Fact
from security_events.detection.newest_facts import ALL, NOTHING, MissingFacts, missing_facts
from security_events.detection.rules import GroupBy, Rule
from security_events.selectors.detection import detection_windows
from security_events.selectors.detection.detection_windows import WindowRequest
from security_events.selectors.trail import TrailPosition

MARGIN = 0.001  # seconds: the database rounds to microseconds
LARGE = 100  # facts; smaller windows are read by a few pages of an index, and larger ones are kept
# How many of the newest facts are read when a judge asks for them one by one; then all are.
FEW = (3, 8)
_WHOLE = float("-inf")


class WindowSource(NamedTuple):
    """What rules have in common whose windows are parts of the longest one: the same facts, for a shorter time."""

    group_by: GroupBy
    watches: frozenset[str]

    @classmethod
    def of(cls, rule: Rule) -> "WindowSource":
        """Return the source of a rule's windows."""
        return cls(rule.group_by, rule.watches)


_Key = tuple[GroupBy, str]


class WindowName(NamedTuple):
    """Which window: the facts of a source that have a key in common."""

    source: WindowSource
    key: str

    @property
    def read_by(self) -> _Key:
        """What the windows have in common that are read together."""
        return self.source.group_by, self.key


class ReadWindow(NamedTuple):
    """Facts in the order of the trail: all that are later than ``after``, and those of that moment in part."""

    facts: Sequence[Fact] = ()
    after: float = NOTHING


class _Look(NamedTuple):
    """What is read of a window: the newest ``most`` facts since a moment. ``is_all``: a rule asks for all of them."""

    since: float
    most: int = MOST_FACTS
    is_all: bool = True


class WindowReader:
    """Reads the windows of some rules. ``thresholds`` are those in force, by the ids of rules."""

    def __init__(
        self, rules: Mapping[WindowSource, Sequence[Rule]], thresholds: Mapping[str, Mapping[str, int]]
    ) -> None:
        self._rules, self._thresholds = rules, thresholds

    def read(
        self, first: Mapping[WindowName, float], facts: Sequence[Fact], *, up_to: TrailPosition
    ) -> Mapping[WindowName, ReadWindow]:
        """Return windows as they were before the facts of a batch, given the time of the first event in question.

        Of a window only so much is read as its rules ask for. Large ones are read as a whole, so that they can be kept.
        """
        batch = _by_key(first, facts)
        found = dict.fromkeys(first, ReadWindow())
        unanswered = list(first)
        for few in (*FEW, MOST_FACTS):
            looks = {
                name: self._look(missing, name, first[name], few)
                for name in unanswered
                if (missing := self._missing(name, found[name], first[name], batch[name.read_by]))
            }
            found |= _read(looks, up_to)
            unanswered = list(looks)
        large = [name for name, window in found.items() if len(window.facts) >= LARGE]
        partial = [name for name in large if found[name].after >= self._begin(name, first[name])]
        return found | _read({name: _Look(self._begin(name, first[name])) for name in partial}, up_to)

    def _missing(
        self, name: WindowName, window: ReadWindow, at: float, batch: Sequence[Fact]
    ) -> Mapping[Rule, MissingFacts]:
        """Return what those rules ask for that can't answer by what was read of a window."""
        found = {}
        for rule in self._rules[name.source]:
            if window.after >= since(rule, at):
                of_rule = self._thresholds.get(rule.id, rule.thresholds)
                missing = missing_facts(rule, of_rule, known=window.facts, after=window.after, batch=batch)
                if missing:
                    found[rule] = missing
        return found

    def _look(self, missing: Mapping[Rule, MissingFacts], name: WindowName, at: float, few: int) -> _Look:
        """Return what to read so that rules can answer, or can say what else they need."""
        if few == MOST_FACTS:
            return _Look(self._begin(name, at))
        begins = [max(each.since, since(rule, at)) for rule, each in missing.items()]
        if ALL in missing.values():
            return _Look(min(begins))
        look = _Look(min(begins), is_all=False)
        return look._replace(most=few) if any(each.is_newest for each in missing.values()) else look

    def _begin(self, name: WindowName, at: float) -> float:
        return min(since(rule, at) for rule in self._rules[name.source])


def since(rule: Rule, at: float) -> float:
    """Return where the window of a rule begins that is asked about an event of that moment first."""
    return at - rule.window - MARGIN


def _by_key(names: Iterable[WindowName], facts: Iterable[Fact]) -> Mapping[_Key, Sequence[Fact]]:
    """Return the facts of a batch by those keys of which windows are looked at."""
    keys = {name.read_by for name in names}
    groups = {group_by for group_by, _key in keys}
    found: dict[_Key, list[Fact]] = {key: [] for key in keys}
    for fact in facts:
        for group_by in groups:
            if (key := (group_by, str(getattr(fact, group_by)))) in found:
                found[key].append(fact)
    return found


def _read(looks: Mapping[WindowName, _Look], up_to: TrailPosition) -> dict[WindowName, ReadWindow]:
    """Read windows. To find a fact costs as much as all else about it, so a key is read once for all sources.

    A key with so many facts that the read was cut off is read again for each source.
    """
    together: dict[tuple[_Key, bool], dict[WindowName, _Look]] = defaultdict(dict)
    for name, look in looks.items():
        together[name.read_by, look.is_all][name] = look
    requests = [_merged(each) for each in together.values()]
    read = detection_windows.windows(requests, up_to=up_to)
    found: dict[WindowName, ReadWindow] = {}
    for names, request, facts in zip(together.values(), requests, read, strict=True):
        for name, look in names.items():
            is_alone = request.types == name.source.watches
            if len(facts) >= MOST_FACTS and look.most not in FEW and not is_alone:
                found |= _read({name: look}, up_to)
            else:
                of_source = [fact for fact in facts if fact.type in name.source.watches]
                found[name] = ReadWindow(of_source, _after(request, facts, is_alone=is_alone))
    return found


def _after(request: WindowRequest, facts: Sequence[Fact], *, is_alone: bool) -> float:
    """Return the moment after which all facts were read. A window of ``MOST_FACTS`` facts has no others."""
    if len(facts) < request.most:
        return request.since - MARGIN / 2
    return _WHOLE if is_alone and request.most not in FEW else min(fact.at for fact in facts)


def _merged(looks: Mapping[WindowName, _Look]) -> WindowRequest:
    """Return one request for the windows of a key: of all their types, since the earliest moment."""
    (group_by, key), *_others = {name.read_by for name in looks}
    types = frozenset[str]().union(*(name.source.watches for name in looks))
    most = min(look.most for look in looks.values())
    return WindowRequest(group_by, key, types, min(look.since for look in looks.values()), most)
