"""Casbin decides for the house when it is asked to, and none of its known traps is open."""

import logging
import sys
import threading
from datetime import UTC, datetime

import pytest
from django.conf import settings as project
from django.db import IntegrityError, connection, transaction

from accounts.access.deciding.index import Reason
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.errors import RolesInvalid, RuleInvalid
from accounts.access.known_permissions import object_of
from accounts.access.services import active_policy, decisions
from accounts.access.services.casbin_engine.adapter import CasbinSource, PolicyAdapter, reading
from accounts.access.services.casbin_engine.engine import CasbinPolicy, _enforcer_class
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author, Question, SubjectFacts

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def rule(subject, path, action="read", effect=Effect.ALLOW, rule_id="one", **details):
    return Rule(id=rule_id, subject=subject, object=path, action=action, effect=effect, **details)


def policy_of(*rules, parents=None):
    return CasbinPolicy(
        rules=rules, parents={"staff": [], "boss": ["staff"]} if parents is None else parents, version=7
    )


def decide(policy, *, subject="user:1", roles=(), path="documents/42", action="read", attributes=None):
    return policy.decide(
        subject=subject,
        roles=frozenset(roles),
        object_path=path,
        action=action,
        attributes=attributes or {},
        at=AT,
    )


class TestAsTheEngine:
    @pytest.fixture
    def casbin(self, db, settings):
        settings.ACCESS = {**settings.ACCESS, "ENGINE": "casbin"}
        yield
        active_policy.forget()

    def test_decides_the_permissions_of_the_house(self, casbin, now):
        with policy_change(author=Author(), reason="r", now=now) as writer:
            writer.put_role("reader", {})
            writer.put_role("senior", {"parents": ["reader"]})
            writer.add_rule({"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"})
            writer.add_rule({"subject": "user:7", "object": "documents/9", "action": "*", "effect": "deny"})
        active_policy.refresh()
        assert isinstance(active_policy.current(), CasbinPolicy)

        def allowed(*roles, path, action):
            facts = SubjectFacts("user:7", frozenset(roles))
            return decisions.decide(facts, Question(path, action), at=now).is_allowed

        assert allowed("senior", path="documents/1", action="read")
        assert not allowed("senior", path="documents/9", action="read")
        assert not allowed("senior", path="documents/1/2", action="read")
        assert allowed("admin", path="anything/at/all", action="whatever")
        assert allowed("users:read", path=object_of("users:read"), action="use")
        assert not allowed("users:read", path=object_of("users:change"), action="use")

    def test_is_an_enforcer_of_django_casbin_auth(self):
        enforcer = policy_of(rule("user:1", "**"))._enforcer
        assert type(enforcer).__mro__[1] is sys.modules["dauthz.core"].ProxyEnforcer
        assert enforcer.model_path == project.DAUTHZ["DEFAULT"]["MODEL"]["CONFIG_FILE_PATH"]
        assert isinstance(enforcer.adapter, PolicyAdapter)

    def test_knows_the_attributes(self):
        own = {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}
        policy = policy_of(rule("user:1", "**", conditions=[own]))
        assert decide(policy, attributes={"subject": {"id": "1"}, "resource": {"owner": "1"}}).is_allowed
        assert not decide(policy, attributes={"subject": {"id": "1"}, "resource": {"owner": "2"}}).is_allowed


class TestTraps:
    def test_an_empty_policy_allows_nothing(self):
        policy = policy_of(parents={})
        assert policy._enforcer.model["p"]["p"].policy == []
        assert decide(policy, subject="", path="x", action="").reason is Reason.NO_RULE

    def test_the_matcher_itself_is_never_asked_about_an_empty_policy(self):
        # What the plain enforcer of the package says when nothing guards it.
        empty = policy_of(parents={})
        empty._enforcer.add_function("covers", lambda *_: True)
        empty._enforcer.add_function("applies", lambda *_: True)
        assert empty._enforcer.enforce("", ("x",), "", None) is True
        assert not decide(empty, subject="", action="").is_allowed

    def test_an_error_while_reading_is_no_empty_policy(self):
        broken = Rule(id="1", subject="user:1", object="**", action="*", effect="Deny")
        with pytest.raises(RuleInvalid, match="effect"):
            policy_of(rule("user:1", "**", rule_id="0"), broken)

    @pytest.mark.django_db
    def test_a_mistyped_effect_cannot_be_stored(self, now):
        with policy_change(author=Author(), reason="r", now=now) as writer:
            writer.add_rule({"subject": "user:7", "object": "**", "action": "*", "effect": "deny"})
        for effect in ("Deny", "DENY", "dny", ""):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE access_policyrule SET effect = %s WHERE subject = 'user:7'", [effect])

    def test_a_newline_does_not_come_between_allow_and_deny(self):
        policy = policy_of(
            rule("user:1", "docs/*", rule_id="a"), rule("user:1", "docs/**", effect=Effect.DENY, rule_id="b")
        )
        for path in ("docs/a\nb", "docs/a", "docs/a\x85b", "docs/a\u2028b"):
            assert not decide(policy, path=path).is_allowed
        assert decide(policy, path="docs/a\nb").reason is Reason.NO_OBJECT
        assert not decide(policy_of(rule("user:1", "admin")), path="admin\n").is_allowed

    @pytest.mark.parametrize(
        ("pattern", "path", "is_covered"),
        [
            ("a/*/secret", "a/b/public", False),
            ("a/*/c", "a/b/b/c", False),
            ("v1.0/a", "v1x0/a", False),
            ("a(", "a(", True),
            ("foo/*", "foo", False),
            ("foo/*", "foo/.hidden", True),
            ("foo/**", "foo", False),
            ("foo/**", "foo/a/b", True),
            ("a,b", "a,b", True),
        ],
    )
    def test_paths_are_compared_segment_by_segment(self, pattern, path, is_covered):
        assert decide(policy_of(rule("user:1", pattern)), path=path).is_allowed is is_covered

    def test_an_account_called_like_a_role_is_not_the_role(self):
        policy = policy_of(rule("role:staff", "**", "*"))
        for subject in ("user:staff", "user:role:staff", "staff"):
            assert not decide(policy, subject=subject).is_allowed
        assert not decide(policy, roles={"user:1"}).is_allowed
        assert decide(policy, roles={"boss"}).is_allowed

    def test_names_that_are_asked_about_are_not_remembered(self):
        policy = policy_of(rule("role:staff", "**", "*"), rule("role:ghost", "**", "*", rule_id="two"))
        before = len(policy._manager.all_roles)
        for number in range(2000):
            assert not decide(policy, subject=f"user:{number}", roles={f"unknown-{number}", "ghost"}).is_allowed
        assert len(policy._manager.all_roles) == before == 2

    def test_a_chain_of_ten_roles_counts_and_a_longer_one_is_refused(self):
        def chain(length):
            return {f"r{number}": [f"r{number + 1}"] if number + 1 < length else [] for number in range(length)}

        policy = policy_of(rule("role:r9", "**", "*"), parents=chain(10))
        assert decide(policy, roles={"r0"}).is_allowed
        with pytest.raises(RolesInvalid):
            policy_of(rule("role:r11", "**", "*"), parents=chain(12))

    def test_a_circle_of_roles_is_refused(self):
        with pytest.raises(RolesInvalid):
            policy_of(parents={"a": ["b"], "b": ["a"]})

    def test_names_the_rule_that_denied(self):
        policy = policy_of(
            rule("user:1", "**", rule_id="a"),
            rule("user:1", "documents/*", effect=Effect.DENY, rule_id="b"),
            rule("user:1", "documents/42", rule_id="c"),
        )
        assert (decide(policy).rule, decide(policy).reason) == ("b", Reason.DENIED)

    def test_nothing_is_logged_of_what_is_asked(self, caplog):
        caplog.set_level(logging.DEBUG)
        decide(policy_of(rule("user:1", "**", action="write")), path="secret/of/ada")
        assert "secret" not in caplog.text

    def test_its_commands_can_change_nothing(self):
        enforcer = policy_of(rule("user:1", "**"))._enforcer
        assert enforcer.adapter.save_policy(enforcer.model) is False
        with pytest.raises(NotImplementedError):
            enforcer.adapter.add_policy("p", "p", ["user:2", "**", "*", "allow", "x"])
        with reading(CasbinSource((), {})):
            assert _enforcer_class() is type(enforcer)

    def test_threads_ask_the_same_enforcer(self):
        policy = policy_of(rule("role:staff", "documents/*"), rule("user:9", "**", effect=Effect.DENY, rule_id="two"))
        wrong = []

        def ask():
            for _ in range(300):
                answers = decide(policy, roles={"boss"}).is_allowed, decide(policy, subject="user:9").is_allowed
                if answers != (True, False):
                    wrong.append(answers)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
