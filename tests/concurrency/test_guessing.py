"""A hundred guesses at the same moment: exactly as many are looked at as may be."""

import functools

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import AttemptsExhausted, CredentialsInvalid
from accounts.models import SignInFailures
from accounts.services.sign_in import password_sign_in
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.types import ClientContext

GUESSES = 100


def guess(number, *, name="mina", password="wrong"):
    client = ClientContext(ip_address=f"45.0.{number}.7", user_agent="Bot/1.0")
    return password_sign_in.sign_in(name=name, password=password, client=client, now=timezone.now())


@pytest.mark.parametrize("name", ["mina", "nobody"])
def test_a_hundred_parallel_guesses_get_five_checks(at_once, name):
    UserFactory(username="mina", raw_password=PASSWORD)

    answers = at_once(*(functools.partial(guess, number, name=name) for number in range(GUESSES)))

    kinds = [type(answer) for answer in answers]
    assert kinds.count(CredentialsInvalid) == 5, {kind: kinds.count(kind) for kind in set(kinds)}
    assert kinds.count(AttemptsExhausted) == GUESSES - 5
    assert SignInFailures.objects.get(pool="account").count == 5


def test_right_and_wrong_passwords_at_once_end_with_the_wrong_ones_counted(at_once):
    UserFactory(username="mina", raw_password=PASSWORD)
    calls = [functools.partial(guess, number, password=PASSWORD if number % 2 else "wrong") for number in range(4)]

    answers = at_once(*calls)

    assert sum(isinstance(answer, CredentialsInvalid) for answer in answers) == 2
    assert SignInFailures.objects.get(pool="account").count == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(count) FROM accounts_signinfailures WHERE pool = 'pair'")
        assert cursor.fetchone()[0] == 2
