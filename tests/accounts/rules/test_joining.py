"""The table of what may be joined, each of its cells."""

from itertools import product

import pytest

from accounts.rules.joining import TABLE, Action, Authority, LocalAccount, authority

CELLS = list(product((False, True), Authority, LocalAccount))


def by_the_contract(*, says_verified, worth, local):
    """Say in words of the contract what the table says in cells."""
    is_verified = worth is Authority.OWNER or (worth is Authority.ITS_WORD and says_verified)
    if not is_verified:
        return Action.REFUSE_UNVERIFIED
    if local in (LocalAccount.DISABLED, LocalAccount.DELETED):
        return Action.REFUSE_CLOSED
    if local is LocalAccount.NONE:
        return Action.OPEN_ACCOUNT
    # "only when its e-mail is verified by the provider and was confirmed here"
    return Action.LINK if local is LocalAccount.CONFIRMED else Action.RECLAIM


class TestTheTable:
    @pytest.mark.parametrize(("says_verified", "worth", "local"), CELLS)
    def test_says_what_the_contract_says(self, says_verified, worth, local):
        expected = by_the_contract(says_verified=says_verified, worth=worth, local=local)
        assert TABLE[says_verified, worth][local] is expected

    def test_has_a_cell_for_everything_and_nothing_more(self):
        assert {(*row, local) for row, cells in TABLE.items() for local in cells} == set(CELLS)
        assert len(CELLS) == 30

    def test_answers_alike_whoever_has_an_address_that_is_not_verified(self):
        for row, cells in TABLE.items():
            if Action.REFUSE_UNVERIFIED in cells.values():
                assert len(set(cells.values())) == 1, row


class TestAuthority:
    @pytest.mark.parametrize(
        ("trusted_for_email", "email", "worth"),
        [
            (None, "mina@example.com", Authority.ITS_WORD),
            (False, "mina@example.com", Authority.NONE),
            (True, "mina@example.com", Authority.OWNER),
            (("example.com",), "mina@example.com", Authority.OWNER),
            (("@EXAMPLE.com",), "mina@Example.COM", Authority.OWNER),
            (("example.com",), "mina@sub.example.com", Authority.NONE),
            (("example.com",), "mina@notexample.com", Authority.NONE),
            ((), "mina@example.com", Authority.NONE),
            (("stra\u00dfe.de",), "mina@xn--strae-oqa.de", Authority.OWNER),
            (("XN--STRAE-OQA.de",), "mina@stra\u00dfe.de", Authority.OWNER),
            (("stra\u00dfe.de",), "mina@strasse.de", Authority.NONE),
            (("strasse.de",), "mina@stra\u00dfe.de", Authority.NONE),
            (("no domain",), "mina@example.com", Authority.NONE),
        ],
    )
    def test_is_what_the_operator_configured(self, trusted_for_email, email, worth):
        assert authority(trusted_for_email, email) is worth
