"""Remember which client has a family's present token, and in how many generations in a row it was asked for again.

No index and no rewrite: refreshes go on updating rows in place.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tokens", "0004_takeovers_and_deletions_end_sessions")]

    operations = [
        migrations.AddField("tokenfamily", "client_network", models.BinaryField(max_length=8, null=True)),
        migrations.AddField("tokenfamily", "client_kind", models.BinaryField(max_length=8, null=True)),
        migrations.AddField(
            "tokenfamily",
            "repeats",
            models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="repeats"),
        ),
        migrations.AddField(
            "tokenfamily",
            "foreign_repeats",
            models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="repeats by other clients"),
        ),
        migrations.AddField(
            "tokenfamily",
            "is_foreign_repeated",
            models.BooleanField(db_default=False, default=False, verbose_name="repeated by another client"),
        ),
    ]
