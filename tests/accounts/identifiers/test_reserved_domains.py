"""Addresses in domains that nobody can own (RFC 2606, 2): for development alone."""

import json
import os
import subprocess
import sys

import pytest

from accounts.identifiers.names import fold_email, parse_email
from tests.programs import served

IN_DEVELOPMENT = ["test", "localhost", "example"]
ADDRESSES = ["ada@app.test", "Ada@App.TEST", "ada@a.b.localhost", "ada@shop.example", "ada@m\u00fcnchen.test"]


@pytest.fixture
def reserved(settings):
    def accept(domains):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "RESERVED_DOMAINS": domains}

    return accept


class TestParseEmail:
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_accepts_them_where_the_setting_lists_them(self, reserved, address):
        reserved(IN_DEVELOPMENT)
        assert parse_email(address) == address
        assert parse_email(fold_email(address)) is not None

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_refuses_them_otherwise(self, reserved, address):
        reserved([])
        assert parse_email(address) is None
        assert parse_email("ada@example.org") == "ada@example.org"
        assert parse_email("ada@test.org") == "ada@test.org"

    @pytest.mark.parametrize(
        "address", ["ada@localhost", "ada@test", "ada@app.invalid", "ada@app.local", "a..b@app.test"]
    )
    def test_accepts_nothing_else_with_them(self, reserved, address):
        reserved(IN_DEVELOPMENT)
        assert parse_email(address) is None

    @pytest.mark.attack("RFC 5891, 5.4")
    @pytest.mark.parametrize("domain", ["app\uff0etest", "\uff41pp.test", "APP.te\uff53t"])
    def test_stores_one_form_of_a_domain(self, reserved, domain):
        reserved(IN_DEVELOPMENT)
        assert parse_email(f"ada@{domain}") == "ada@app.test"


@pytest.mark.process
class TestTheEnvironment:
    @pytest.mark.parametrize(
        ("name", "expected"), [("development", IN_DEVELOPMENT), ("staging", []), ("production", [])]
    )
    def test_lists_them_in_development_only(self, name, expected):
        strict = {
            "PUBLIC_URL": "https://id.example.org",
            "ALLOWED_HOSTS": "id.example.org",
            "EMAIL_URL": "smtp://127.0.0.1",
            "BCRYPT_ROUNDS": "12",
        }
        script = "import json; from cedrina.settings import base; print(json.dumps(base.ACCOUNTS['RESERVED_DOMAINS']))"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=served.ROOT,
            env=served.environment(DATABASE_URL=os.environ["DATABASE_URL"], CEDRINA_ENV=name, **strict),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert json.loads(done.stdout) == expected
