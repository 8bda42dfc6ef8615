"""Nobody acts on an account with more rights than their own: ranks by ranks, over every action that there is."""

import io

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.management import call_command, get_commands
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework.test import APIClient

from accounts.conf import account_settings
from accounts.factors import enrolled
from accounts.models import SignInFailures, User
from accounts.models.passwords import AttemptCounter, AttemptPool
from accounts.services.mailing import mail_queue
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_key
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens.models import Session

admin.autodiscover()

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 8.2.2; CWE-269")]
USERS, SESSIONS = "/admin/accounts/user/", "/admin/tokens/session/"
JOBS = "/admin/cedrina/backgroundjob/"

_HELPS = ("users:read", "users:change", "sessions:read", "sessions:end")
RANKS = {
    "superuser": None,
    "operator": (*_HELPS, "events:read"),
    "helper": _HELPS,
    "auditor": ("users:read", "events:read"),
    "person": (),
}
# Who may act on whom, where the action is theirs to do at all.
MAY_ACT_ON = {
    "superuser": set(RANKS),
    "operator": {"operator", "helper", "auditor", "person"},
    "helper": {"helper", "person"},
    "auditor": set(),
    "person": set(),
}


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def account(rank, **details):
    permissions = RANKS[rank]
    if permissions is None:
        return UserFactory(raw_password=PASSWORD, admin=True, **details)
    user = UserFactory(raw_password=PASSWORD, **details)
    give(user, *permissions)
    return user


def change(**details):
    return lambda user: User.objects.filter(pk=user.pk).update(**details)


def fail_to_sign_in(user):
    rule = account_settings.SIGN_IN_BACKOFF["account"]
    SignInFailures.objects.charge(
        [AttemptCounter(user.pk.bytes, AttemptPool.ACCOUNT, rule)], subject=str(user.pk), now=timezone.now()
    )


def is_signed_in(user):
    return Session.objects.filter(user=user, ended_at=None).exists()


# An action of the admin: where it is, how an account is prepared for it, and whether it was done.
ADMIN_ACTIONS = {
    "end_sessions": (USERS, lambda user: open_session(user=user), lambda user: not is_signed_in(user)),
    "deactivate": (USERS, change(), lambda user: not user.is_active),
    "activate": (USERS, change(is_active=False), lambda user: user.is_active),
    "restore": (USERS, change(deleted_at=timezone.now()), lambda user: user.deleted_at is None),
    "unlock": (
        USERS,
        fail_to_sign_in,
        lambda user: not SignInFailures.objects.filter(subject=str(user.pk), count__gt=0).exists(),
    ),
    "end": (SESSIONS, lambda user: open_session(user=user), lambda user: not is_signed_in(user)),
}
# Actions of the admin that are done to no account. Those on the policy are for people with ``policies:change``, who can
# write any rule: docs/access-control.md says to give that permission as one would give the role of administrators.
ON_NO_ACCOUNT = {
    *(("access." + name, "delete_selected") for name in ("policyrule", "role")),
    ("access.policyversion", "roll_back"),
    ("ratelimiting.policyversion", "roll_back"),
    ("ratelimiting.ratelimitpolicy", "delete_selected"),
    *(("cedrina.backgroundjob", name) for name in ("retry", "cancel")),
    *(
        ("tokens.serviceclient", name)
        for name in ("enable", "disable", "delete_clients", "rotate", "give_role", "take_role")
    ),
    *(("tokens.signalstream", name) for name in ("pause", "resume", "delete_streams")),
    *(("security_events.webhook", name) for name in ("delete_selected", "rotate", "send_test")),
    ("security_events.webhookdelivery", "send_again"),
    ("security_events.incident", "acknowledge"),
}


def act(browser, url, action, target):
    row = Session.objects.get(user=target, ended_at=None) if url == SESSIONS else target
    body = {"action": action, "_selected_action": [str(row.pk)], "confirmed": "yes", "reason": "because"}
    return browser.post(url, body)


class TestTheAdmin:
    @pytest.mark.slow
    @pytest.mark.parametrize("target_rank", RANKS)
    @pytest.mark.parametrize("actor_rank", RANKS)
    @pytest.mark.parametrize("action", ADMIN_ACTIONS)
    def test_lets_nobody_act_upwards(self, events, action, actor_rank, target_rank):
        url, prepare, is_done = ADMIN_ACTIONS[action]
        actor, target = account(actor_rank), account(target_rank)
        browser = Client()
        sign_in_at_admin(browser, actor)
        prepare(target)

        act(browser, url, action, target)

        target.refresh_from_db()
        is_allowed = target_rank in MAY_ACT_ON[actor_rank]
        assert is_done(target) is is_allowed
        if not is_allowed and actor_rank in ("operator", "helper"):
            assert events("permission.denied").get().risk_reasons[-1] == "more_rights"

    @pytest.mark.parametrize("action", ["deactivate"])
    def test_leaves_the_last_administrator(self, action):
        url, _prepare, is_done = ADMIN_ACTIONS[action]
        boss, powerless = account("superuser"), UserFactory(admin=True)
        browser = Client()
        sign_in_at_admin(browser, powerless)

        page = act(browser, url, action, boss)

        boss.refresh_from_db()
        assert not is_done(boss)
        assert page.status_code == 302
        assert "last administrator" in browser.get(url).content.decode()

    def test_has_no_other_action_than_these(self):
        request = RequestFactory().get("/")
        request.user = account("superuser")
        found = {
            (model._meta.label_lower, name)
            for model, page in admin.site._registry.items()
            for name in page.get_actions(request)
        }
        tested = {("accounts.user", name) for name, (url, *_) in ADMIN_ACTIONS.items() if url == USERS}
        tested |= {("tokens.session", name) for name, (url, *_) in ADMIN_ACTIONS.items() if url == SESSIONS}
        assert found == tested | ON_NO_ACCOUNT

    def test_lets_superusers_alone_keep_mail_from_somebody(self):
        helper = UserFactory()
        give(helper, "jobs:read", "users:change", "roles:grant")
        mail_queue.enqueue(user_id=account("superuser").pk, kind=mail_queue.MailKind.NEW_DEVICE)
        job = ProcrastinateJob.objects.latest("id")
        browser = Client()
        sign_in_at_admin(browser, helper)

        assert browser.get(JOBS).status_code == 200
        browser.post(JOBS, {"action": "cancel", "_selected_action": [str(job.pk)]})

        job.refresh_from_db()
        assert job.status == "todo"

    def test_changes_no_account_by_a_form(self):
        request = RequestFactory().get("/")
        request.user = account("superuser")
        pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
        editable = {
            name
            for name, page in pages.items()
            if page.has_change_permission(request) or page.has_delete_permission(request)
        }
        # People are created by the service behind a form of ours: tests/accounts/admin/test_person_page.py.
        created = {name for name, page in pages.items() if page.has_add_permission(request)}
        # Who has a role is changed on the person's page by the service, which asks for the order of privileges.
        of_no_account = {
            "access.policyrule",
            "access.role",
            "ratelimiting.ratelimitpolicy",
            "security_events.webhook",
            "tokens.serviceclient",
        }
        assert editable <= of_no_account
        assert created == of_no_account | {"accounts.user"}

    def test_has_no_other_page_than_these(self):
        own = {pattern.name for pattern in admin.site.get_urls() if not isinstance(pattern, URLResolver)}
        assert own == {
            "index",
            "login",
            "second_factor",
            "confirm",
            "logout",
            "autocomplete",
            "jsi18n",
            "view_on_site",
            "app_list",
            None,
        }


# Commands are for who has the shell, and so the database: they act on anybody but the last administrator.
ON_ACCOUNTS = {
    "account",
    "break_glass",
    "changepassword",
    "create_admin",
    "createsuperuser",
    "erase_user",
    "export_user",
    "import_users",
    "refold_addresses",
    "release_address",
    "revoke_sessions",
    "unlock_account",
}
ON_NOBODY = {
    "check_before_serving",
    "client_roles",
    "continue_audit_trail",
    "detect_backtest",
    "detect_simulate",
    "detection_rules",
    "doctor",
    "explain_risk",
    "export_security_events",
    "export_sigma",
    "grant_serving_role",
    "import_signing_key",
    "incidents",
    "deliver_security_events",
    "migrate",
    "policies",
    "prepare_development",
    "preview_mail",
    "purge_expired",
    "purge_security_events",
    "rebuild_detection_facts",
    "ratelimit_reset",
    "ratelimit_simulate",
    "ratelimit_status",
    "reencrypt_fields",
    "rotate_audit_key",
    "rotate_refresh_key",
    "rotate_signing_key",
    "run_worker",
    "seal_audit_trail",
    "service_client",
    "shell_completion",
    "support_bundle",
    "translations",
    "webhooks",
    "verify_audit_trail",
    "witness",
    "write_configuration_doc",
    "write_openapi_document",
}
# What is not ours and would act on accounts past the services is the whole database's: dumps, shells and flushes.
WHOLE_DATABASE = {"dbshell", "dumpdata", "flush", "loaddata", "procrastinate", "shell", "test", "testserver"}


class TestCommands:
    def test_are_all_known(self):
        ours = {name for name, app in get_commands().items() if app in _OURS}
        assert ours - ON_ACCOUNTS - ON_NOBODY == set()

    def test_of_others_act_on_no_account(self):
        others = {name: app for name, app in get_commands().items() if app not in _OURS and name not in WHOLE_DATABASE}
        assert {app for app in others.values() if app.startswith("django.contrib.auth")} == set()
        assert set(others.values()) == {
            "django.core",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "drf_spectacular",
            "rest_framework",
            "allauth.account",
        }

    @pytest.mark.parametrize("more", [[], ["--now"]], ids=["closed", "erased"])
    def test_leave_the_last_administrator(self, more):
        boss = account("superuser")
        account("superuser", is_active=False)
        with pytest.raises(SystemExit):
            call_command("erase_user", boss.username, "--yes", *more, stdout=io.StringIO(), stderr=io.StringIO())

        assert User.objects.present().filter(pk=boss.pk).exists()


_OURS = {
    "accounts",
    "accounts.access",
    "tokens",
    "ratelimiting",
    "security_events",
    "cedrina",
    "cedrina.tooling",
    "cedrina_base",
}


def _parts(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _parts(pattern.url_patterns)
        else:
            yield from pattern.pattern.converters


class TestTheApi:
    def test_names_no_account_in_an_address(self):
        (*prefixes,) = (
            pattern for pattern in get_resolver().url_patterns if str(pattern.pattern).startswith("api/v1/")
        )
        assert set(_parts(prefixes)) == {
            "session_id",
            "key_id",
            "account_id",
            "client_id",
            "policy_id",
            "event_id",
            "webhook_id",
            "incident_id",
            "rule_id",
            "draft_id",
            "number",  # of a version of the policy
            "name",  # of a role
            "delivery_id",
            "provider",
            "user_id",  # of the calls of operators: test_operator_rights.py
            "role",  # that one of these people has: tests/accounts/access/test_privilege_order.py
        }

    @pytest.mark.parametrize("target_rank", RANKS)
    @pytest.mark.parametrize("actor_rank", RANKS)
    def test_lets_nobody_act_on_what_others_have(self, actor_rank, target_rank):
        actor, target = account(actor_rank), account(target_rank)
        pair = open_session(user=target)
        add_key(target)
        (key,) = (factor for factor in enrolled.list_factors(target.pk) if factor.type == "webauthn")
        link = social.link(target, now=timezone.now())
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=actor).access_token}")

        for path in (f"sessions/{pair.session_id}", f"mfa/webauthn/{key.id}", f"social/accounts/{link.id}"):
            assert api.delete(f"/api/v1/auth/{path}").status_code == 404, path

        assert Session.objects.get(pk=pair.session_id).ended_at is None

    def test_leaves_the_last_administrator(self):
        boss = account("superuser")
        UserFactory(admin=True)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=boss).access_token}")

        answer = api.delete("/api/v1/auth/me", {"password": PASSWORD}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert "last administrator" in answer.json()["detail"]
