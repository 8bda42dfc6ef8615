import pytest
from django.utils import timezone

from accounts.errors import DetailsInvalid, EmailTaken, NotFound
from accounts.identifiers.names import held_key
from accounts.models import User
from accounts.services.addresses import address_confirmation, address_release
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
SHARP, SHARP_KEY = "ada@stra\u00dfe.de", "ada@xn--strae-oqa.de"


@pytest.fixture
def held():
    user_id = uuid7()
    return UserFactory(pk=user_id, email=SHARP, email_folded=held_key(user_id))


class TestRelease:
    @pytest.mark.parametrize(("email", "key"), [(SHARP, SHARP_KEY), ("Ada@Strasse.de", "ada@strasse.de")])
    def test_gives_an_address_that_its_owner_has_to_confirm(self, held, events, email, key):
        assert address_release.release(user=held, email=email, reason="asked by telephone", now=timezone.now()) == email

        stored = User.objects.get()
        assert (stored.email, stored.email_folded, stored.is_email_confirmed) == (email, key, False)
        assert events("email.changed").get().data["note"] == "asked by telephone"
        (message,) = mailbox.work()
        assert message.to[0].lower() == key
        address_confirmation.confirm(token=mailbox.token_in(message), now=timezone.now())
        assert User.objects.get().is_email_confirmed

    def test_of_a_trial_changes_nothing(self, held, events):
        assert address_release.release(user=held, email=SHARP, is_trial=True, now=timezone.now()) == SHARP
        assert User.objects.get().is_email_held
        assert not events("email.changed").exists()
        assert mailbox.work() == []

    def test_takes_no_address_from_anybody(self, held):
        UserFactory(email=SHARP)
        with pytest.raises(EmailTaken):
            address_release.release(user=held, email=SHARP, now=timezone.now())
        assert User.objects.get(pk=held.pk).is_email_held

    def test_refuses_what_is_no_address(self, held):
        with pytest.raises(DetailsInvalid):
            address_release.release(user=held, email="\u017fam@example.com", now=timezone.now())

    def test_refuses_an_address_that_is_not_on_hold(self):
        user = UserFactory()
        with pytest.raises(NotFound):
            address_release.release(user=user, email="other@example.com", now=timezone.now())
        assert User.objects.get().email == user.email
