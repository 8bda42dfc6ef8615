"""Import people from the dump of another system, in batches that each count for good.

The people of a batch, the count of them and the place in the file where it ended are stored in one transaction. Killed
at any moment, an import goes on at that place; run on a changed dump, it knows again whom it took before.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts import event_types
from accounts.errors import ImportOvertaken
from accounts.imports.formats import person_from
from accounts.imports.people import Person, Policy
from accounts.imports.records import Record
from accounts.imports.refusals import RowRefused
from accounts.models import ImportRun
from accounts.services.importing import import_storage
from security_events.services import recording

BATCH = 1000
_LOCK = 0x5EC0_0101  # an advisory lock of this module's own


@dataclass(slots=True)
class Tally:
    """What became of the rows."""

    read: int = 0
    imported: int = 0
    already: int = 0
    wrapped: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    def add(self, other: "Tally") -> None:
        self.read += other.read
        self.imported += other.imported
        self.already += other.already
        self.wrapped += other.wrapped
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be imported: whose dump it is, in which format, and what the operator decided."""

    source: str
    format: str
    policy: Policy
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what: of each row that is not taken, and how far in the file the import is."""

    refused: Callable[[int, str], None]
    progress: Callable[[int], None]


@contextmanager
def alone() -> Iterator[None]:
    """Keep other imports out until the block ends.

    Raises: ImportOvertaken when one is running.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportOvertaken
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def begin(*, digest: bytes, plan: Plan, is_anew: bool, now: datetime) -> ImportRun:
    """Return how far the import of this file got, which may be nowhere yet; ``is_anew`` begins it once more."""
    run, _ = ImportRun.objects.get_or_create(
        digest=digest, source=plan.source, format=plan.format, defaults={"started_at": now}
    )
    if is_anew:
        for name in ("offset", "line", "read", "imported", "already", "wrapped"):
            setattr(run, name, 0)
        run.refused, run.started_at, run.finished_at = {}, now, None
        run.save()
    return run


def take(*, records: Iterable[Record], plan: Plan, run: ImportRun | None, ears: Ears, now: datetime) -> Tally:
    """Import all records and return what became of them in this run of the program.

    ``run`` is moved along; without one, for what comes from a pipe, people are known again by their ids alone.

    Raises: ImportOvertaken when somebody else moved the run meanwhile; what is stored by then counts.
    """
    total = Tally()
    rows = iter(records)
    while batch := list(islice(rows, BATCH)):
        total.add(_take_batch(batch, plan=plan, run=run, ears=ears, now=now))
        ears.progress(batch[-1].end_offset)
    if run is not None:
        ImportRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=now)
    return total


def _take_batch(batch: list[Record], *, plan: Plan, run: ImportRun | None, ears: Ears, now: datetime) -> Tally:
    tally = Tally(read=len(batch))
    refused: dict[int, str] = {}
    people: dict[int, Person] = {}
    for record in batch:
        if record.values is None:
            refused[record.line] = record.problem
            continue
        try:
            people[record.line] = person_from(plan.format, record.values, policy=plan.policy, now=now)
        except RowRefused as refusal:
            refused[record.line] = refusal.reason
    if plan.is_trial:
        outcome = import_storage.judge(people=people, source=plan.source)
        _count(tally, outcome, refused, ears)
        return tally
    fresh, known = import_storage.without_known(people=people, source=plan.source)
    # Before the transaction: weak hashes take a quarter of a second each.
    passwords, tally.wrapped = import_storage.encoded_passwords(people=fresh)
    try:
        with transaction.atomic():
            outcome = import_storage.store(people=fresh, passwords=passwords, source=plan.source, now=now)
            outcome.already += known
            # Told before it counts: after a kill a refusal is told twice rather than never.
            _count(tally, outcome, refused, ears)
            _advance(run, batch[-1], tally)
            _record(plan, run, batch, tally, now=now)
    except IntegrityError as error:
        raise ImportOvertaken from error
    return tally


def _count(tally: Tally, outcome: import_storage.Outcome, refused: dict[int, str], ears: Ears) -> None:
    tally.imported, tally.already = outcome.imported, outcome.already
    for line, reason in sorted({**refused, **outcome.refused}.items()):
        tally.refused[reason] = tally.refused.get(reason, 0) + 1
        ears.refused(line, reason)


def _advance(run: ImportRun | None, last: Record, tally: Tally) -> None:
    if run is None:
        return
    before = run.offset
    merged = {
        reason: run.refused.get(reason, 0) + tally.refused.get(reason, 0) for reason in {**run.refused, **tally.refused}
    }
    is_ours = ImportRun.objects.filter(pk=run.pk, offset=before).update(
        offset=last.end_offset,
        line=last.end_line,
        read=F("read") + tally.read,
        imported=F("imported") + tally.imported,
        already=F("already") + tally.already,
        wrapped=F("wrapped") + tally.wrapped,
        refused=merged,
    )
    if not is_ours:
        raise ImportOvertaken
    run.offset, run.line, run.refused = last.end_offset, last.end_line, merged


def _record(plan: Plan, run: ImportRun | None, batch: list[Record], tally: Tally, *, now: datetime) -> None:
    recording.record(
        event_types.ACCOUNT_IMPORTED,
        data={
            "run": str(run.pk) if run else "",
            "source": plan.source,
            "format": plan.format,
            "first_line": batch[0].line,
            "last_line": batch[-1].end_line,
            "imported": tally.imported,
            "already": tally.already,
            "refused": tally.refusals,
        },
        now=now,
    )
