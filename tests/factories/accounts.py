"""People and the passwords they had before."""

from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.identifiers.names import fold_email
from accounts.models import PasswordHistory, User

PASSWORD = "violet harbour drum kite"


class UserFactory(factory.django.DjangoModelFactory):
    """A user with a confirmed address; give ``raw_password`` if the user has to sign in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        raw_password = None
        admin = factory.Trait(is_staff=True, is_superuser=True)

    username = factory.Sequence(lambda number: f"person{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    email_folded = factory.LazyAttribute(lambda user: fold_email(user.email))
    email_confirmed_at = factory.LazyFunction(timezone.now)
    password = factory.LazyAttribute(lambda user: make_password(user.raw_password) if user.raw_password else "!")


class PasswordHistoryFactory(factory.django.DjangoModelFactory):
    """A password that a user had ``age`` ago."""

    class Meta:
        model = PasswordHistory

    class Params:
        raw_password = PASSWORD
        age = timedelta(days=1)

    user = factory.SubFactory(UserFactory)
    password = factory.LazyAttribute(lambda row: make_password(row.raw_password))
    created_at = factory.LazyAttribute(lambda row: timezone.now() - row.age)
