import pytest
from django.utils import timezone
from django.utils.translation import override
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import KnownClient, User
from accounts.services.sign_in import password_sign_in
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.models import Session
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
CURL = "curl/8.5.0"
USUAL = FIREFOX.format(140)
OTHER = "copper lantern seven owls"


@pytest.fixture(autouse=True)
def mina(db):
    return UserFactory(username="mina", raw_password=PASSWORD)


def sign_in(address="203.0.113.7", agent=USUAL, password=PASSWORD):
    password_sign_in.sign_in(
        name="mina", password=password, client=ClientContext(ip_address=address, user_agent=agent), now=timezone.now()
    )
    return mailbox.queued()


class TestNoticeUnfamiliar:
    def test_says_nothing_of_the_first_sign_in(self):
        assert sign_in() == []

    @pytest.mark.parametrize(
        "again",
        [{}, {"agent": FIREFOX.format(141)}, {"address": "203.0.113.200"}],
        ids=["the same", "a newer version", "the same network"],
    )
    def test_says_nothing_of_what_is_familiar(self, again):
        sign_in()

        assert sign_in(**again) == []

    @pytest.mark.parametrize(
        "other", [{"agent": CURL}, {"agent": "Intruder/1.0"}, {"address": "198.51.100.7"}, {"address": None}]
    )
    def test_writes_of_another_device_or_network(self, other):
        sign_in()

        assert sign_in(**other) == ["new_device"]
        details = ProcrastinateJob.objects.get().args["details"]
        assert set(details) == {"device", "ip_address"}
        assert sign_in(**other) == ["new_device"]  # which is familiar by now

    @pytest.mark.parametrize(("locale", "device"), [("en", "Firefox on Ubuntu"), ("fa", "Firefox روی Ubuntu")])
    def test_names_the_device_in_the_language_of_the_reader(self, mina, locale, device):
        User.objects.update(locale=locale)
        sign_in(agent=CURL)

        with override("es"):  # that of the one who signs in
            sign_in()

        (message,) = mailbox.work()
        assert device in message.body
        assert device in message.alternatives[0][0]

    def test_says_nothing_of_a_place_that_outlived_its_sessions(self):
        sign_in()
        Session.objects.all().delete()

        assert sign_in() == []

    def test_says_nothing_of_a_familiar_place_when_the_hash_is_upgraded(self, settings):
        sign_in()
        Session.objects.all().delete()
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        assert sign_in() == []

    def test_says_nothing_of_the_usual_device_after_a_new_password(self, mina):
        sign_in()
        mina.set_password(OTHER)
        mina.save()

        assert sign_in(password=OTHER) == []

    def test_writes_to_somebody_of_whose_sign_ins_nothing_is_left(self):
        sign_in()
        Session.objects.all().delete()
        KnownClient.objects.all().delete()

        assert sign_in() == ["new_device"]
