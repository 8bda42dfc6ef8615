from datetime import timedelta

import pytest
from django.utils import timezone

from cedrina_base.encryption import DecryptionFailed
from tokens.models import SigningKey
from tokens.services import reencryption

pytestmark = pytest.mark.django_db

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


def configure(settings, *keys):
    settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": list(keys)}


def stored_key_ids():
    values = SigningKey.objects.order_by("kid").values_list("private_key", flat=True)
    return [value.partition(":")[0] for value in values]


@pytest.fixture
def rows(settings):
    """Three values under the old key, while the new one is the first."""
    configure(settings, OLD)
    SigningKey.objects.all().delete()
    now = timezone.now()
    for kid in ("a", "b", "c"):
        SigningKey.objects.create(
            kid=kid,
            public_key="p",
            private_key=f"secret of {kid}",
            created_at=now,
            activated_at=now + timedelta(days=1),
        )
    configure(settings, NEW, OLD)


@pytest.mark.usefixtures("rows")
class TestReencrypt:
    def test_moves_every_value_to_the_first_key(self, settings):
        told = []
        assert reencryption.outdated() == 3
        assert reencryption.reencrypt(progress=told.append) == 3

        assert told == [1, 2, 3]
        assert reencryption.outdated() == 0
        assert stored_key_ids() == ["new"] * 3
        configure(settings, NEW)
        assert [key.private_key for key in SigningKey.objects.order_by("kid")] == [f"secret of {kid}" for kid in "abc"]

    def test_has_nothing_to_do_a_second_time(self):
        reencryption.reencrypt()

        assert reencryption.reencrypt() == 0

    def test_can_be_interrupted_and_goes_on_where_it_was(self):
        def interrupt(done):
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            reencryption.reencrypt(progress=interrupt)
        assert sorted(stored_key_ids()) == ["new", "new", "old"]

        assert reencryption.reencrypt() == 1
        assert stored_key_ids() == ["new"] * 3

    def test_leaves_alone_what_somebody_changed_meanwhile(self):
        def change(done):
            if done == 1:
                key = SigningKey.objects.get(kid="c")
                key.private_key = "changed"
                key.save()

        reencryption.reencrypt(progress=change)

        assert SigningKey.objects.get(kid="c").private_key == "changed"

    def test_stops_at_a_value_whose_key_is_missing(self, settings):
        configure(settings, NEW)

        with pytest.raises(DecryptionFailed, match="'old'"):
            reencryption.reencrypt()
        assert stored_key_ids() == ["old"] * 3

    def test_knows_key_ids_apart_of_which_one_begins_like_another(self, settings):
        configure(settings, ("ol", b"x" * 32), OLD)

        assert reencryption.outdated() == 3
