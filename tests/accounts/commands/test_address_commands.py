"""`manage.py refold_addresses` and `manage.py release_address`."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import User
from accounts.services.addresses.address_refolding import former_fold
from tests.factories import social
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
SHARP, DOUBLE = "ada@stra\u00dfe.de", "ada@strasse.de"


def run(*arguments):
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue() + err.getvalue(), end.code
    return out.getvalue(), 0


def planted(email, **members):
    return UserFactory(email=email, email_folded=former_fold(email), **members)


class TestRefoldAddresses:
    def test_lists_the_addresses_on_hold_and_the_reasons(self):
        planted("bea@m\u00fcnchen.de")
        held = planted(SHARP, username="ada")

        document = json.loads(run("refold_addresses", "--json")[0])

        assert document == {
            "result": "refolded",
            "refolded": 1,
            "newly_held": {str(held.pk): "domain_changed"},
            "held": 1,
            "people": [{"id": str(held.pk), "username": "ada", "email": SHARP, "reason": "domain_changed"}],
            "connections": [],
        }

    def test_says_it_in_words(self, now):
        user = planted(SHARP, username="ada")
        other = planted("bea@strasse.de", username="bea")
        social.link(other, now=now, email="bea@stra\u00dfe.de")

        text, code = run("refold_addresses")

        assert code == 0
        assert text.startswith("Addresses refolded: 0. Put on hold: 1. On hold altogether: 1.")
        assert f"{user.pk}  domain_changed  ada  {SHARP}" in text
        assert "domain_changed: Mail to it used to go to another domain" in text
        assert "manage.py release_address" in text
        assert f"{other.pk}  bea  fake" in text

    def test_says_little_where_there_is_little(self):
        assert run("refold_addresses")[0] == "Addresses refolded: 0. Put on hold: 0. On hold altogether: 0.\n"

    def test_changes_nothing_in_a_dry_run(self):
        user = planted(SHARP)
        text = run("refold_addresses", "--dry-run")[0]
        assert text.startswith("Addresses that would be refolded: 0. That would go on hold: 1. On hold now: 0.")
        assert f"{user.pk}  domain_changed" in text
        assert User.objects.get(pk=user.pk).email_folded == DOUBLE

    def test_names_no_more_people_than_asked_for(self):
        planted(SHARP)
        planted("bea@stra\u00dfe.de")
        document = json.loads(run("refold_addresses", "--json", "--most", "1")[0])
        assert (document["held"], len(document["people"])) == (2, 1)


class TestReleaseAddress:
    @pytest.fixture
    def held(self):
        user = planted(SHARP, username="ada")
        run("refold_addresses")
        return user

    def test_gives_an_address(self, held):
        text, code = run("release_address", "ada", SHARP)
        assert (text, code) == (f"{held.pk} has the address {SHARP}, and a mail to confirm it is on its way.\n", 0)
        assert not User.objects.get().is_email_held

    def test_changes_nothing_in_a_dry_run(self, held):
        document = json.loads(run("release_address", str(held.pk), SHARP, "--dry-run", "--json")[0])
        assert document == {"result": "would_release", "id": str(held.pk), "email": SHARP}
        assert User.objects.get().is_email_held

    @pytest.mark.parametrize(
        ("person", "email", "code"),
        [
            ("nobody", SHARP, "not_found"),
            ("bea", SHARP, "not_on_hold"),
            ("ada", "no address", "validation_error"),
            ("ada", "bea@example.com", "email_taken"),
        ],
    )
    def test_says_what_is_in_the_way(self, held, person, email, code):
        UserFactory(username="bea", email="bea@example.com")
        text, exit_code = run("release_address", person, email, "--json")
        assert (json.loads(text)["error"]["code"], exit_code) == (code, 1)
        assert User.objects.get(pk=held.pk).is_email_held
