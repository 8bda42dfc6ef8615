import pytest

from tokens.service_clients.scopes import INTROSPECT, SCOPES, Scope, register, scope_text


class TestRegister:
    def test_declares_each_name_once(self):
        assert SCOPES["tokens:introspect"] is INTROSPECT
        with pytest.raises(ValueError, match="declared already"):
            register(Scope("tokens:introspect", "another"))

    @pytest.mark.parametrize("name", ["", "a b", 'a"b', "A", "a:", "é", "a" * 65, "a\\b"])
    def test_refuses_a_name_that_no_scope_can_have(self, name):
        with pytest.raises(ValueError, match="must match"):
            register(Scope(name, "x"))


def test_text_is_in_order():
    assert scope_text(frozenset({"b", "a"})) == "a b"
