from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0004_takeovers_and_deletions_end_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="kind",
            field=models.CharField(
                choices=[("api", "tokens"), ("admin", "admin pages")],
                db_default="api",
                default="api",
                max_length=8,
                verbose_name="kind",
            ),
        ),
    ]
