"""Keep, in one row, which key makes refresh tokens and from which on they are accepted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tokens", "0005_repeats_of_refresh_tokens_have_a_budget")]

    operations = [
        migrations.CreateModel(
            name="RefreshKeyEpoch",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("current", models.PositiveSmallIntegerField(verbose_name="current epoch")),
                ("minimum", models.PositiveSmallIntegerField(verbose_name="oldest epoch that is accepted")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
            ],
            options={
                "verbose_name": "epoch of the refresh token key",
                "verbose_name_plural": "epochs of the refresh token key",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="tokens_refresh_epoch_is_one_row"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("current__lte", 255), ("minimum__gte", 1), ("minimum__lte", models.F("current"))
                        ),
                        name="tokens_refresh_epoch_is_in_order",
                    ),
                ],
            },
        ),
    ]
