"""Create the table of messages that receivers may have lost."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("security_events", "0009_sinks_and_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="SinkRisk",
            fields=[
                (
                    "sink",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="risk",
                        serialize=False,
                        to="security_events.sink",
                        verbose_name="sink",
                    ),
                ),
                ("messages", models.BigIntegerField(verbose_name="messages that may be lost")),
                ("last_at", models.DateTimeField(verbose_name="last time")),
            ],
            options={
                "verbose_name": "messages that may be lost",
                "verbose_name_plural": "messages that may be lost",
            },
        ),
    ]
