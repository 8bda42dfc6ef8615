from datetime import timedelta

import pytest

from accounts.models import KnownClient
from cedrina_base import batch_deletion
from cedrina_base.batch_deletion import delete_in_batches

pytestmark = pytest.mark.django_db


class TestDeleteInBatches:
    def test_deletes_all_rows_of_a_query_and_no_others(self, now, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(batch_deletion, "BATCH_SIZE", 2)
        KnownClient.objects.bulk_create(
            KnownClient(key=bytes([number]) * 16, seen_at=now - timedelta(days=number)) for number in range(6)
        )

        with django_assert_num_queries(6):  # two batches of two rows and one of one
            assert delete_in_batches(KnownClient.objects.filter(seen_at__lt=now)) == 5

        assert [row.seen_at for row in KnownClient.objects.all()] == [now]

    def test_of_no_rows_deletes_none(self):
        assert delete_in_batches(KnownClient.objects.all()) == 0
