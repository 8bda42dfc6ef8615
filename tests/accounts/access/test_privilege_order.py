"""The order of privileges follows the stored policy at once, in whichever process it was changed."""

import pytest

from accounts.access import selectors
from accounts.access.models import PolicyRule
from accounts.access.services import active_policy, privilege_order

pytestmark = pytest.mark.django_db


def test_is_read_again_when_rules_change(policy):
    first = privilege_order.current()
    assert privilege_order.current() is first
    policy.add(roles=["reader"])

    assert privilege_order.current() is not first


def test_costs_one_query_while_nothing_changes(django_assert_num_queries):
    privilege_order.current()
    with django_assert_num_queries(1):
        privilege_order.current()


def test_of_a_policy_with_a_mistake_is_that_of_nobody(policy):
    rule = policy.allow("user:1", "documents/*")
    PolicyRule.objects.filter(pk=rule.pk).update(hours={"weekdays": []})
    head = selectors.head()
    privilege_order._state.known = None
    active_policy.forget()
    active_policy.refresh()

    assert privilege_order.current() is not privilege_order.current()  # nothing of it is kept
    assert selectors.head() == head
