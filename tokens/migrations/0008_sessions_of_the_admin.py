from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0006_the_epoch_of_the_refresh_token_key"),
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
