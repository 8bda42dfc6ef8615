import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.identifiers import fold_email, is_username, parse_email, username_candidates


class TestParseEmail:
    @pytest.mark.parametrize(
        "text",
        [
            "mina@example.com", "Mina.Karimi+news@Example.COM", "o'hara@example.co.uk", "دل@example.com",
            "mina@xn--mgbh0fb.xn--kgbechtv", "a@" + "b" * 60 + ".example.com",
        ],
    )  # fmt: skip
    def test_keeps_the_spelling_of_plain_addresses(self, text):
        assert parse_email(text) is not None

    def test_leaves_upper_and_lower_case_to_the_owner(self):
        assert parse_email("Mina@Example.com") == "Mina@Example.com"

    def test_composes_what_is_decomposed(self):
        assert parse_email("mi\u0301na@example.com") == "m\u00edna@example.com"

    @pytest.mark.parametrize(
        "text",
        [
            "", "mina", "@example.com", "mina@", "mina@localhost", "mina@[127.0.0.1]", '"mina"@example.com',
            '"mi na"@example.com', "Mina <mina@example.com>", "mina@example.com (work)", "(work)mina@example.com",
            "mina@example.com, other@example.com", "mina@example.com;other@example.com", "mina@example.com\n",
            "mina@example.com\r\nBcc: other@example.com", "mina\0@example.com", "mi\tna@example.com",
            " mina@example.com", "mina@example.com ", "mina@@example.com", "mina@exa mple.com", "mina@example..com",
            ".mina@example.com", "mina\u202e@example.com", "mina@example.com\u2028", "x" * 65 + "@example.com",
            "a@" + "b." * 130 + "com", "mina@example.com" + "m" * 300, "mina@invalid",
            "\u00df" * 30 + "@" + "e" * 60 + "." + "e" * 60 + "." + "e" * 60 + "." + "e" * 20 + ".com",
        ],
    )  # fmt: skip
    def test_refuses_everything_else(self, text):
        assert parse_email(text) is None

    @given(st.text(max_size=300))
    def test_returns_an_address_or_nothing_quickly(self, text):
        began = time.perf_counter()
        address = parse_email(text)

        assert address is None or ("@" in address and len(fold_email(address)) <= 254)
        assert time.perf_counter() - began < 1


class TestFoldEmail:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("Mina@Example.com", "mina@example.COM"), ("stra\u00dfe@example.com", "STRASSE@example.com"),
         ("mi\u0301na@example.com", "M\u00cdNA@example.com")],
    )  # fmt: skip
    def test_makes_spellings_of_one_address_equal(self, one, other):
        assert fold_email(one) == fold_email(other)

    @given(st.text(max_size=60))
    def test_is_stable(self, text):
        assert fold_email(fold_email(text)) == fold_email(text)


class TestIsUsername:
    @pytest.mark.parametrize("text", ["abc", "A_b-3", "x" * 50, "123", "---"])
    def test_accepts_letters_digits_hyphens_and_underscores(self, text):
        assert is_username(text)

    @pytest.mark.parametrize(
        "text", ["", "ab", "x" * 51, "a b", "a@b", "abc\n", "ábc", "abc.", "\uff41\uff42\uff43", "١٢٣"]
    )
    def test_refuses_everything_else(self, text):
        assert not is_username(text)


class TestUsernameCandidates:
    @given(st.lists(st.text(max_size=80), max_size=3))
    def test_are_usernames_whatever_somebody_is_called(self, names):
        candidates = list(username_candidates(*names))
        assert len(candidates) >= 5
        assert all(is_username(each) for each in candidates)

    def test_begin_with_the_plainest(self):
        assert next(username_candidates("", "José Ñandú")) == "jose-nandu"
        assert list(username_candidates("mina", "Mina Karimi"))[:2] == ["mina", "mina-karimi"]

    def test_end_with_what_nobody_else_has(self):
        assert list(username_candidates("mina"))[-1] != list(username_candidates("mina"))[-1]
