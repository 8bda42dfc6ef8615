from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("security_events", "0015_what_operators_see_of_incidents"),
    ]

    operations = [
        migrations.AddField(
            model_name="clientcount",
            name="parent",
            field=models.BinaryField(max_length=16, null=True),
        ),
        migrations.AddIndex(
            model_name="detectionfact",
            index=models.Index(
                condition=models.Q(("client__isnull", False)),
                fields=["account", "-at"],
                name="security_events_fact_sign_in",
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["network", "-id"], name="security_events_incident_where"),
        ),
    ]
