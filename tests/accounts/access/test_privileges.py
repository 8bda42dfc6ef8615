"""Who may act on whom and who may give what, compared with all decisions that could follow."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access.deciding.hours import parse_hours
from accounts.access.deciding.index import CompiledPolicy
from accounts.access.deciding.paths import pattern_segments
from accounts.access.deciding.pattern_relations import covers, overlap
from accounts.access.deciding.privileges import UNDECLARED, Holder, PrivilegeOrder
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.known_permissions import object_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERMISSIONS = ("a:read", "a:change", "b:read")
OBJECTS = (*map(object_of, PERMISSIONS), object_of("new:one"), "documents/1", "documents/2", "documents/1/pages")
ROLES = ("one", "two", "three", "four")
NIGHT = parse_hours(
    {
        "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "from": "22:00",
        "until": "23:00",
        "time_zone": "UTC",
    }
)
patterns = st.sampled_from([*OBJECTS, "**", "permissions/*", "permissions/**", "documents/*", "*/1", "documents/**"])
rules = st.builds(
    Rule,
    id=st.uuids().map(str),
    subject=st.sampled_from([*(f"role:{name}" for name in ROLES), "user:actor", "user:target"]),
    object=patterns,
    action=st.sampled_from(["use", "read", "*"]),
    effect=st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY]),
    department=st.sampled_from(["", "", "", "Sales"]),
    hours=st.sampled_from([None, None, None, NIGHT]),
)
parents = st.sampled_from([{}, {"two": ["one"]}, {"four": ["three", "one"]}, {"two": ["one"], "three": ["two"]}])
held = st.dictionaries(st.sampled_from(ROLES), st.sampled_from([None, timedelta(hours=1), timedelta(days=9)]))


def holder(name, roles, now, department=""):
    ends = {role: now + lasts if lasts else None for role, lasts in roles.items()}
    return Holder(f"user:{name}", ends, {"department": department})


def order_of(drawn, above):
    all_parents = {name: above.get(name, []) for name in ROLES}
    return (
        PrivilegeOrder(rules=drawn, parents=all_parents, permissions=PERMISSIONS),
        CompiledPolicy(rules=drawn, parents=all_parents, version=1),
    )


def allowed(policy, one, roles, at, *, objects=OBJECTS, actions=("use", "read")):
    return {
        (path, action)
        for path in objects
        for action in actions
        if policy.decide(
            subject=one.subject,
            roles=frozenset(roles),
            object_path=path,
            action=action,
            attributes={"subject": one.attributes},
            at=at,
        ).is_allowed
    }


def instants(now):
    return [now, now.replace(hour=22, minute=30), now + timedelta(hours=2), now + timedelta(days=30)]


@given(drawn=st.lists(rules, max_size=8), above=parents, actor_roles=held, target_roles=held)
def test_nobody_acts_on_who_may_ever_do_more(drawn, above, actor_roles, target_roles):
    order, policy = order_of(drawn, above)
    actor, target = holder("actor", actor_roles, NOW), holder("target", target_roles, NOW, "Sales")
    if not order.may_act_on(actor, target, at=NOW):
        return
    paths = tuple(map(object_of, (*PERMISSIONS, "new:one")))
    own = allowed(policy, actor, actor.roles_until(NOW), NOW, objects=paths, actions=("use",))
    for at in instants(NOW):
        for department in ("", "Sales"):
            then = Holder(target.subject, target.roles, {"department": department})
            assert allowed(policy, then, then.roles_until(at), at, objects=paths, actions=("use",)) <= own


@given(
    drawn=st.lists(rules, max_size=8),
    above=parents,
    actor_roles=held,
    grant=st.tuples(st.sampled_from(ROLES), st.sampled_from([None, timedelta(hours=1), timedelta(days=9)])),
)
def test_nobody_gives_what_they_have_not_as_long(drawn, above, actor_roles, grant):
    role, lasts = grant
    # Hours are left out: what is given may be used in others than those in which it was given.
    drawn = [rule for rule in drawn if rule.hours is None]
    order, policy = order_of(drawn, above)
    actor = holder("actor", actor_roles, NOW)
    until = NOW + lasts if lasts else None
    if not order.may_give(actor, role, until=until, at=NOW):
        return
    nobody = Holder("user:nobody", {}, {"department": "Sales"})
    given_away = allowed(policy, nobody, {role}, NOW)
    for at in [NOW, NOW + lasts - timedelta(seconds=1)] if lasts else instants(NOW):
        assert given_away <= allowed(policy, actor, actor.roles_until(at), at), (at, role)


@given(one=patterns, other=patterns)
def test_relations_of_patterns_are_those_of_what_they_match(one, other):
    paths = [*OBJECTS, "documents", "x", "x/1", "documents/1/pages/7", "permissions/1", "permissions/a:read/7"]

    def matched(pattern):
        policy = CompiledPolicy(rules=[Rule("1", "user:1", pattern, "*", Effect.ALLOW)], parents={}, version=1)
        return {
            path for path, _action in allowed(policy, Holder("user:1", {}), (), None, objects=paths, actions=("use",))
        }

    first, second = pattern_segments(one), pattern_segments(other)
    if covers(first, second):
        assert matched(other) <= matched(one)
    assert overlap(first, second) is bool(matched(one) & matched(other))


def test_who_may_use_all_has_permissions_that_are_not_declared_yet():
    order, _policy = order_of([Rule("1", "role:one", "permissions/**", "use", Effect.ALLOW)], {})
    assert order.held(holder("actor", {"one": None}, NOW), at=NOW) == {*PERMISSIONS, UNDECLARED}


@pytest.mark.parametrize("roles", [{"one": None}, {"one": timedelta(hours=1)}])
def test_equals_may_act_on_each_other(roles):
    order, _policy = order_of([Rule("1", "role:one", "permissions/a:read", "use", Effect.ALLOW)], {})
    assert order.may_act_on(holder("actor", roles, NOW), holder("target", {"one": None}, NOW), at=NOW)
