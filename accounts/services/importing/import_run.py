"""Import people from the dump of another system, in batches.

One transaction stores the people of a batch, their number, and the position in the file where the batch ended. An
import that was killed continues at that position. An import of a changed dump recognises the people who were imported
before by their ids in the other system.
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
from accounts.importing.formats import parse_row
from accounts.importing.parsed_users import ImportPolicy, ParsedUser
from accounts.importing.refusals import RowRefused
from accounts.importing.source_rows import SourceRow
from accounts.models import ImportRun
from accounts.services.importing import import_storage
from security_events.services import recording

BATCH = 1000
_LOCK = 0x5EC0_0101  # the advisory lock of a running import


@dataclass(slots=True)
class ImportCounts:
    """How many rows were read, imported, known already, and refused for which reason."""

    read: int = 0
    imported: int = 0
    already: int = 0
    wrapped: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    def add(self, other: "ImportCounts") -> None:
        self.read += other.read
        self.imported += other.imported
        self.already += other.already
        self.wrapped += other.wrapped
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What is imported: from which system, in which format, and by which policy of the operator."""

    source: str
    format: str
    policy: ImportPolicy
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportCallbacks:
    """Called during an import: ``refused`` with the line and the reason of a row, ``progress`` with the bytes done."""

    refused: Callable[[int, str], None]
    progress: Callable[[int], None]


@contextmanager
def exclusive() -> Iterator[None]:
    """Refuse other imports until the block ends.

    Raises: ImportOvertaken when an import is running.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportOvertaken
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def begin(*, digest: bytes, plan: ImportPlan, is_anew: bool, now: datetime) -> ImportRun:
    """Return the run of this file, which may have stopped anywhere; ``is_anew`` resets it to the beginning."""
    run, _ = ImportRun.objects.get_or_create(
        digest=digest, source=plan.source, format=plan.format, defaults={"started_at": now}
    )
    if is_anew:
        for name in ("offset", "line", "read", "imported", "already", "wrapped"):
            setattr(run, name, 0)
        run.refused, run.started_at, run.finished_at = {}, now, None
        run.save()
    return run


def import_rows(
    *, records: Iterable[SourceRow], plan: ImportPlan, run: ImportRun | None, callbacks: ImportCallbacks, now: datetime
) -> ImportCounts:
    """Import all rows and return their counts of this call.

    ``run`` stores the position. Without it, for a pipe, people are recognised by their ids only.

    Raises: ImportOvertaken when another process moved the run meanwhile; the batches stored before stay.
    """
    total = ImportCounts()
    rows = iter(records)
    while batch := list(islice(rows, BATCH)):
        total.add(_import_batch(batch, plan=plan, run=run, callbacks=callbacks, now=now))
        callbacks.progress(batch[-1].end_offset)
    if run is not None:
        ImportRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=now)
    return total


def _import_batch(
    batch: list[SourceRow], *, plan: ImportPlan, run: ImportRun | None, callbacks: ImportCallbacks, now: datetime
) -> ImportCounts:
    counts = ImportCounts(read=len(batch))
    refused: dict[int, str] = {}
    people: dict[int, ParsedUser] = {}
    for record in batch:
        if record.values is None:
            refused[record.line] = record.problem
            continue
        try:
            people[record.line] = parse_row(plan.format, record.values, policy=plan.policy, now=now)
        except RowRefused as refusal:
            refused[record.line] = refusal.reason
    if plan.is_dry_run:
        result = import_storage.dry_run(people=people, source=plan.source)
        _count(counts, result, refused, callbacks)
        return counts
    fresh, known = import_storage.without_known(people=people, source=plan.source)
    free, taken = import_storage.without_taken(people=fresh)
    refused |= taken
    # Before the transaction, because a weak hash takes a quarter of a second.
    passwords, weak = import_storage.encoded_passwords(people=free)
    try:
        with transaction.atomic():
            result = import_storage.store(people=free, passwords=passwords, source=plan.source, now=now)
            result.already += known
            counts.wrapped = len(weak - result.refused.keys())
            # Reported before the commit: after a kill a refusal may be reported twice, but never not at all.
            _count(counts, result, refused, callbacks)
            _advance(run, batch[-1], counts)
            _record(plan, run, batch, counts, now=now)
    except IntegrityError as error:
        raise ImportOvertaken from error
    return counts


def _count(
    counts: ImportCounts, result: import_storage.BatchResult, refused: dict[int, str], callbacks: ImportCallbacks
) -> None:
    counts.imported, counts.already = result.imported, result.already
    for line, reason in sorted({**refused, **result.refused}.items()):
        counts.refused[reason] = counts.refused.get(reason, 0) + 1
        callbacks.refused(line, reason)


def _advance(run: ImportRun | None, last: SourceRow, counts: ImportCounts) -> None:
    if run is None:
        return
    before = run.offset
    merged = {
        reason: run.refused.get(reason, 0) + counts.refused.get(reason, 0)
        for reason in {**run.refused, **counts.refused}
    }
    is_ours = ImportRun.objects.filter(pk=run.pk, offset=before).update(
        offset=last.end_offset,
        line=last.end_line,
        read=F("read") + counts.read,
        imported=F("imported") + counts.imported,
        already=F("already") + counts.already,
        wrapped=F("wrapped") + counts.wrapped,
        refused=merged,
    )
    if not is_ours:
        raise ImportOvertaken
    run.offset, run.line, run.refused = last.end_offset, last.end_line, merged


def _record(
    plan: ImportPlan, run: ImportRun | None, batch: list[SourceRow], counts: ImportCounts, *, now: datetime
) -> None:
    recording.record(
        event_types.ACCOUNT_IMPORTED,
        data={
            "run": str(run.pk) if run else "",
            "source": plan.source,
            "format": plan.format,
            "first_line": batch[0].line,
            "last_line": batch[-1].end_line,
            "imported": counts.imported,
            "already": counts.already,
            "refused": counts.refusals,
        },
        now=now,
    )
