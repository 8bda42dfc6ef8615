import pytest

from accounts.errors import LastSignInMethod
from accounts.services.sign_in import sign_in_methods
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp

pytestmark = pytest.mark.django_db


class TestRequireOne:
    def test_is_content_with_a_password(self):
        sign_in_methods.require_sign_in_method(user_id=UserFactory(raw_password=PASSWORD).pk)

    def test_is_content_with_an_account_of_a_provider(self, now):
        user = UserFactory()
        social.link(user, now=now)
        sign_in_methods.require_sign_in_method(user_id=user.pk)

    def test_is_content_with_a_passkey(self, now):
        user = UserFactory()
        add_key(user, now=now, is_passkey=True)
        sign_in_methods.require_sign_in_method(user_id=user.pk)

    def test_refuses_what_only_comes_after_a_way_in(self, now):
        user = UserFactory()
        add_totp(user, now=now)
        with pytest.raises(LastSignInMethod):
            sign_in_methods.require_sign_in_method(user_id=user.pk)
