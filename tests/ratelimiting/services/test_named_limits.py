"""Limits that services ask for by name."""

from ratelimiting.services import named_limits
from tests.ratelimiting.policy_documents import document


class TestNamed:
    def test_takes_and_refuses(self, policies):
        policies(document(name="account", limit=2, scope=["account"], match={"routes": []}))
        assert [named_limits.check(name="account", key="ada").is_allowed for _ in range(3)] == [True, True, False]
        assert named_limits.check(name="account", key="grace").is_allowed

    def test_looks_without_taking_and_takes_without_asking(self, policies):
        policies(document(name="account", limit=2, scope=["account"]))
        for _ in range(5):
            assert named_limits.peek(name="account", key="ada").results[0].remaining >= 1
        named_limits.charge(name="account", key="ada", cost=2)
        assert not named_limits.peek(name="account", key="ada").is_allowed
        named_limits.reset(name="account", key="ada")
        assert named_limits.peek(name="account", key="ada").is_allowed

    def test_counts_several_parts_together(self, policies):
        policies(document(name="pair", limit=1, scope=["account", "ip"]))
        assert named_limits.check(name="pair", key={"account": "ada", "ip": "2001:db8::1"}).is_allowed
        assert not named_limits.check(name="pair", key={"ip": "2001:db8::2", "account": "ada"}).is_allowed
        assert named_limits.check(name="pair", key={"ip": "2001:db8:1::2", "account": "ada"}).is_allowed

    def test_lets_all_pass_where_there_is_no_such_policy(self, policies):
        policies(document(name="off", limit=1, scope=["account"], mode="off"))
        for name in ("off", "unknown"):
            assert all(named_limits.check(name=name, key="ada").is_allowed for _ in range(3))
            named_limits.charge(name=name, key="ada")
            named_limits.reset(name=name, key="ada")
            assert named_limits.peek(name=name, key="ada").is_allowed

    def test_keeps_names_out_of_the_store(self, policies):
        policies(document(name="account", scope=["account"]))
        (verdict,) = named_limits.check(name="account", key="ada@example.com").results
        assert "ada" not in verdict.level.key
