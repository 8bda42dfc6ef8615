from itertools import product

import pytest

from accounts.rules.address_proofs import TABLE, Credential, Kept, Proof, State, removed, state


class TestTheTable:
    @pytest.mark.parametrize(("proof", "found"), list(product(Proof, State)))
    def test_has_every_cell(self, proof, found):
        assert isinstance(TABLE[proof][found], Kept)

    @pytest.mark.attack("Pre-hijacked accounts, 4")
    @pytest.mark.parametrize("proof", list(Proof))
    @pytest.mark.parametrize("found", [State.PENDING, State.UNCONFIRMED, State.DELETED_UNCONFIRMED])
    def test_keeps_nothing_at_a_first_proof_unless_the_holder_gives_it(self, proof, found):
        by_holder = proof in (Proof.CONFIRMATION_LINK_BY_HOLDER, Proof.CHANGE_LINK_BY_HOLDER)
        assert by_holder or TABLE[proof][found] in (Kept.NOTHING, Kept.REFUSED)

    @pytest.mark.parametrize("proof", list(Proof))
    def test_opens_no_account_that_an_administrator_closed(self, proof):
        assert TABLE[proof][State.DISABLED] is Kept.REFUSED


class TestRemoved:
    @pytest.mark.parametrize("kept", list(Kept))
    def test_is_everything_where_nothing_stays(self, kept):
        assert (removed(kept) == frozenset(Credential)) == (kept is Kept.NOTHING)

    @pytest.mark.parametrize("kept", [Kept.EVERYTHING, Kept.REFUSED])
    def test_is_nothing_where_all_stays(self, kept):
        assert removed(kept) == frozenset()


class TestState:
    @pytest.mark.parametrize(
        ("is_active", "is_deleted", "is_confirmed", "found"),
        [
            (True, False, True, State.CONFIRMED),
            (True, False, False, State.UNCONFIRMED),
            (True, True, True, State.DELETED),
            (True, True, False, State.DELETED_UNCONFIRMED),
            (False, False, True, State.DISABLED),
            (False, True, False, State.DISABLED),
        ],
    )
    def test_is_that_of_the_account(self, is_active, is_deleted, is_confirmed, found):
        assert state(is_active=is_active, is_deleted=is_deleted, is_confirmed=is_confirmed) is found
