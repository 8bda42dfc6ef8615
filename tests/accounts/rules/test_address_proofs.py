from itertools import product

import pytest

from accounts.rules.address_proofs import (
    EFFECTS,
    AddressProof,
    AddressState,
    Credential,
    ProofEffect,
    address_state,
    removed_credentials,
)


class TestTheTable:
    @pytest.mark.parametrize(("proof", "found"), list(product(AddressProof, AddressState)))
    def test_has_every_cell(self, proof, found):
        assert isinstance(EFFECTS[proof][found], ProofEffect)

    @pytest.mark.attack("Pre-hijacked accounts, 4")
    @pytest.mark.parametrize("proof", list(AddressProof))
    @pytest.mark.parametrize(
        "found", [AddressState.PENDING, AddressState.UNCONFIRMED, AddressState.DELETED_UNCONFIRMED]
    )
    def test_keeps_nothing_at_a_first_proof_unless_the_holder_gives_it(self, proof, found):
        by_holder = proof in (AddressProof.CONFIRMATION_LINK_BY_HOLDER, AddressProof.CHANGE_LINK_BY_HOLDER)
        assert by_holder or EFFECTS[proof][found] in (ProofEffect.REMOVE_EVERYTHING, ProofEffect.REJECT)

    @pytest.mark.parametrize("proof", list(AddressProof))
    def test_opens_no_account_that_an_administrator_closed(self, proof):
        assert EFFECTS[proof][AddressState.DISABLED] is ProofEffect.REJECT


class TestRemoved:
    @pytest.mark.parametrize("kept", list(ProofEffect))
    def test_is_everything_where_nothing_stays(self, kept):
        assert (removed_credentials(kept) == frozenset(Credential)) == (kept is ProofEffect.REMOVE_EVERYTHING)

    @pytest.mark.parametrize("kept", [ProofEffect.KEEP_EVERYTHING, ProofEffect.REJECT])
    def test_is_nothing_where_all_stays(self, kept):
        assert removed_credentials(kept) == frozenset()


class TestState:
    @pytest.mark.parametrize(
        ("is_active", "is_deleted", "is_confirmed", "found"),
        [
            (True, False, True, AddressState.CONFIRMED),
            (True, False, False, AddressState.UNCONFIRMED),
            (True, True, True, AddressState.DELETED),
            (True, True, False, AddressState.DELETED_UNCONFIRMED),
            (False, False, True, AddressState.DISABLED),
            (False, True, False, AddressState.DISABLED),
        ],
    )
    def test_is_that_of_the_account(self, is_active, is_deleted, is_confirmed, found):
        assert address_state(is_active=is_active, is_deleted=is_deleted, is_confirmed=is_confirmed) is found
