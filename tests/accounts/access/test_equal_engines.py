"""The index decides as Casbin and Cedar do, over random policies with roles, wildcards, denials and conditions."""

import random

import pytest

from accounts.access.deciding.index import CompiledPolicy
from tests.accounts.access.policies import (
    CasbinPolicy,
    CedarPolicy,
    random_parents,
    random_request,
    random_rules,
)

POLICIES, REQUESTS = 125, 200  # for each of four seeds: 100,000 decisions


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_three_engines_decide_alike(seed):
    rng = random.Random(seed)
    allowed = 0
    for _ in range(POLICIES):
        rules, parents = random_rules(rng), random_parents(rng)
        requests = [random_request(rng) for _ in range(REQUESTS)]
        index = CompiledPolicy(rules=rules, parents=parents, version=1)
        ours = [
            index.decide(
                subject=request.subject,
                roles=request.roles,
                object_path=request.object,
                action=request.action,
                attributes=request.attributes,
                at=request.at,
            ).is_allowed
            for request in requests
        ]
        reference = CasbinPolicy(rules, parents)
        assert ours == [reference.is_allowed(request) for request in requests]
        assert ours == CedarPolicy(rules, parents).are_allowed(requests)
        allowed += sum(ours)
    assert allowed > POLICIES * REQUESTS / 20  # neither all allowed nor all denied
    assert allowed < POLICIES * REQUESTS / 2
