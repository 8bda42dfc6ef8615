from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("security_events", "0019_looks_at_running_transactions")]

    operations = [
        migrations.CreateModel(
            name="EventCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("minute", models.DateTimeField()),
                ("series", models.CharField(max_length=16)),
                ("key", models.CharField(max_length=64)),
                ("number", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["minute", "series", "key"], name="security_events_count_minute"),
                ],
            },
        ),
    ]
