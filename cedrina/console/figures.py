"""All figures of the console for one viewer: of each part, what the viewer may see."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from accounts.access.services.decisions import may
from accounts.administration.subject_links import links_of_subjects
from cedrina.console.cached_figures import CachedFigure
from cedrina.console.panels.busiest import busiest
from cedrina.console.panels.incidents import UnresolvedIncidents, unresolved
from cedrina.console.panels.protections import policy_states, rule_states
from cedrina.console.panels.traffic import traffic
from cedrina.console.panels.trail_health import trail_health
from cedrina.console.panels.workload import workload
from tokens.selectors import live_session_count

# Verdicts and findings of many days move slowly, and cost more.
_SLOW_SECONDS = 5.0
_LINK_RIGHTS = ("users:read", "service_clients:read", "keys:read")


def _sessions(now: datetime) -> Any:
    return live_session_count(now=now)._asdict()


# The name of each part, the right that it asks for, and how it is read.
TRAFFIC = CachedFigure(traffic)
SESSIONS = CachedFigure(_sessions)
WORKLOAD = CachedFigure(workload)
INCIDENTS = CachedFigure(unresolved)
BUSIEST = CachedFigure(busiest)
RULES = CachedFigure(rule_states, seconds=_SLOW_SECONDS)
POLICIES = CachedFigure(policy_states, seconds=_SLOW_SECONDS)
TRAIL = CachedFigure(trail_health)
ALL = (TRAFFIC, SESSIONS, WORKLOAD, INCIDENTS, BUSIEST, RULES, POLICIES, TRAIL)
_PARTS: Mapping[str, tuple[str, CachedFigure[Any]]] = {
    "traffic": ("events:read", TRAFFIC),
    "sessions": ("sessions:read", SESSIONS),
    "workload": ("jobs:read", WORKLOAD),
    "incidents": ("incidents:read", INCIDENTS),
    "busiest": ("events:read", BUSIEST),
    "rules": ("detection_rules:read", RULES),
    "policies": ("rate_limits:read", POLICIES),
    "trail": ("events:read", TRAIL),
}


def figures_of(viewer: Any, *, now: datetime) -> dict[str, Any]:
    """Return the parts that the viewer may see, and the names behind the ids in them."""
    parts = {name: figure.get(now=now) for name, (action, figure) in _PARTS.items() if may(viewer, action)}
    ids: set[str] = set()
    if "incidents" in parts:
        ids |= {each["subject"] for each in parts["incidents"].shown if each["subject"]}
    if "busiest" in parts:
        ids |= {name.key for name in parts["busiest"].accounts if not name.is_unknown_name}
    shown = {name: _plain(part) for name, part in parts.items()}
    return {"at": now.astimezone(UTC).isoformat(timespec="seconds"), **shown, "names": _names.get(viewer, ids, now=now)}


def forget_all() -> None:
    """Read everything anew the next time."""
    for figure in ALL:
        figure.forget()


class _SharedNames:
    """The names that viewers with the same rights see, kept for a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[bool, ...], tuple[frozenset[str], CachedFigure[dict[str, Any]]]] = {}

    def get(self, viewer: Any, ids: Collection[str], *, now: datetime) -> dict[str, Any]:
        rights = tuple(may(viewer, action) for action in _LINK_RIGHTS)
        wanted = frozenset(ids)
        with self._lock:
            kept = self._kept.get(rights)
            if kept is None or kept[0] != wanted:
                kept = self._kept[rights] = (wanted, CachedFigure(_reader(viewer, wanted)))
        return kept[1].get(now=now)


_names = _SharedNames()


def names_of(viewer: Any, ids: Collection[str]) -> dict[str, Any]:
    """Return the name and the page of each id that the viewer may know."""
    return {key: asdict(link) for key, link in links_of_subjects(viewer, ids).items()} if ids else {}


def _reader(viewer: Any, ids: Collection[str]) -> Callable[[datetime], dict[str, Any]]:
    def read(_now: datetime) -> dict[str, Any]:
        return names_of(viewer, ids)

    return read


def _plain(part: Any) -> Any:
    """Return a part as JSON has it."""
    if isinstance(part, UnresolvedIncidents):
        return {**asdict(part), "shown": part.shown}
    if isinstance(part, dict):
        return part
    if isinstance(part, list):
        return [asdict(each) for each in part]
    plain = asdict(part)
    for name in ("networks", "accounts"):
        if name in plain:
            plain[name] = [each._asdict() for each in getattr(part, name)]
    return plain
