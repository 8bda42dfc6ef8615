"""Index the deleted users, whom a daily job looks for. The index is built without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0013_known_clients")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(
                fields=["deleted_at"],
                name="accounts_user_deleted_idx",
                condition=models.Q(deleted_at__isnull=False),
            ),
        )
    ]
