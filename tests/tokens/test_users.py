import itertools
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, models

from tests.factories.accounts import UserFactory
from tokens import users
from tokens.statements import complete, split_row

_numbers = itertools.count()
pytestmark = pytest.mark.django_db

EVERY_USER = "SELECT {user_columns} FROM {user_table} u WHERE {user_pk} = %s"


class Shouted(models.TextField):
    def from_db_value(self, value, *_args):
        return value.upper()


@pytest.fixture
def another_model(monkeypatch):
    """Let the project have another user model; nothing of it is kept."""
    cached = (
        users._model,
        users._fields,
        users._attribute_names,
        users._positions_left_out,
        users._converters,
        complete,
    )

    def use(**fields):
        meta = type("Meta", (), {"app_label": "elsewhere"})
        model = type(f"Model{next(_numbers)}", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
        monkeypatch.setattr(users, "get_user_model", lambda: model)
        for function in cached:
            function.cache_clear()

    yield use
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


class TestFromRow:
    def test_builds_the_user_that_the_orm_builds_but_for_the_password(self):
        user = UserFactory()
        with connection.cursor() as cursor:
            cursor.execute(complete(EVERY_USER), [user.pk])
            built = users.from_row(cursor.fetchone())

        stored = get_user_model().objects.defer("password").get(pk=user.pk)
        assert {**built.__dict__, "_state": None} == {**stored.__dict__, "_state": None}
        assert (built.get_deferred_fields(), built._state.db, built._state.adding) == ({"password"}, "default", False)

    def test_converts_values_as_the_fields_of_the_model_do(self, another_model):
        another_model(name=Shouted(primary_key=True))

        assert users.from_row(["ada"]).name == "ADA"


class TestColumns:
    def test_of_a_model_can_have_the_names_of_our_own(self, another_model):
        another_model(family_id=models.IntegerField(primary_key=True), session_id=models.IntegerField())

        assert users.columns() == 'u."family_id" AS user_0, u."session_id" AS user_1'
        assert users.primary_key() == 'u."family_id"'


class TestIsActive:
    def test_holds_for_every_user_of_a_model_that_has_no_such_column(self, another_model, settings):
        settings.TOKENS = {}
        another_model()

        assert users.is_active() == "TRUE"

    def test_asks_for_what_the_setting_says(self):
        assert users.is_active() == '(u."is_active" IS TRUE AND u."deleted_at" IS NULL)'


class TestSubjectOf:
    def test_is_the_id_and_the_name_that_the_user_signs_in_with(self):
        subject = users.subject_of(SimpleNamespace(pk=7, get_username=lambda: "ada"))

        assert (subject.id, subject.name) == ("7", "ada")
