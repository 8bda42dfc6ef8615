"""The table of what may be joined, each of its cells."""

from itertools import product

import pytest

from accounts.rules.account_linking import (
    LINKING_TABLE,
    LinkingAction,
    LocalAccountState,
    ProviderTrust,
    provider_trust,
)

CELLS = list(product((False, True), ProviderTrust, LocalAccountState))


def by_the_contract(*, says_verified, worth, local):
    """Say in words of the contract what the table says in cells."""
    is_verified = worth is ProviderTrust.DOMAIN_OWNER or (worth is ProviderTrust.VERIFIED_CLAIM and says_verified)
    if not is_verified:
        return LinkingAction.REFUSE_UNVERIFIED
    if local in (LocalAccountState.DISABLED, LocalAccountState.DELETED):
        return LinkingAction.REFUSE_CLOSED
    if local is LocalAccountState.NONE:
        return LinkingAction.OPEN_ACCOUNT
    # "only when its e-mail is verified by the provider and was confirmed here"
    return LinkingAction.LINK if local is LocalAccountState.CONFIRMED else LinkingAction.RECLAIM


class TestLinkingTable:
    @pytest.mark.parametrize(("says_verified", "worth", "local"), CELLS)
    def test_says_what_the_contract_says(self, says_verified, worth, local):
        expected = by_the_contract(says_verified=says_verified, worth=worth, local=local)
        assert LINKING_TABLE[says_verified, worth][local] is expected

    def test_has_a_cell_for_everything_and_nothing_more(self):
        assert {(*row, local) for row, cells in LINKING_TABLE.items() for local in cells} == set(CELLS)
        assert len(CELLS) == 30

    def test_gives_the_same_result_for_all_unverified_addresses(self):
        for row, cells in LINKING_TABLE.items():
            if LinkingAction.REFUSE_UNVERIFIED in cells.values():
                assert len(set(cells.values())) == 1, row


class TestProviderTrust:
    @pytest.mark.parametrize(
        ("trusted_for_email", "email", "worth"),
        [
            (None, "mina@example.com", ProviderTrust.VERIFIED_CLAIM),
            (False, "mina@example.com", ProviderTrust.NONE),
            (True, "mina@example.com", ProviderTrust.DOMAIN_OWNER),
            (("example.com",), "mina@example.com", ProviderTrust.DOMAIN_OWNER),
            (("@EXAMPLE.com",), "mina@Example.COM", ProviderTrust.DOMAIN_OWNER),
            (("example.com",), "mina@sub.example.com", ProviderTrust.NONE),
            (("example.com",), "mina@notexample.com", ProviderTrust.NONE),
            ((), "mina@example.com", ProviderTrust.NONE),
            (("stra\u00dfe.de",), "mina@xn--strae-oqa.de", ProviderTrust.DOMAIN_OWNER),
            (("XN--STRAE-OQA.de",), "mina@stra\u00dfe.de", ProviderTrust.DOMAIN_OWNER),
            (("stra\u00dfe.de",), "mina@strasse.de", ProviderTrust.NONE),
            (("strasse.de",), "mina@stra\u00dfe.de", ProviderTrust.NONE),
            (("no domain",), "mina@example.com", ProviderTrust.NONE),
        ],
    )
    def test_follows_the_configuration(self, trusted_for_email, email, worth):
        assert provider_trust(trusted_for_email, email) is worth
