"""The history of objects in the admin: our events instead of Django's log."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from ratelimiting.models import RateLimitPolicy
from ratelimiting.services import policies
from tests.factories.accounts import UserFactory, give
from tests.factories.tokens import open_session, sign_in_at_admin
from tests.ratelimiting.policy_documents import BOSS, document
from tokens.models import SigningKey, TokenFamily
from tokens.services import keys

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(boss):
    client = Client()
    sign_in_at_admin(client, boss)
    return client


def test_of_a_person_is_the_timeline(browser):
    person = UserFactory()
    answer = browser.get(f"/admin/accounts/user/{person.pk}/history/")
    assert answer["Location"] == f"/admin/accounts/user/{person.pk}/change/"


def test_of_sessions_families_and_keys_shows_their_events_and_whose_they_are(browser):
    pair = open_session(user=UserFactory(username="mina"))
    open_session(user=UserFactory(username="omar"))
    family = TokenFamily.objects.get(session_id=pair.session_id)
    key = keys.rotate(now=timezone.now())

    for url in (f"tokens/session/{pair.session_id}", f"tokens/tokenfamily/{family.pk}"):
        text = browser.get(f"/admin/{url}/history/").content.decode()
        assert "session.created" in text
        assert ">mina<" in text
        assert ">omar<" not in text
    assert "key.rotated" in browser.get(f"/admin/tokens/signingkey/{key.pk}/history/").content.decode()


def test_of_a_policy_shows_its_changes_and_nothing_is_written_to_the_log_of_django(browser):
    row = policies.create(document=document(name="one"), author=BOSS, reason="because", now=timezone.now())
    policies.create(document=document(name="two"), author=BOSS, reason="other", now=timezone.now())
    browser.post(f"/admin/ratelimiting/ratelimitpolicy/{row.pk}/delete/", {"confirmed": "yes", "reason": "r"})
    again = policies.create(document=document(name="one"), author=BOSS, reason="once more", now=timezone.now())

    text = browser.get(f"/admin/ratelimiting/ratelimitpolicy/{again.pk}/history/").content.decode()

    assert text.count("ratelimit.policy_changed") == 3
    assert "because" in text
    assert "other" not in text.partition('id="result_list"')[2]
    assert not LogEntry.objects.exists()
    assert "Recent actions" not in browser.get("/admin/").content.decode()


def test_is_read_on_by_its_cursor_and_empty_where_nothing_happened(browser):
    row = RateLimitPolicy.objects.create(
        name="quiet",
        algorithm="sliding_window",
        limit=1,
        window=1,
        scope=["user"],
        updated_at=timezone.now(),
    )
    assert "No events yet." in browser.get(f"/admin/ratelimiting/ratelimitpolicy/{row.pk}/history/").content.decode()
    for number in range(52):
        policies.change(
            policy_id=row.pk,
            document={"limit": number + 2},
            versions=None,
            author=BOSS,
            reason=f"change {number}",
            now=timezone.now(),
        )
    url = f"/admin/ratelimiting/ratelimitpolicy/{row.pk}/history/"
    first = browser.get(url)
    second = browser.get(url, {"before": str(first.context["next_cursor"])})
    assert (len(first.context["entries"]), len(second.context["entries"])) == (50, 2)


def test_is_closed_to_staff_who_may_not_see_events():
    user = UserFactory()
    give(user, "sessions:read")
    client = Client()
    sign_in_at_admin(client, user)
    pair = open_session(user=UserFactory())

    text = client.get(f"/admin/tokens/session/{pair.session_id}/history/").content.decode()

    assert "You may not see security events." in text
    assert "session.created" not in text
    assert client.get(f"/admin/tokens/signingkey/{SigningKey.objects.first().pk}/history/").status_code == 403
