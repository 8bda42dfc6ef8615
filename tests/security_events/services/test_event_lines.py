"""Lines in the order of the trail: how many, how long, and where they go on."""

import json

import pytest

from accounts.event_types import ACCOUNT_ACTIVATED
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.trail import START, events_after
from security_events.services import event_lines
from security_events.services.event_lines import read_lines
from security_events.services.recording import record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start():
    return ([START] + [event.position for event in events_after(START, limit=1000)])[-1]


def read(position, **details):
    return read_lines(position, wanted=EventFilter(), export_format=ExportFormat.CEDRINA, **details)


def test_several_batches_make_one_page(start, monkeypatch):
    monkeypatch.setattr(event_lines, "_BATCH", 2)
    made = [str(record(ACCOUNT_ACTIVATED)) for _ in range(5)]

    some = read(start, limit=3)
    rest = read(some.next)

    found = [json.loads(line)["id"] for page in (some, rest) for line in page.text.splitlines()]
    assert found == made
    assert (some.number, rest.number) == (3, 2)
    assert read(rest.next) == (b"", 0, rest.next)


def test_a_page_ends_before_it_is_too_long_but_has_one_line_at_least(start, monkeypatch):
    monkeypatch.setattr(event_lines, "MAX_BYTES", 1500)
    for length in (600, 600, 3000):
        record(ACCOUNT_ACTIVATED, data={"note": "x" * length})

    numbers, position = [], start
    while page := read(position):
        if not page.number:
            break
        numbers.append(page.number)
        position = page.next
    assert numbers == [1, 1, 1]
