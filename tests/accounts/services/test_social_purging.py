"""What need not be remembered any more."""

from datetime import timedelta

import pytest

from accounts.models import PresentedToken, SocialAuthorization
from accounts.services import social_purging

pytestmark = pytest.mark.django_db


def authorization(number, *, expires_at):
    return SocialAuthorization.objects.create(
        digest=bytes([number]) * 32, provider="fake", redirect_uri="x", nonce="n", code_verifier="v",
        created_at=expires_at, expires_at=expires_at,
    )  # fmt: skip


class TestPurge:
    def test_forgets_what_is_past_and_nothing_else(self, now):
        authorization(1, expires_at=now - timedelta(hours=2))
        kept = authorization(2, expires_at=now - timedelta(minutes=1))
        assert PresentedToken.objects.remember(digest=b"1" * 32, expires_at=now - timedelta(hours=2))
        assert PresentedToken.objects.remember(digest=b"2" * 32, expires_at=now - timedelta(minutes=1))

        assert social_purging.purge(now=now) == {"social_authorizations": 1, "presented_tokens": 1}

        assert SocialAuthorization.objects.get() == kept
        assert bytes(PresentedToken.objects.get().digest) == b"2" * 32
        assert social_purging.purge(now=now) == {"social_authorizations": 0, "presented_tokens": 0}
