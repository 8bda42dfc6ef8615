"""Index the open sessions of a user, and drop the index of all of them that the one of users and ids makes superfluous.

The new index is built without blocking writes.
"""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("tokens", "0010_signing_algorithms"),
    ]

    operations = [
        AddIndexConcurrently(
            "session",
            models.Index(
                fields=["user", "-id"], name="tokens_session_open_idx", condition=models.Q(ended_at__isnull=True)
            ),
        ),
        migrations.AlterField(
            "session",
            "user",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
    ]
