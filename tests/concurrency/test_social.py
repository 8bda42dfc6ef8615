"""Social sign-in at the same moment, from many sides."""

from functools import partial

import pytest
from django.utils import timezone

from accounts.errors import LastSignInMethod, SocialTokenInvalid
from accounts.models import PresentedToken, SecurityKey, SocialAuthorization, SocialPurpose, User
from accounts.providers import links
from accounts.services.factors import security_keys
from accounts.services.social import authorizations, connections, joining
from accounts.services.social.authorizations import ProviderCallback
from security_events.models import SecurityEvent
from tests import fault_figures
from tests.factories import social
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_key
from tests.factories.tokens import open_session

THREADS = 16


class TestOneState:
    @pytest.mark.fault
    def test_is_given_out_once(self, at_once, now):
        provider, returned = social.provider(), ProviderCallback(code="c", state="cds_one")
        SocialAuthorization.objects.create(
            digest=authorizations.token_digest("cds_one"),
            provider="fake",
            redirect_uri="x",
            nonce="n",
            code_verifier="v",
            created_at=now,
            expires_at=now + authorizations.LIFETIME,
        )
        claim = partial(
            authorizations.consume, provider=provider, callback=returned, purpose=SocialPurpose.SIGN_IN, now=now
        )

        outcomes = at_once(*[claim] * THREADS)

        given_out = sum(isinstance(each, SocialAuthorization) for each in outcomes)
        name = f"a provider's answer comes {THREADS} times"
        fault_figures.keep(name, "further effects", given_out - 1, goal=0, unit="")
        assert given_out == 1
        assert sum(isinstance(each, SocialTokenInvalid) for each in outcomes) == THREADS - 1


class TestOneToken:
    def test_is_remembered_by_one(self, at_once, now):
        remember = partial(PresentedToken.objects.remember, digest=b"d" * 32, expires_at=now)
        assert sorted(at_once(*[remember] * THREADS)) == [False] * (THREADS - 1) + [True]


class TestFirstSignIns:
    def settle(self, **members):
        return partial(
            joining.resolve_user, provider=social.provider(), identity=social.identity(**members), now=timezone.now()
        )

    def test_of_one_person_give_one_account(self, at_once):
        outcomes = at_once(*[self.settle()] * THREADS)

        assert {each.pk for each in outcomes} == {User.objects.get().pk}
        assert len(links.list_links(User.objects.get().pk)) == 1

    def test_of_one_address_by_two_accounts_of_a_provider_give_one_account(self, at_once):
        outcomes = at_once(*[self.settle(uid=f"person-{number % 2}") for number in range(THREADS)])

        assert {each.pk for each in outcomes} == {User.objects.get().pk}
        assert len(links.list_links(User.objects.get().pk)) == 2

    def test_of_namesakes_give_each_a_name(self, at_once):
        outcomes = at_once(
            *[self.settle(uid=f"p{number}", email=f"p{number}@example.com") for number in range(THREADS)]
        )

        assert len({each.username for each in outcomes}) == THREADS

    def test_reclaim_a_squatted_account_once(self, at_once):
        squatter = UserFactory(email="mina@example.com", email_confirmed_at=None)

        outcomes = at_once(*[self.settle()] * THREADS)

        assert {each.pk for each in outcomes} == {squatter.pk}
        told = SecurityEvent.objects.filter(type="social.account_preempted", target_id=str(squatter.pk))
        assert told.count() == 1


class TestUnlinking:
    def test_everything_at_once_leaves_one_sign_in_method(self, at_once, now):
        user = UserFactory()
        mine = [social.link(user, now=now, uid=f"person-{number}") for number in range(THREADS // 2)]

        outcomes = at_once(*[partial(connections.unlink, user=user, link_id=link.id, now=now) for link in mine])

        assert len(links.list_links(user.pk)) == 1
        assert sum(isinstance(each, LastSignInMethod) for each in outcomes) == 1
        assert outcomes.count(None) == len(mine) - 1

    def test_and_removing_passkeys_leaves_one_sign_in_method(self, at_once, now):
        user = UserFactory()
        mine = [social.link(user, now=now, uid=f"person-{number}") for number in range(THREADS // 2)]
        session_id = open_session(user=user).session_id
        keys = [add_key(user, session_id=session_id, is_passkey=True)[1].key for _ in range(THREADS // 2)]

        outcomes = at_once(
            *[partial(connections.unlink, user=user, link_id=link.id, now=now) for link in mine],
            *[partial(security_keys.remove, user=user, session_id=session_id, key_id=key.id, now=now) for key in keys],
        )

        assert len(links.list_links(user.pk)) + SecurityKey.objects.filter(user=user).count() == 1
        assert sum(isinstance(each, LastSignInMethod) for each in outcomes) == 1
        assert outcomes.count(None) == THREADS - 1
