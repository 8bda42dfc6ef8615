"""Policies in the admin."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cedrina_base.uuids import uuid7
from ratelimiting.forms import PolicyForm
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.services import policies as stored
from ratelimiting.services import tightened_networks
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import sign_in_at_admin
from tests.ratelimiting.policy_documents import BOSS, document

pytestmark = pytest.mark.django_db
POLICIES = "/admin/ratelimiting/ratelimitpolicy/"
NETWORKS = "/admin/ratelimiting/tightenednetwork/"
VERSIONS = "/admin/ratelimiting/policyversion/"
FORM = {
    "name": "export",
    "algorithm": "sliding_window",
    "limit": "5",
    "window": "60",
    "scope": "user, endpoint",
    "routes": "export-*",
    "methods": "GET",
    "mode": "shadow",
    "cost": "1",
    "on_store_failure": "local",
    "reason": "dear",
}


@pytest.fixture
def browser():
    client = Client()
    sign_in_at_admin(client, UserFactory(username="boss", raw_password=PASSWORD, admin=True))
    return client


class TestPolicies:
    def test_are_added_and_changed_with_a_reason(self, browser):
        assert browser.post(f"{POLICIES}add/", FORM).status_code == 302
        row = RateLimitPolicy.objects.get()
        assert (row.scope, row.routes, row.methods, row.mode) == (["user", "endpoint"], ["export-*"], ["GET"], "shadow")

        page = browser.get(f"{POLICIES}{row.pk}/change/").content.decode()
        assert 'value="user, endpoint"' in page
        browser.post(f"{POLICIES}{row.pk}/change/", {**FORM, "limit": "9", "seen_version": "1"})
        row.refresh_from_db()
        assert (row.limit, row.version) == (9, 2)
        assert [version.author for version in PolicyVersion.objects.all()] == ["boss", "boss"]

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_label_each_member_as_a_sentence_begins(self, browser, language):
        page = browser.get(f"{POLICIES}add/", headers={"Accept-Language": language}).content.decode()
        labels = re.findall(r'<label[^>]* for="id_[^"]*">\s*([^<]+?):', page)

        assert len(labels) > len(PolicyForm.Meta.fields)
        assert [label for label in labels if label[0].islower()] == []

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"scope": "ipp"}, "ipp is no part of a key"),
            ({"methods": "get"}, "must be of GET"),
            ({"burst": "5"}, "belongs to a token_bucket alone"),
            ({"unless": "nothing"}, "nothing is no policy"),
            ({"routes": "lgoin"}, "lgoin is no route, so nothing would be limited; the nearest are login"),
            ({"tier": "gold"}, "gold is no tier, so nothing would be limited; there are free, pro, enterprise"),
            ({"reason": ""}, "This field is required"),
        ],
    )
    def test_say_what_is_wrong_beside_the_field(self, browser, change, sentence):
        answer = browser.post(f"{POLICIES}add/", {**FORM, **change})
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
        assert not RateLimitPolicy.objects.exists()

    def test_are_not_overwritten_after_a_concurrent_change(self, browser):
        row = stored.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        stored.change(
            policy_id=row.pk, document={"limit": 50}, versions=None, author=BOSS, reason="r", now=timezone.now()
        )
        answer = browser.post(f"{POLICIES}{row.pk}/change/", {**FORM, "name": "some", "seen_version": "1"})
        assert "changed in the meantime" in answer.content.decode()
        row.refresh_from_db()
        assert row.limit == 50

        assert 'name="reason" value="dear"' in answer.content.decode()

    def test_begin_with_what_they_replace(self, browser):
        page = browser.get(POLICIES).content.decode()
        assert f'href="{POLICIES}add/?name=sign-in"' in page
        form = browser.get(f"{POLICIES}add/?name=sign-in").context["adminform"].form
        assert form["name"].value() == "sign-in"
        assert "login" in form["routes"].value()
        assert form["methods"].value() == "POST" or form["methods"].value() == ["POST"]

    def test_apply_to_all_routes_where_none_is_said(self, browser):
        for name in ("", "?name=nothing"):
            form = browser.get(f"{POLICIES}add/{name}").context["adminform"].form
            assert form["routes"].value() == "*"

    def test_are_no_longer_offered_where_they_are_replaced(self, browser):
        stored.create(document=document(name="sign-in"), author=BOSS, reason="r", now=timezone.now())
        assert f"{POLICIES}add/?name=sign-in" not in browser.get(POLICIES).content.decode()

    def test_are_deleted_with_a_reason_one_by_one_and_together(self, browser):
        rows = [
            stored.create(document=document(name=name, limit=1000), author=BOSS, reason="r", now=timezone.now())
            for name in ("one", "two", "three")
        ]
        alone = f"{POLICIES}{rows[0].pk}/delete/"
        chosen = {"action": "delete_selected", "_selected_action": [str(row.pk) for row in rows[1:]]}
        for address, given in ((alone, {"post": "yes"}), (POLICIES, {**chosen, "post": "yes"})):
            assert 'name="reason"' in browser.get(alone).content.decode()
            for reason in ({}, {"confirmed": "yes"}, {"confirmed": "yes", "reason": " "}):
                assert 'name="reason"' in browser.post(address, {**given, **reason}).content.decode()
        assert RateLimitPolicy.objects.count() == 3

        answer = browser.post(alone, {"confirmed": "yes", "reason": "no longer needed"})
        assert answer.status_code == 302, answer.content
        browser.post(POLICIES, {**chosen, "confirmed": "yes", "reason": "too strict"})

        made = PolicyVersion.objects.filter(change="deleted").order_by("number")
        assert [(each.author, each.reason) for each in made] == [
            ("boss", "no longer needed"),
            ("boss", "too strict"),
            ("boss", "too strict"),
        ]
        assert not RateLimitPolicy.objects.exists()
        assert browser.get(alone).status_code == 302

    def test_are_deleted_by_those_alone_who_may_change_them(self, browser):
        row = stored.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        client = Client()
        sign_in_at_admin(client, UserFactory(username="staff", raw_password=PASSWORD, roles=["users:read"]))
        answer = client.post(f"{POLICIES}{row.pk}/delete/", {"confirmed": "yes", "reason": "r"})
        assert answer.status_code == 403
        assert RateLimitPolicy.objects.exists()

    def test_are_closed_to_others(self):
        client = Client()
        sign_in_at_admin(client, UserFactory(username="staff", raw_password=PASSWORD, roles=["users:read"]))
        assert client.get(POLICIES).status_code == 403


class TestVersions:
    def test_are_gone_back_to_with_a_reason(self, browser):
        stored.create(document=document(), author=BOSS, reason="r", now=timezone.now())
        stored.create(document=document(name="other"), author=BOSS, reason="r", now=timezone.now())
        asked = {"action": "roll_back", "_selected_action": "1"}
        page = browser.post(VERSIONS, asked)
        assert "as they were in version 1" in page.content.decode()
        browser.post(VERSIONS, {**asked, "confirmed": "yes", "reason": "worse"})
        assert [row.name for row in RateLimitPolicy.objects.all()] == ["some"]
        assert PolicyVersion.objects.get(number=3).reason == "worse"
        assert browser.get("/admin/ratelimiting/shadowperiod/").status_code == 200


def test_tightened_networks_are_shown_and_not_changed(browser):
    now = timezone.now()
    tightened_networks.tighten(
        tightening_id=uuid7(), network="203.0.113.0", reason="enumeration", ends_at=now + timedelta(hours=1), now=now
    )
    page = browser.get(NETWORKS).content.decode()
    assert "203.0.113.0/24" in page
    assert "enumeration" in page
    assert browser.get(f"{NETWORKS}add/").status_code == 403
