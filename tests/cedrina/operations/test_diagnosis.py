"""`manage.py doctor`."""

import json
import time
from contextlib import closing
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone, translation

from accounts.event_types import ACCOUNT_DEACTIVATED
from accounts.identifiers.names import held_key
from accounts.models import User
from cedrina import wiring
from cedrina.operations import diagnosis
from cedrina.operations.diagnosis import DiagnosticFinding, FindingSeverity
from ratelimiting.detection.proxy_misconfiguration import ProxyMisconfiguration
from security_events.services.recording import record
from security_events.services.trail import sealing
from tests.factories import detection, social
from tests.factories.accounts import UserFactory
from tests.programs import served

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def found(identity, text=None):
    document = json.loads(text or run("--json")[0])
    return [finding for finding in document["findings"] if finding["id"] == identity]


@pytest.fixture
def healthy(monkeypatch):
    """Leave out what the checks say of the settings of a test."""
    monkeypatch.setattr(diagnosis, "DIAGNOSTICS", [diagnosis.recorded_misconfigurations])


class TestDoctor:
    def test_is_content_where_nothing_is_wrong(self, healthy):
        assert run() == ("Nothing was found.\n", 0)
        assert json.loads(run("--json")[0]) == {"result": "healthy", "findings": []}

    @pytest.mark.parametrize(
        ("mistake", "identity"),
        [
            (ProxyMisconfiguration.SINGLE_ADDRESS, "network.single_address"),
            (ProxyMisconfiguration.UNTRUSTED_PROXY, "network.untrusted_proxy"),
        ],
    )
    def test_tells_what_the_servers_noticed_in_the_last_day(self, healthy, mistake, identity):
        now = timezone.now()
        wiring.record_misconfiguration(
            misconfiguration=mistake, address="10.0.0.1", data={}, now=now - timedelta(hours=23)
        )

        text, code = run("--json")

        assert code == 1
        [finding] = found(identity, text)
        assert finding["severity"] == "error"
        assert "10.0.0.1" in finding["problem"]
        assert "TRUSTED_PROXIES" in finding["mend"]
        assert finding["section"].startswith("OWASP ASVS 5.0")

    def test_forgets_what_was_noticed_before(self, healthy):
        earlier = timezone.now() - timedelta(hours=25)
        wiring.record_misconfiguration(
            misconfiguration=ProxyMisconfiguration.SINGLE_ADDRESS, address="10.0.0.1", data={}, now=earlier
        )
        assert run()[1] == 0

    def test_says_that_another_algorithm_signs_than_the_setting_names(self, settings):
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}

        [finding] = found("tokens.W002")
        assert finding["severity"] == "warning"
        assert "rotate_signing_key" in finding["mend"]

    def test_repeats_the_start_up_checks_with_section_and_mend(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5, "EMAIL_CONFIRMATION": "optional"}

        text, code = run("--json")

        assert code == 1
        assert found("accounts.E010", text)[0]["section"] == "OWASP ASVS 5.0, 11.4.2"
        assert found("accounts.W010", text)[0]["severity"] == "warning"
        assert all(finding["section"] and finding["mend"] for finding in json.loads(text)["findings"])
        severities = [finding["severity"] for finding in json.loads(text)["findings"]]
        assert severities == sorted(severities, key=["error", "warning", "info"].index)

    def test_shows_a_table_of_text(self, healthy):
        wiring.record_misconfiguration(
            misconfiguration=ProxyMisconfiguration.UNTRUSTED_PROXY, address="10.0.0.1", data={}, now=timezone.now()
        )

        text, code = run()

        assert code == 1
        assert text.startswith("ERROR     network.untrusted_proxy  (OWASP ASVS 5.0, 4.1.3)\n          10.0.0.1 sends")
        assert "Mend: If it is a proxy of yours" in text
        assert text.endswith("1 finding.\n")
        assert max(len(line) for line in text.splitlines()) <= 100

    def test_names_addresses_by_a_former_rule_on_hold_and_wrongly_joined(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "DIAGNOSTICS", [diagnosis.address_comparison])
        assert run() == ("Nothing was found.\n", 0)
        UserFactory(email="ada@m\u00fcnchen.de", email_folded="ada@m\u00fcnchen.de")
        held, joined = UserFactory(email="\u017fam@example.com"), UserFactory(email="bea@strasse.de")
        User.objects.filter(pk=held.pk).update(email_folded=held_key(held.pk))
        social.link(joined, now=timezone.now(), email="bea@stra\u00dfe.de")

        text, code = run("--json")

        assert code == 1
        for identity, problem in (
            ("accounts.addresses_behind", "Addresses that are compared"),
            ("accounts.addresses_on_hold", "Addresses on hold"),
            ("accounts.foreign_connections", "Accounts of providers"),
        ):
            [finding] = found(identity, text)
            assert finding["problem"].startswith(problem)
            assert "refold_addresses" in finding["mend"]

    @pytest.mark.django_db(transaction=True)
    def test_says_that_nobody_seals_or_what_holds_it_back(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "DIAGNOSTICS", [diagnosis.sealed_trail])
        now = timezone.now()
        record(ACCOUNT_DEACTIVATED, now=now - timedelta(minutes=4))
        assert run() == ("Nothing was found.\n", 0)
        record(ACCOUNT_DEACTIVATED, now=now - timedelta(minutes=31))
        [finding] = found("audit_trail.not_sealed")
        assert (finding["severity"], finding["line"]) == ("error", "manage.py seal_audit_trail")
        assert finding["problem"] == "Events wait to be sealed; minutes: 31."

        parameters = {**connection.get_connection_params(), "cursor_factory": None}
        with closing(psycopg.connect(**parameters)) as writer:
            writer.execute("SELECT pg_current_xact_id()")
            record(ACCOUNT_DEACTIVATED, now=now)
            [finding] = found("audit_trail.held_back")
            assert finding["severity"] == "warning"
            assert f"(process {writer.info.backend_pid})" in finding["problem"]
        sealing.seal(now=now)
        sealing.seal(now=now)
        assert run() == ("Nothing was found.\n", 0)

    @pytest.mark.django_db(transaction=True)
    def test_says_that_events_wait_for_detection(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "DIAGNOSTICS", [diagnosis.detection])
        assert run() == ("Nothing was found.\n", 0)
        detection.start_at()
        record(ACCOUNT_DEACTIVATED, now=timezone.now() - timedelta(minutes=5))
        [finding] = found("detection.behind")
        assert (finding["severity"], finding["line"]) == ("error", "manage.py run_worker")
        assert finding["problem"] == "Events wait for the detection rules; minutes: 5."
        detection.detect()
        assert run() == ("Nothing was found.\n", 0)

    def test_takes_further_examinations(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "DIAGNOSTICS", [])
        seen = DiagnosticFinding("disk.full", FindingSeverity.INFO, "none", "The disk is half full.", "Nothing.")

        @diagnosis.diagnostic
        def disk(now):
            yield seen

        text, code = run("--json")
        assert (json.loads(text)["findings"], code) == ([seen.document()], 0)

    def test_says_what_it_says_in_every_language(self, healthy):
        wiring.record_misconfiguration(
            misconfiguration=ProxyMisconfiguration.UNTRUSTED_PROXY, address="10.0.0.1", data={}, now=timezone.now()
        )
        for language in ("es", "fa", "ar"):
            with translation.override(language):
                assert "10.0.0.1" in found("network.untrusted_proxy")[0]["problem"]


@pytest.mark.process
def test_a_served_process_notices_an_untrusted_proxy_and_the_doctor_says_so():
    """Over the whole way: requests with forwarding headers, an event in the database, a finding of another process."""
    with served.database() as url, served.serving(database_url=url) as server:
        with server.client(headers={"X-Forwarded-For": "192.0.2.7"}) as client:
            for _ in range(12):
                assert client.post("/auth/revoke", json={"token": "x"}).status_code == 200
        # the first request was looked at alone; the counts are looked at again ten seconds later
        time.sleep(10.5)
        with server.client(headers={"X-Forwarded-For": "192.0.2.7"}) as client:
            client.post("/auth/revoke", json={"token": "x"})
        with pytest.raises(AssertionError) as failed:
            server.manage("doctor", "--json")
    assert "network.untrusted_proxy" in str(failed.value)
