"""Each finding of `manage.py doctor` has a line to write, and a place in the documentation."""

import re
from pathlib import Path

import pytest
from django.core import checks

from accounts.conf import account_settings
from cedrina.operations import corrections, diagnosis
from cedrina.settings import environment
from cedrina.settings.environment_settings import SETTINGS
from cedrina_base.conf import base_settings
from ratelimiting.conf import rate_limiting_settings
from security_events.conf import security_event_settings
from tests.architecture.source import ROOT
from tests.architecture.test_documentation import anchors
from tests.for_each import for_each
from tokens.conf import token_settings

OURS = ("cedrina_base", "accounts", "tokens", "ratelimiting", "security_events")
SETTINGS_OF_APPS = {
    each.SETTING: each
    for each in (base_settings, account_settings, token_settings, rate_limiting_settings, security_event_settings)
}
ROW = re.compile(r"^\| `([a-z_.A-Z0-9]+)` \| ([^|]+) \| `` ?(.+?) ?`` \|$", re.MULTILINE)


def ids_of_our_checks():
    """Return the ids that stand in the checks of our apps; those of ``tokens`` are put together from a number."""
    found = set()
    for app in OURS:
        text = (ROOT / app / "checks.py").read_text(encoding="utf-8")
        found |= set(re.findall(rf'"({app}\.[EWI]\d{{3}})"', text))
        found |= {f"{app}.{number}" for number in re.findall(r'"([EWI]\d{3})"', text)}
    return found


def ids_of_django():
    """Return the ids of Django's security checks."""
    modules = [checks.security.base, checks.security.csrf, checks.security.sessions]
    texts = [Path(module.__file__).read_text(encoding="utf-8") for module in modules]
    return {found for text in texts for found in re.findall(r'id="(security\.[EWI]\d{3})"', text)}


def ids_of_diagnostics():
    modules = ("diagnosis.py", "standards_diagnosis.py")
    text = "".join((ROOT / "cedrina" / "operations" / name).read_text(encoding="utf-8") for name in modules)
    return set(re.findall(r'finding_of\(\s*"([a-z_.]+)"', text)) | set(diagnosis._MISCONFIGURATION_TEXTS)


class TestCorrections:
    def test_are_there_for_each_check_and_each_diagnostic_and_for_nothing_else(self):
        ours, django = ids_of_our_checks(), ids_of_django()
        assert len(ours) > 30
        assert len(django) > 20
        assert set(corrections.CORRECTIONS) == ours | django | ids_of_diagnostics()

    @for_each("identity", corrections.CORRECTIONS)
    def test_say_what_to_write_and_where_it_is_explained(self, identity):
        correction = corrections.CORRECTIONS[identity]
        assert correction.mend
        assert correction.section
        page, _, anchor = correction.page.partition("#")
        assert (ROOT / page).exists()
        assert not anchor or anchor in anchors(ROOT / page), correction.page
        if correction.line is None:
            return  # the setting that the check names: below
        name, is_assignment, _value = correction.line.partition("=")
        if re.fullmatch("[A-Z_]+", name) and is_assignment:
            assert name in SETTINGS
        elif correction.line.startswith("manage.py "):
            command = correction.line.split()[1]
            assert list(ROOT.glob(f"*/management/commands/{command}.py"))
        else:
            assert correction.page == corrections._CODE
            compile(correction.line.replace("…", "..."), identity, "exec")

    def test_are_in_the_table_of_the_documentation(self):
        text = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
        rows = {identity: (section, line) for identity, section, line in ROW.findall(text)}
        line_of_settings = "NAME=value of the setting that is named"
        assert rows == {
            identity: (each.section, line_of_settings if each.line is None else each.line)
            for identity, each in corrections.CORRECTIONS.items()
        }

    def test_have_lines_that_start_a_production_server(self):
        """Each line for the environment is accepted beside the required settings."""
        given = environment_of_example()
        for identity, correction in corrections.CORRECTIONS.items():
            name, _, value = (correction.line or "").partition("=")
            if name not in SETTINGS or "$(" in value or "…" in value:
                continue
            environment.load({**given, name: value % {"address": "10.0.0.10"}}), identity


def environment_of_example():
    return {
        "CEDRINA_ENV": "production",
        "SECRET_KEY": "0123456789abcdef" * 4,
        "FIELD_ENCRYPTION_KEYS": "first:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "DATABASE_URL": "postgres://cedrina_app:x@127.0.0.1/cedrina",
        "ALLOWED_HOSTS": "id.example.org",
        "PUBLIC_URL": "https://id.example.org",
        "EMAIL_URL": "smtp+tls://mail.example.org:587",
    }


class TestNamesOfTheEnvironment:
    @pytest.mark.parametrize("names", corrections.ENVIRONMENT_NAMES.items())
    def test_are_settings_on_both_sides(self, names):
        (app, name), in_environment = names
        assert name in SETTINGS_OF_APPS[app].names()
        assert in_environment in SETTINGS

    @pytest.mark.parametrize(
        ("text", "expected", "line"),
        [
            (
                "TOKENS: SESSION_IDLE_TTL is longer than SESSION_ABSOLUTE_TTL, so it would never apply.",
                "SESSION_IDLE_SECONDS is longer than SESSION_ABSOLUTE_SECONDS, so it would never apply.",
                "SESSION_IDLE_SECONDS=604800",
            ),
            ("ACCOUNTS: HASHING_WAIT is wrong.", "HASHING_WAIT_SECONDS is wrong.", "HASHING_WAIT_SECONDS=6"),
            ("ACCOUNTS['BCRYPT_ROUNDS'] is below 10.", "BCRYPT_ROUNDS is below 10.", "BCRYPT_ROUNDS=12"),
            ("TOKENS['ACTIVE_USER'] can't be {}.", "TOKENS['ACTIVE_USER'] can't be {}.", ""),
            ("Nothing is named.", "Nothing is named.", ""),
        ],
    )
    def test_replace_those_of_the_apps(self, text, expected, line):
        assert corrections.in_environment_names(text) == expected
        assert corrections.default_line(expected) == line

    def test_name_what_each_check_of_values_is_about(self, settings):
        """Make each check of values fail; its finding names a setting of the environment and how to write it."""
        wrong = {
            "ACCOUNTS": {"PASSWORD_MIN_LENGTH": 1, "PASSWORD_HISTORY": -1, "HASHING_THREADS": 0},
            "TOKENS": {"MAX_SESSIONS_PER_USER": 0, "SESSION_OVERFLOW": "x", "REFRESH_KEY_EPOCH": 0},
        }
        for name, values in wrong.items():
            setattr(settings, name, {**getattr(settings, name), **values})
        found = [diagnosis._from_check(message) for message in checks.run_checks()]
        values = ("accounts.E002", "tokens.E005", "tokens.E006", "tokens.E008")
        lines = {finding.line for finding in found if finding.id in values}
        assert lines == {
            "PASSWORD_MIN_LENGTH=12",
            "PASSWORD_HISTORY=5",
            "HASHING_THREADS=2",
            "MAX_SESSIONS_PER_USER=5",
            "SESSION_OVERFLOW=evict_oldest",
            "REFRESH_KEY_EPOCH=1",
        }
        assert not [finding for finding in found if "ACCOUNTS" in str(finding.problem)]


@pytest.mark.django_db
def test_the_loopback_of_a_developer_is_no_finding(settings):
    assert settings.ENVIRONMENT == "development"
    ids = {finding.id for finding in diagnosis.start_up_checks(None)}
    assert not ids & {name for name, each in corrections.CORRECTIONS.items() if each.is_about_https}
    settings.ENVIRONMENT = "production"
    assert {"tokens.E011", "security.W010"} <= {finding.id for finding in diagnosis.start_up_checks(None)}
