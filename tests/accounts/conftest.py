"""What tests of accounts share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bcrypt
import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.hashers import BCryptHasher
from accounts.providers.discovery import document_cache
from security_events.models import SecurityEvent
from tests.accounts.recorder import Waits
from tests.peers.openid_provider.fake_issuer import fake_issuer
from tokens.types import ClientContext


@dataclass
class Statements:
    """What went to the database between two moments, BEGIN and COMMIT included."""

    sql: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sql)


@pytest.fixture
def counted():
    """Count the statements of a block, as `with counted() as statements`. Needs a test with real transactions."""

    @contextmanager
    def count() -> Iterator[Statements]:
        statements = Statements()
        connection.ensure_connection()
        was_forced = connection.force_debug_cursor
        connection.force_debug_cursor = True
        connection.queries_log.clear()
        try:
            yield statements
        finally:
            connection.force_debug_cursor = was_forced
            statements.sql = [query["sql"] for query in connection.queries_log]
            connection.queries_log.clear()

    return count


@pytest.fixture
def phone() -> ClientContext:
    return ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def optional_confirmation(settings: Any) -> None:
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}


@pytest.fixture
def required_confirmation(settings: Any) -> None:
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}


@pytest.fixture
def hashing_recorder(settings: Any):
    """Count the waits for a hash, and record whether a transaction was open."""
    Waits.open_transactions = []
    settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.recorder.Waits"}
    return Waits


@pytest.fixture
def events(request):
    """Return this test's events of a type. Their table keeps what earlier tests committed: nothing can be deleted."""
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
    before = set(SecurityEvent.objects.values_list("pk", flat=True))
    return lambda kind: SecurityEvent.objects.filter(type=kind).exclude(pk__in=before)


@pytest.fixture
def issuer(settings: Any):
    """An issuer on loopback that is configured here as the provider `fake`, and misbehaves on demand."""
    document_cache.forget()
    with fake_issuer() as running:
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [running.provider()]}
        yield running
    document_cache.forget()


@pytest.fixture
def bcrypt_computations(monkeypatch):
    """Count the bcrypt computations, weighted by their cost: 1 is one at the current cost."""
    done = []
    original = bcrypt.hashpw

    def counting(password, salt):
        digest = original(password, salt)
        done.append(2.0 ** (int(salt.split(b"$")[2]) - BCryptHasher.rounds))
        return digest

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return done
