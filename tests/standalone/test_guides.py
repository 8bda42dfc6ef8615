"""The pages for other projects make projects that work: each is followed in a new one, which has only its extra."""

import json
import re

import psycopg
import pytest

from accounts.access.conf import AccessSettings
from accounts.conf import AccountSettings
from tests.standalone.guide import Guide, followed
from tokens.conf import TokenSettings

ACCESS = Guide("access-in-django.md")
ACCOUNTS = Guide("accounts.md")
EVENTS = Guide("security-events.md")
TOKENS = Guide("tokens.md")
LIMITS = Guide("rate-limiting.md")
CHECKS, MIGRATIONS = "check --fail-level WARNING", "makemigrations --check --dry-run"


def settings_named(guide):
    """Return the names in the first column of the page's table of settings."""
    rows = re.findall(r"^\| (`.*?) \|", guide.text.partition("## Settings")[2], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("guide", "loose"),
    [(LIMITS, {"python"}), (EVENTS, {"python", "sql"}), (TOKENS, set()), (ACCOUNTS, {"sh"}), (ACCESS, {"python"})],
)
def test_every_block_is_run(guide, loose):
    """Blocks that the page does not place in a file, and that are no commands, are run by the tests below."""
    kinds = {block["language"] for block in guide.blocks if not block["path"]}

    assert kinds - {"console"} == loose


class TestRateLimiting:
    def test_page_works(self, installed, tmp_path):
        with followed(LIMITS, tmp_path, site=installed) as project:
            project.manage(CHECKS, MIGRATIONS)
            printed = project.shell(*LIMITS.loose("python"), "print(decisions)")

            assert printed.strip() == "[True, True, True, True, True, False]"


# What the page leaves to its reader: somebody calls what it defines.
CALLS = """
from types import SimpleNamespace
from security_events.context import current
from security_events.models import SecurityEvent
from shop import coupons, middleware, refunds

refunds.refund(order={"number": "A-17", "amount": 1200}, by=SimpleNamespace(pk=1, email="ada@example.com"))
print(SecurityEvent.objects.get().actor_name)
request = SimpleNamespace(META={"REMOTE_ADDR": "203.0.113.7"}, headers={"User-Agent": "Phone/1.0"})
print(middleware.security_context(lambda _request: current().ip_address)(request))
print([coupons.refuse_coupon(reason="expired") is not None for _ in range(2)])
"""
RESULTS = """
print([event.target_id for event in latest], len(history), len(older))
print(SecurityEvent.objects.filter(type="coupon.refused").count())
print(sealed.events, sealed.checkpoint.size)
"""


class TestSecurityEvents:
    def test_page_works(self, installed, tmp_path):
        with followed(EVENTS, tmp_path, site=installed) as project:
            project.manage(CHECKS)
            printed = project.shell(CALLS, *EVENTS.loose("python"), RESULTS).splitlines()
            logged = [line for line in printed if "security_event " in line]
            assert ["type=order.refunded" in line for line in logged] == [True, False, True, False]
            shown = [line for line in printed if line not in logged and "audit_trail_sealed" not in line]
            assert shown == ["a***@example.com", "203.0.113.7", "[True, False]", "['A-17', 'A-17'] 2 0", "1", "3 3"]

            counted, _sealed, verified, _exported = project.manage(
                "record_counts",
                "seal_audit_trail",
                "verify_audit_trail --json",
                "export_security_events --output events.ndjson",
            )
            assert counted.strip().endswith("recorded")
            verified = json.loads(verified)
            exported = (project.folder / "events.ndjson").read_text().splitlines()
            assert verified["ok"]
            assert verified["checked"] == len(exported) >= 4
            assert json.loads(exported[0])["type"] == "order.refunded"

            with psycopg.connect(project.database_url) as connection:
                for statement in EVENTS.loose("sql"):
                    connection.execute(statement)


THEFT = """
from datetime import timedelta
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from members.memberships import end_membership
from security_events.models import SecurityEvent
from tokens.errors import RefreshTokenReused
from tokens.models import Session
from tokens.services import rotation

settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
mail.outbox = []
newest = rotation.rotate(presented=presented, now=timezone.now())
try:
    rotation.rotate(presented=first, now=timezone.now() + timedelta(minutes=1))
except RefreshTokenReused:
    print(Session.objects.get().end_reason, [message.to for message in mail.outbox])
"""
ENDING = """
from django.utils import timezone
from tokens.services import issuing
from tokens.types import ClientContext

user = User.objects.get()
issuing.open_session(user=user, client=ClientContext(), amr=["pwd"], now=timezone.now())
print(end_membership(user=user), Session.objects.latest("created_at").get_end_reason_display())
"""


class TestTokens:
    def test_page_works(self, installed, tmp_path):
        with followed(TOKENS, tmp_path, site=installed) as project:
            project.manage(CHECKS, MIGRATIONS)
            first, presented = (
                json.loads((project.folder / name).read_text())["refresh_token"] for name in ("ada.json", "newest.json")
            )
            printed = project.shell(f"first, presented = {first!r}, {presented!r}", THEFT, ENDING).splitlines()

            shown = [line for line in printed if "security_event " not in line]
            (warning,) = [line for line in shown if "refresh_token_reused" in line]
            assert "[warning" in warning
            assert [line for line in shown if line != warning] == [
                "reuse_detected [['ada@example.com']]",
                "1 the membership ended",
            ]

    def test_page_names_all_settings(self):
        assert settings_named(TOKENS) == TokenSettings.names()


class TestAccess:
    def test_page_works(self, installed, tmp_path):
        with followed(ACCESS, tmp_path, site=installed) as project:
            project.manage(CHECKS, MIGRATIONS)
            shown = "import json; print(json.dumps([json.loads(before), json.loads(after)]))"
            printed = project.shell(*ACCESS.loose("python"), shown)

            before, after = json.loads(printed.splitlines()[-1])
            assert before == {}
            assert after == {"Ada's diary": {"may_write": True}, "Opening hours": {"may_write": False}}

    def test_page_names_all_settings(self):
        assert settings_named(ACCESS) == AccessSettings.names()


class TestAccounts:
    def test_page_works(self, installed, tmp_path):
        with followed(ACCOUNTS, tmp_path, site=installed) as project:
            project.manage(CHECKS, MIGRATIONS)
            (worker,) = ACCOUNTS.loose("sh")
            printed = project.run("sh", "-c", f"{worker.strip()} --one-shot")

            assert "ada@example.org" in printed

    def test_page_names_all_settings(self):
        assert settings_named(ACCOUNTS) == AccountSettings.names()
