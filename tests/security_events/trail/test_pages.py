"""The admin's pages of checkpoints and audit keys."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from security_events.administration.trail_pages import state_sentence
from security_events.models import AuditKey, CheckpointCosignature, TrailCheckpoint
from security_events.verifier import verification_key
from tests.factories.accounts import UserFactory, give
from tests.factories.tokens import sign_in_at_admin
from tests.security_events.sealed import sealed_trail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = "/admin/security_events/trailcheckpoint/"
WITNESS = "— witness.example.org CroFHAAAAABplD4AAAA="


@pytest.fixture(scope="module", autouse=True)
def _sealed(django_db_setup, django_db_blocker):
    with sealed_trail(django_db_blocker, count=5, batch=4, now=NOW):
        yield


@pytest.fixture
def newest():
    return TrailCheckpoint.objects.latest("size")


def browser_of(*codenames):
    user = UserFactory()
    give(user, *codenames)
    browser = Client()
    sign_in_at_admin(browser, user)
    return browser


@pytest.fixture
def browser():
    return browser_of("events:read")


class TestCheckpoints:
    def test_are_listed_with_what_is_not_sealed_yet(self, browser, newest):
        page = browser.get(LIST).text

        assert "All events are sealed." in page or "not sealed yet" in page
        for size in TrailCheckpoint.objects.values_list("size", flat=True):
            assert reverse("admin:security_events_trailcheckpoint_change", args=[size]) in page

    def test_show_the_note_and_give_it_as_a_file(self, browser, newest):
        CheckpointCosignature.objects.create(
            checkpoint=newest, witness="witness.example.org", line=WITNESS, created_at=NOW
        )
        page = browser.get(f"{LIST}{newest.pk}/change/").text
        assert newest.note.splitlines()[2] in page
        assert "witness.example.org" in page
        assert str(newest.events_to) in page

        answer = browser.get(f"{LIST}{newest.pk}/note.txt")
        assert answer.text == f"{newest.note}{WITNESS}\n"
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="checkpoint-{newest.size}.txt"'

    def test_lead_back_from_what_is_not_there(self, browser):
        for size in ("999999", "x", "9" * 30):
            assert browser.get(f"{LIST}{size}/note.txt").status_code == 302

    def test_change_by_nobody(self, browser, newest):
        for path in ("add/", f"{newest.pk}/delete/"):
            assert browser.get(LIST + path).status_code == 403

    def test_are_for_those_who_may_read_events(self, newest):
        other = browser_of("users:read", "view_trailcheckpoint", "view_auditkey")
        for path in (LIST, f"{LIST}{newest.pk}/change/", f"{LIST}{newest.pk}/note.txt"):
            assert other.get(path).status_code == 403
        assert other.get("/admin/security_events/auditkey/").status_code == 403


class TestAuditKeys:
    def test_show_the_verification_key_and_not_the_private_one(self, browser):
        key = AuditKey.objects.get()
        page = browser.get(f"/admin/security_events/auditkey/{key.pk}/change/").text

        assert verification_key(key.name, bytes(key.public_key)).replace("+", "&#x2B;") in page.replace("+", "&#x2B;")
        assert key.private_key not in page
        assert "test1:" not in page


class TestStateSentence:
    def test_counts_what_waits(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(12):  # three, and more looks at transactions that begin or end just then
            assert state_sentence() == "All events are sealed."
