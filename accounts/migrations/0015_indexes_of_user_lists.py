"""Index what operators list and search users by. The indexes are built without blocking writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Collate, Lower


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0014_index_of_deleted_users")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(
                fields=["id"],
                name="accounts_user_inactive_idx",
                condition=models.Q(is_active=False),
            ),
        ),
        AddIndexConcurrently(
            "user",
            models.Index(
                fields=["id"],
                name="accounts_user_privileged_idx",
                condition=models.Q(is_staff=True) | models.Q(is_superuser=True),
            ),
        ),
        AddIndexConcurrently("user", models.Index(Collate(Lower("username"), "C"), name="accounts_user_prefix_idx")),
    ]
