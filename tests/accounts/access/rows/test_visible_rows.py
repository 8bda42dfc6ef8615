"""`visible_to` selects exactly the rows that a decision about each of them would allow."""

import random
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from accounts.access.deciding.index import CompiledPolicy
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.services import active_policy, decisions
from accounts.access.services.compiling import NoPolicy
from accounts.access.services.visible_rows import row_types
from accounts.access.services.visible_rows.conditions import NotTranslatable
from accounts.access.services.visible_rows.queries import may_do, visible_to
from accounts.access.services.visible_rows.row_types import RowsNotDeclared, declare_rows, row_type
from accounts.access.types import Question, SubjectFacts
from tests.accounts.access.policies import START
from tests.accounts.access.rows.models import Folder, Paper

ATTRIBUTES = {
    "folder": "folder",
    "department": "folder__department",
    "key": "key",
    "owner": "owner",
    "title": "title",
    "status": "status",
    "pages": "pages",
    "weight": "weight",
    "is_public": "is_public",
    "deep.title": "title",
}
KEYS = [uuid.UUID(int=number) for number in range(3)]
WORDS = ["", "press", "board", "Press", "press ", "ä"]
ROWS = 10_000


@pytest.fixture(scope="module")
def papers(django_db_setup, django_db_blocker):
    """Ten thousand random papers; only this module's own tables are written."""
    rng = random.Random(3)
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(Folder)
            editor.create_model(Paper)
        departments = [None, *WORDS]
        folders = Folder.objects.bulk_create([Folder(department=department) for department in departments])
        Paper.objects.bulk_create([random_paper(rng, folders) for _ in range(ROWS)], batch_size=2000)
        yield list(Paper.objects.select_related("folder"))
        with connection.schema_editor() as editor:
            editor.delete_model(Paper)
            editor.delete_model(Folder)


def random_paper(rng, folders):
    return Paper(
        folder=rng.choice([None, *folders]),
        key=rng.choice([None, *KEYS]),
        owner=rng.choice([None, 1, 2]),
        title=rng.choice([None, *WORDS]),
        status=rng.choice(WORDS),
        pages=rng.choice([None, 0, 1, 5, -(2**31), 2**31 - 1]),
        weight=rng.choice([None, 0.5, 1.0, float("nan"), float("inf"), -1e300]),
        is_public=rng.choice([None, True, False]),
    )


@pytest.fixture
def declared(db, settings, papers):
    settings.ACCESS = {**settings.ACCESS, "FACTS_OF": "tests.accounts.access.rows.models.facts_of"}
    declare_rows(Paper, path="papers/{pk}", attributes=ATTRIBUTES)
    yield papers
    row_types._declared.pop(Paper, None)


@pytest.fixture
def in_force(monkeypatch):
    """Let a policy be in force that is not stored: random ones would take a transaction each."""
    return lambda policy: monkeypatch.setattr(active_policy, "current", lambda: policy)


# Values that rows have, so that some rows match.
FITTING = {
    "department": WORDS,
    "title": WORDS,
    "status": WORDS,
    "deep.title": WORDS,
    "key": [str(key) for key in KEYS],
    "owner": [1, 2],
    "pages": [0, 1, 5],
    "weight": [0.5, 1],
    "is_public": [True, False],
}


def random_condition(rng):
    short = rng.choice([*ATTRIBUTES, "unknown"])
    name = f"resource.{short}"
    other = rng.choice(["subject.id", "subject.department", "subject.level", "subject.nothing", "subject.missing"])
    value = rng.choice([*WORDS, "1", "2", 1, 5, 1.0, 0.5, True, False, str(KEYS[1]), 2**70, "a\x00b"])
    if short in FITTING and rng.random() < 0.6:
        value = rng.choice(FITTING[short])
    kinds = {
        "same": {"left": name, "right": other} if rng.random() < 0.5 else {"left": other, "right": name},
        "equals": {"attribute": name, "value": value},
        "member": {"element": name, "list": rng.choice(["subject.list", "subject.list", "subject.id"])},
        "at_most": {"attribute": name, "number": rng.choice([0, 1, 4.5, 2**70, -(2**70)])},
        "at_least": {"attribute": name, "number": rng.choice([0, 1, 4.5, 2**70, -(2**70)])},
    }
    kind = rng.choice(["equals", *kinds])
    return {"name": kind, "arguments": kinds[kind]}


def random_policy(rng, papers):
    rules = []
    for number in range(rng.randint(4, 10)):
        some = rng.choice(papers).pk
        is_denial = rng.random() < 0.2
        rules.append(
            Rule(
                id=f"rule-{number}",
                subject=rng.choice(["user:1", "user:1", "role:staff", "role:guest"]),
                object=rng.choice(["papers/*"] * 8 + ["papers/**", "**", f"papers/{some}", f"papers/0{some}", "x/*"]),
                action=rng.choice(["read", "read", "read", "*", "write"]),
                effect=Effect.DENY if is_denial else Effect.ALLOW,
                department=rng.choice(["", "", "", "", "press"]),
                conditions=[
                    random_condition(rng) for _ in range(rng.choice([1, 1, 2] if is_denial else [0, 1, 1, 1, 1, 2]))
                ],
                valid_until=START + timedelta(hours=rng.choice([-1, 1])) if rng.random() < 0.1 else None,
            )
        )
    return CompiledPolicy(rules=rules, parents={"staff": ["guest"], "guest": []}, version=1)


def test_agrees_with_decisions_about_ten_thousand_rows(declared, in_force):
    rng, rows, seen = random.Random(11), row_type(Paper), 0
    known = [(paper.pk, rows.path_of(paper), rows.attributes_of(paper)) for paper in declared]
    for _ in range(25):
        policy = random_policy(rng, declared)
        in_force(policy)
        user = SubjectFacts(
            "user:1",
            frozenset(rng.sample(["staff", "guest"], rng.randint(0, 2))),
            {
                "id": rng.choice(["1", "2", str(KEYS[0]), "x"]),
                "department": rng.choice(WORDS),
                "level": rng.choice([1, 5, 0.5, True, 1.0]),
                "nothing": None,
                "list": rng.choice([["1", "press"], [None, 5, True], []]),
            },
        )
        found = set(visible_to(user, Paper.objects.all(), "read", at=START).values_list("pk", flat=True))
        expected = {
            key
            for key, path, attributes in known
            if decisions.evaluate(policy, user, Question(path, "read", {"resource": attributes}), at=START).is_allowed
        }
        assert found == expected, policy.rules
        seen += bool(0 < len(found) < ROWS)
    assert seen >= 5  # neither all rows nor none


def test_counts_each_row_once_and_in_one_query(declared, in_force, django_assert_num_queries):
    rules = [
        Rule(str(number), "user:1", "papers/*", "read", Effect.ALLOW, conditions=[condition])
        for number, condition in enumerate(
            [
                {"name": "equals", "arguments": {"attribute": "resource.department", "value": "press"}},
                {"name": "equals", "arguments": {"attribute": "resource.status", "value": "press"}},
            ]
        )
    ]
    in_force(CompiledPolicy(rules=rules, parents={}, version=1))
    with django_assert_num_queries(1):
        found = list(visible_to(SubjectFacts("user:1"), Paper.objects.all(), "read").values_list("pk", flat=True))
    assert len(found) == len(set(found)) > 0


def test_shows_nobody_anything_and_break_glass_everything(declared, in_force):
    in_force(NoPolicy(version=0))
    assert not visible_to(None, Paper.objects.all(), "read").exists()
    assert not visible_to(SubjectFacts("user:1", frozenset({"admin"})), Paper.objects.all(), "read").exists()
    in_danger = SubjectFacts("user:1", frozenset({BREAK_GLASS}))
    assert visible_to(in_danger, Paper.objects.all(), "read").count() == ROWS
    assert may_do(in_danger, declared[0], "read")


@pytest.mark.parametrize(
    "condition",
    [
        {"name": "same", "arguments": {"left": "resource.title", "right": "resource.key"}},
        {"name": "same", "arguments": {"left": "resource.pages", "right": "resource.weight"}},
        {"name": "equals", "arguments": {"attribute": "resource.deep", "value": "x"}},
    ],
)
def test_refuses_what_sql_cannot_answer(declared, in_force, condition):
    rule = Rule("1", "user:1", "**", "read", Effect.ALLOW, conditions=[condition])
    in_force(CompiledPolicy(rules=[rule], parents={}, version=1))
    with pytest.raises(NotTranslatable):
        visible_to(SubjectFacts("user:1"), Paper.objects.all(), "read")
    may_do(SubjectFacts("user:1"), declared[0], "read")  # about one row it can be asked


@pytest.mark.parametrize(
    ("path", "attributes"),
    [
        ("papers/{title}", {}),
        ("papers/x{pk}", {}),
        ("papers/{owner}", {}),  # may be empty
        ("papers//{pk}", {}),
        ("permissions/{pk}", {}),
        ("papers/{pk}", {"cost": "cost"}),
        ("papers/{pk}", {"tags": "tags"}),
        ("papers/{pk}", {"folder": "folder", "folder.name": "title"}),
    ],
)
def test_refuses_columns_that_are_compared_otherwise(path, attributes):
    with pytest.raises(RowsNotDeclared):
        declare_rows(Paper, path=path, attributes=attributes)


def test_knows_no_rows_that_were_not_declared():
    with pytest.raises(RowsNotDeclared):
        row_type(Folder)
