"""Networks whose strangers get lower limits for a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ratelimiting", "0001_policies_versions_and_shadow_figures"),
    ]

    operations = [
        migrations.CreateModel(
            name="TightenedNetwork",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("network", models.CharField(max_length=43, verbose_name="network")),
                ("reason", models.CharField(max_length=64, verbose_name="reason")),
                ("began_at", models.DateTimeField(verbose_name="since")),
                ("ends_at", models.DateTimeField(db_index=True, verbose_name="until")),
            ],
            options={
                "verbose_name": "tightened network",
                "verbose_name_plural": "tightened networks",
            },
        ),
    ]
