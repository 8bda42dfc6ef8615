from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("security_events", "0020_counts_of_events_by_the_minute"),
    ]

    operations = [
        migrations.AddField(
            model_name="detectionfact",
            name="generations_behind",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="detectionfact",
            name="idle_seconds",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="detectionfact",
            name="is_familiar_client",
            field=models.BooleanField(null=True),
        ),
    ]
