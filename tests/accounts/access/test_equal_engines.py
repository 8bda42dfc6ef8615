"""The index decides as Casbin and Cedar do, over random policies.

The rules have roles that inherit, wildcards, denials, attributes, hours in several time zones, and ends. Casbin is the
engine that ``ENGINE`` = ``casbin`` names: an enforcer of django-casbin-auth with our adapter and model.
"""

import random

import pytest

from accounts.access.deciding.index import CompiledPolicy
from accounts.access.services.casbin_engine.engine import CasbinPolicy
from tests.accounts.access.policies import CedarPolicy, random_parents, random_request, random_rules

POLICIES, REQUESTS = 125, 200  # for each of four seeds: 100,000 decisions


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_three_engines_decide_alike(seed):
    rng = random.Random(seed)
    allowed = with_hours = 0
    for _ in range(POLICIES):
        rules, parents = random_rules(rng, with_hours=True), random_parents(rng)
        requests = [random_request(rng) for _ in range(REQUESTS)]
        policies = [make(rules=rules, parents=parents, version=1) for make in (CompiledPolicy, CasbinPolicy)]
        ours, reference = ([decide(policy, request) for request in requests] for policy in policies)
        assert [one.is_allowed for one in ours] == [one.is_allowed for one in reference]
        assert [one.reason for one in ours] == [one.reason for one in reference]
        assert [one.is_allowed for one in ours] == CedarPolicy(rules, parents).are_allowed(requests)
        allowed += sum(one.is_allowed for one in ours)
        with_hours += sum(rule.hours is not None for rule in rules)
    assert allowed > POLICIES * REQUESTS / 50  # neither all allowed nor all denied
    assert allowed < POLICIES * REQUESTS / 2
    assert with_hours > POLICIES / 2


def decide(policy, request):
    return policy.decide(
        subject=request.subject,
        roles=request.roles,
        object_path=request.object,
        action=request.action,
        attributes=request.attributes,
        at=request.at,
    )
