"""One mailed token makes the server compute hashes, on and on (CWE-770): each rejected password is compared with all
former ones."""

import bcrypt
import pytest
from django.test import Client

from accounts.models import User
from accounts.services.mailing import mail_queue
from tests import mailbox
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("empty_queue"),
    pytest.mark.attack("CWE-770", "ASVS 5.0, 6.3.1"),
]
NEW = "copper lantern seven owls"


@pytest.fixture
def token(settings):
    user = UserFactory(username="mina", raw_password=PASSWORD)
    for number in range(4):
        PasswordHistoryFactory(user=user, raw_password=f"seven brass kettles {number}")
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.RESET_PASSWORD)
    return mailbox.token_in(mailbox.work()[-1])


def by_api(token, password):
    body = {"token": token, "new_password": password}
    answer = Client().post("/api/v1/auth/reset-password", body, content_type="application/json")
    return answer.status_code, answer.json().get("code")


def by_page(token, password):
    form = {"new_password": password, "new_password_again": password}
    return Client().post(f"/account/reset-password/{token}", form).status_code, None


@pytest.mark.parametrize("ways", [(by_api, by_api), (by_page, by_page), (by_api, by_page), (by_page, by_api)])
class TestRejectedPasswords:
    def test_make_a_token_invalid_after_five(self, token, ways, hashes):
        first, then = ways
        for number in range(5):
            rejected = "seven brass kettles 0" if number else "short"
            assert first(token, rejected)[0] == 422
        # Cheap refusals come before the comparison, which is at most with all five.
        assert 4 <= len(hashes) <= 4 * 5
        hashes.clear()

        junk = then(f"{token[:-4]}AAAA", NEW)
        assert then(token, NEW) == then(token, "short") == junk
        assert junk[0] == 400
        assert hashes == []
        assert User.objects.get().check_password(PASSWORD)

    def test_leave_it_good_until_then(self, token, ways, hashes):
        first, then = ways
        for _ in range(4):
            assert first(token, "short")[0] == 422
        assert hashes == []

        assert then(token, NEW)[0] in (200, 303)
        assert User.objects.get().check_password(NEW)


@pytest.fixture
def hashes(monkeypatch, token):
    """Count the hashes that are computed from now on."""

    done, original = [], bcrypt.hashpw

    def counting(password, salt):
        done.append(salt)
        return original(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return done
