"""The page docs/capacity.md, computed from measured figures. Nothing here measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "capacity.md"
FIGURES = HERE / "capacity.json"
TEMPLATE = HERE / "capacity_template.md"
SIZES = (10_000, 100_000, 1_000_000)
HEADROOM = 0.6  # the share of a core that is planned for at the peak
DAY, YEAR = 86_400, 365

# What people do. Change these to your own; the page says what follows.
ACTIVE = 0.25  # of all people, on one day
SIGN_INS = 0.5  # of an active person and day
REFRESHES = 12  # of an active person and day: three hours with tokens of 15 minutes
CHECKS = 120  # of an active person and day, at calls that ask us whether a token is alive
PEAK = 4  # the busiest minute against the average of a day
SESSIONS = 2  # open ones of a person
EVENTS = 3  # of an active person and day that are stored

NAMES = {
    "login": "sign-in by password",
    "refresh": "refresh",
    "me": "token check (`GET /auth/me`)",
    "logout": "sign-out",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a number of people need at the peak: calls a second, cores of both kinds, and space in bytes."""

    people: int
    rates: Mapping[str, float]
    hashing: float
    workers: float
    database: float
    stored: float
    yearly: float


def need(people: int, figures: Mapping[str, Any]) -> Need:
    """Return what so many people need."""
    a_second = people * ACTIVE * PEAK / DAY
    rates = {"login": a_second * SIGN_INS, "refresh": a_second * REFRESHES, "me": a_second * CHECKS}
    calls = figures["calls"]
    cores = {
        kind: sum(rate * calls[name][f"{kind}_ms"] for name, rate in rates.items()) / 1000 / HEADROOM
        for kind in ("worker", "database")
    }
    sizes = figures["bytes"]
    return Need(
        people=people,
        rates=rates,
        hashing=rates["login"] * figures["hash_ms"] / 1000 / HEADROOM,
        workers=cores["worker"],
        database=cores["database"],
        stored=people * (sizes["account"] + SESSIONS * sizes["session"]),
        yearly=people * ACTIVE * EVENTS * YEAR * sizes["event"],
    )


def page(figures: Mapping[str, Any]) -> str:
    """Return the page."""
    needs = [need(people, figures) for people in SIZES]
    calls, most = figures["calls"], needs[-1]
    rates = {name: 1000 / row["worker_ms"] for name, row in calls.items()}
    rates["login"] = 1000 / (calls["login"]["worker_ms"] + figures["hash_ms"])
    return TEMPLATE.read_text().format(
        measured_on=figures["measured_on"],
        python=figures["python"],
        hash_ms=f"{figures['hash_ms']:.0f}",
        calls="\n".join(
            f"| {NAMES[name]} | {row['worker_ms']:.2f} ms | {row['database_ms']:.2f} ms | {rates[name]:.4g} |"
            for name, row in calls.items()
        ),
        login_rate=f"{rates['login']:.1f}",
        refresh_rate=f"{rates['refresh']:.0f}",
        me_rate=f"{rates['me']:.0f}",
        active=f"{ACTIVE:.0%}",
        sign_ins=SIGN_INS,
        refreshes=REFRESHES,
        checks=CHECKS,
        peak=PEAK,
        headroom=f"{HEADROOM:.0%}",
        sessions=SESSIONS,
        events=EVENTS,
        needs="\n".join(map(_need_row, needs)),
        most_people=f"{most.people:,}",
        order=_in_order(most),
        hash_hours=f"{most.people * figures['hash_ms'] / 1000 / 3600:.0f}",
        event_bytes=f"{figures['bytes']['event']:.0f}",
        yearly=_space(most.yearly),
    )


def _need_row(found: Need) -> str:
    rates = ", ".join(_short(found.rates[name]) for name in ("login", "refresh", "me"))
    cores = " | ".join(f"{value:.2g}" for value in (found.hashing, found.workers, found.database))
    return f"| {found.people:,} | {rates} | {cores} | {_space(found.stored)} | {_space(found.yearly)} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _in_order(found: Need) -> str:
    """Return what is needed most of, in the order of how much."""
    cores = {
        f"{found.workers:.2g} cores of workers for token checks and refreshes": found.workers,
        f"{found.hashing:.2g} cores for password hashes": found.hashing,
        f"{found.database:.2g} cores of PostgreSQL": found.database,
    }
    ordered = sorted(cores, key=cores.__getitem__, reverse=True)
    return "\n".join(f"{number}. {each}" for number, each in enumerate(ordered, start=1))


def _space(size: float) -> str:
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"
