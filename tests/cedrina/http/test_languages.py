"""The API, the admin and the commands speak the language that they are asked in, whatever they have to say."""

import os
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import get_resolver
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

import accounts.errors
import tokens.errors
from accounts.models import PendingRegistration, User
from cedrina.http.languages import _preferences, negotiate_language
from cedrina.http.problem_catalogue import PROBLEMS
from cedrina_base.errors import AppError
from cedrina_base.strict_serializers import StrictSerializer
from tests.architecture.source import PRODUCT, ROOT
from tests.factories.accounts import PASSWORD, UserFactory
from tests.problem_shape import assert_problem

admin.autodiscover()

OTHERS = ("es", "fa", "ar")
RIGHT_TO_LEFT = ("fa", "ar")  # a single word may be the same in Spanish
TITLES = {
    "en": ("Invalid token", "The token was not accepted."),
    "es": ("Token no válido", "El token no fue aceptado."),
    "fa": ("توکن نامعتبر", "توکن پذیرفته نشد."),
    "ar": ("رمز مميز غير صالح", "لم يُقبل الرمز المميز."),
}
# What the serializer refuses, and what the service does.
BAD = (
    {"username": "a", "email": "", "password": None, "locale": "tlh", "full_name": "a\nb", "more": 1},
    {"username": "a b c", "email": "nobody", "password": "password"},
)


def said(words, language):
    with translation.override(language):
        return str(words)


def said_now(language, function, *arguments):
    with translation.override(language):
        return str(function(*arguments))


def in_english(words):
    """Return in which languages a sentence is left in English."""
    return [language for language in OTHERS if said(words, language) == said(words, "en")]


def refusals(module):
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, AppError) and value is not AppError
    ]


def subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


class TestNegotiation:
    @pytest.mark.parametrize(
        ("header", "language"),
        [
            ("fa", "fa"),
            ("fa-IR, en;q=0.5", "fa"),
            ("ar-EG", "ar"),
            ("es-419", "es"),
            ("ES-mx;q=0.8, de", "es"),
            ("de;q=1.0, ar;q=0.4, es;q=0.7", "es"),
            ("fa;q=0, ar;q=0.1", "ar"),
            ("fa;q=0", "en"),
            ("tlh, de", "en"),
            ("en-GB, fa;q=0.9", "en"),
            ("*", "en"),
            ("not a header;;q=x", "en"),
        ],
    )
    def test_finds_the_language_of_ours_that_is_wanted_most(self, header, language):
        answer = APIClient().get("/api/v1/auth/me", headers={"Accept-Language": header, "Authorization": "Bearer x"})

        problem = assert_problem(answer, status=401, code="invalid_token")
        assert answer["Content-Language"] == negotiate_language(header) == language
        assert (problem["title"], problem["detail"]) == TITLES[language]

    @pytest.mark.property
    @given(
        ranges=st.lists(
            st.tuples(
                st.sampled_from(["en", "es-419", "fa", "*", "zh-hant", "x-y", "ar-EG"]),
                st.sampled_from(["", ";q=0.5", "; q=0.123", ";q=1", ";q=0", ";q=1.000", " ;q=0.", ";q=0.9"]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    def test_reads_a_header_as_django_does(self, ranges):
        header = ", ".join(f"{language}{weight}" for language, weight in ranges).lower()
        assert tuple(_preferences(header)) == parse_accept_lang_header(header)

    @pytest.mark.parametrize(
        "header", ["es;q=2", "es;q=0.1234", "es;q=a", "es;q", "es;p=1", "es;q=١", "es;q=0.x", "es-" * 20]
    )
    def test_takes_nothing_from_what_it_cannot_read(self, header):
        assert negotiate_language(f"fa;q=0.1, {header}") == "en"

    def test_speaks_english_to_who_asks_for_nothing(self):
        problem = APIClient().get("/api/v1/auth/me", headers={"Authorization": "Bearer x"}).json()

        assert (problem["title"], problem["detail"]) == TITLES["en"]

    @pytest.mark.django_db
    @pytest.mark.parametrize("language", OTHERS)
    @pytest.mark.parametrize("body", BAD)
    def test_goes_for_each_field_that_is_wrong(self, language, body):
        def answer(asked):
            return APIClient().post("/api/v1/auth/register", body, format="json", headers={"Accept-Language": asked})

        problem, english = (assert_problem(answer(asked), status=422) for asked in (language, "en"))

        assert problem["detail"] != english["detail"]
        assert len(problem["errors"]) == len(english["errors"]) > 3
        for error, original in zip(problem["errors"], english["errors"], strict=True):
            assert (error["field"], error["code"]) == (original["field"], original["code"])
            assert error["detail"] != original["detail"], error

    @pytest.mark.django_db
    @pytest.mark.parametrize("language", OTHERS)
    def test_goes_for_what_went_well(self, settings, language):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}
        body = {"username": "mina", "email": "mina@example.com", "password": PASSWORD}

        answer = APIClient().post(
            "/api/v1/auth/register", body, format="json", headers={"Accept-Language": f"{language};q=0.5"}
        )

        assert answer.status_code == 202
        assert answer.json()["message"] == said(translation.gettext_lazy(MESSAGE), language) != MESSAGE
        assert PendingRegistration.objects.get().locale == language


MESSAGE = "Thank you. If this address is new here, we have written to it; otherwise we have written to its owner."


class TestEverySentence:
    @pytest.mark.parametrize("code", PROBLEMS)
    def test_of_a_problem_is_translated(self, code):
        assert in_english(PROBLEMS[code].title) == []
        assert in_english(PROBLEMS[code].detail) == []

    @pytest.mark.parametrize("module", [accounts.errors, tokens.errors], ids=lambda module: module.__name__)
    def test_of_a_refusal_is_translated(self, module):
        assert len(refusals(module)) > 5
        assert [cls for cls in refusals(module) if in_english(cls.message)] == []

    def test_about_a_field_is_translated(self):
        """Ours and the frameworks', for every field that a request can have."""
        get_resolver().url_patterns  # noqa: B018 - the views bring their serializers
        shapes = [cls for cls in subclasses(StrictSerializer) if cls.__module__.split(".")[0] != "tests"]
        sentences = {language: list(self.complaints(shapes, language)) for language in ("en", *OTHERS)}
        found = {
            original
            for language in OTHERS
            for original, other in zip(sentences["en"], sentences[language], strict=True)
            if original == other
        }

        assert len(shapes) > 5
        assert found == set()

    def complaints(self, shapes, language):
        """Yield all that can be said, of fields made anew: they keep what they have said once."""
        with translation.override(language):
            for shape in shapes:
                for field in shape().fields.values():
                    yield from (str(words) for words in field.error_messages.values())
                    yield from (str(validator.message) for validator in field.validators)

    @pytest.mark.parametrize("password", ["abc", "password1234", "a" * 200, "mina@example.com"])
    def test_about_a_password_is_translated(self, password):
        def complaints(language):
            with translation.override(language):
                with pytest.raises(ValidationError) as refused:
                    password_validation.validate_password(password, User(username="mina", email="mina@example.com"))
                return [str(message) for message in refused.value.messages]

        english = complaints("en")
        for language in OTHERS:
            assert len(complaints(language)) == len(english)
            assert set(complaints(language)) & set(english) == set()

    @pytest.mark.parametrize("language", OTHERS)
    def test_that_explains_the_rules_for_passwords_is_translated(self, language):
        english = password_validation.password_validators_help_texts()
        with translation.override(language):
            assert set(password_validation.password_validators_help_texts()) & set(english) == set()


@pytest.mark.django_db
class TestTheAdmin:
    PAGES = ("/admin/", "/admin/accounts/user/", "/admin/tokens/session/", "/admin/security_events/securityevent/")

    @pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("fa", "rtl"), ("ar", "rtl")])
    def test_is_written_in_the_direction_of_its_language(self, language, direction):
        browser, _person = self.signed_in(language)

        for page in (browser.get(path).content.decode() for path in self.PAGES):
            assert f'<html lang="{language}" dir="{direction}"' in page
            assert said(translation.gettext_lazy("Log out"), language) in page
        sign_in = Client(headers={"Accept-Language": language}).get("/admin/login/").content.decode()
        assert f'<html lang="{language}" dir="{direction}"' in sign_in

    def signed_in(self, language):
        browser, person = Client(headers={"Accept-Language": language}), UserFactory(raw_password=PASSWORD, admin=True)
        browser.post("/admin/login/", {"username": person.username, "password": PASSWORD, "next": "/admin/"})
        return browser, person

    def test_names_everything_in_the_language(self):
        browser, person = self.signed_in("fa")

        index = browser.get("/admin/").content.decode()
        page = browser.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()

        for words in ("حساب‌ها", "کاربران", "نشست‌ها", "رویدادهای امنیتی", "توکن‌ها و نشست‌ها"):
            assert words in index
        for words in ("نشانی ایمیل", "گاه‌شمار", "نشست‌های باز"):
            assert words in page


class TestALabelOfTheAdmin:
    OURS = [(model, page) for model, page in admin.site._registry.items() if model._meta.app_label in PRODUCT]

    def label(self, name, model, page):
        of_the_form = page.form.base_fields.get(name)
        return str(of_the_form.label) if of_the_form and of_the_form.label else label_for_field(name, model, page)

    @pytest.mark.parametrize(("model", "page"), OURS, ids=[model.__name__ for model, _page in OURS])
    def test_is_translated(self, model, page):
        hidden = {name for name, field in page.form.base_fields.items() if field.widget.is_hidden}
        columns = {*page.list_display, *flatten_fieldsets(page.get_fieldsets(None)), *page.readonly_fields} - hidden
        labels = {
            language: [said_now(language, self.label, name, model, page) for name in sorted(columns)]
            for language in ("en", *RIGHT_TO_LEFT)
        }

        for language in RIGHT_TO_LEFT:
            pairs = zip(labels["en"], labels[language], strict=True)
            assert [english for english, other in pairs if english == other and english != "URL"] == []
        for words in (model._meta.verbose_name, model._meta.verbose_name_plural, page.search_help_text):
            assert not words or not set(in_english(words)) & set(RIGHT_TO_LEFT)


@pytest.mark.process
class TestACommand:
    def help_of(self, command="purge_expired", **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_"))}
        return subprocess.run(
            [sys.executable, "manage.py", command, "--help"],
            cwd=ROOT,
            env={**clean, **environment},
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout

    def test_speaks_the_language_of_the_shell(self):
        assert "Elimina las sesiones" in self.help_of(LANG="es_MX.UTF-8", PYTHONIOENCODING="utf-8")
        assert "Delete sessions" in self.help_of(PYTHONIOENCODING="utf-8")
        assert "Olvida lo que" in self.help_of("ratelimit_reset", LC_ALL="es_ES@euro", PYTHONIOENCODING="utf-8")
        assert "Forget what" in self.help_of("ratelimit_reset", LC_ALL="xx_XX", PYTHONIOENCODING="utf-8")

    @pytest.mark.parametrize("language", OTHERS)
    def test_explains_itself_in_the_language(self, language):
        """Each command of ours, found where Django finds them, with each of its options."""
        found = 0
        for app in ("accounts", "tokens", "ratelimiting"):
            package = import_module(f"{app}.management")
            for module in walk_packages(package.__path__, f"{package.__name__}."):
                if ".commands." not in module.name:
                    continue
                command = import_module(module.name).Command
                english, other = self.descriptions(command, "en"), self.descriptions(command, language)
                assert set(english) & set(other) == set(), module.name
                found += 1
        assert found >= 6

    def descriptions(self, command, language):
        """Return what a command says of itself and of the options that are its own."""
        with translation.override(language):
            parser = command().create_parser("manage.py", "it")
        shared = {
            "-h",
            "--version",
            "--verbosity",
            "--settings",
            "--pythonpath",
            "--traceback",
            "--no-color",
            "--force-color",
            "--skip-checks",
        }
        own = [action for action in parser._actions if not shared & set(action.option_strings)]
        return [parser.description, *(action.help for action in own if action.help)]
