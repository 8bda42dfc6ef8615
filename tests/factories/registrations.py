"""Registrations that wait for their confirmation."""

from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.identifiers.names import fold_email
from accounts.models import PendingRegistration


class PendingRegistrationFactory(factory.django.DjangoModelFactory):
    """One that was just made, and can be confirmed for a day."""

    class Meta:
        model = PendingRegistration

    class Params:
        raw_password = None

    username = factory.Sequence(lambda number: f"waiting{number}")
    email = factory.LazyAttribute(lambda row: f"{row.username}@example.com")
    email_folded = factory.LazyAttribute(lambda row: fold_email(row.email))
    password = factory.LazyAttribute(lambda row: make_password(row.raw_password) if row.raw_password else "!")
    created_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyAttribute(lambda row: row.created_at + timedelta(days=1))
