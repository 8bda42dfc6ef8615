"""People and the passwords they had before."""

from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.access.conf import ADMINISTRATOR
from accounts.access.models import RoleGrant
from accounts.identifiers.names import fold_email
from accounts.models import PasswordHistory, User
from accounts.rules.subject_facts import grants_of, pack, unpack

PASSWORD = "violet harbour drum kite"


class UserFactory(factory.django.DjangoModelFactory):
    """A user with a confirmed address; give ``raw_password`` if the user has to sign in.

    ``roles`` are names of roles or permissions that the user has without an end.
    """

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        raw_password = None
        roles = ()
        admin = factory.Trait(roles=(ADMINISTRATOR,))

    username = factory.Sequence(lambda number: f"person{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    email_folded = factory.LazyAttribute(lambda user: fold_email(user.email))
    email_confirmed_at = factory.LazyFunction(timezone.now)
    password = factory.LazyAttribute(lambda user: make_password(user.raw_password) if user.raw_password else "!")
    role_grants = factory.LazyAttribute(lambda user: pack(dict.fromkeys(user.roles)))
    is_staff = factory.LazyAttribute(lambda user: bool(user.roles))
    is_superuser = factory.LazyAttribute(lambda user: ADMINISTRATOR in user.roles)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        user = super()._create(model_class, *args, **kwargs)
        _store_grants(user, unpack(user.role_grants))
        return user


def give(user, *roles, until=None):
    """Give roles or permissions to a user, past the service that records and mails it."""
    held = {**grants_of(user), **dict.fromkeys(roles, until)}
    user.role_grants, user.is_staff = pack(held), True
    user.is_superuser = ADMINISTRATOR in held and held[ADMINISTRATOR] is None
    user.save(update_fields=["role_grants", "is_staff", "is_superuser"])
    RoleGrant.objects.filter(subject=f"user:{user.pk}", role__in=roles).delete()
    _store_grants(user, roles, until=until)


def _store_grants(user, roles, *, until=None):
    RoleGrant.objects.bulk_create(
        RoleGrant(subject=f"user:{user.pk}", role=role, expires_at=until, granted_at=timezone.now()) for role in roles
    )


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
