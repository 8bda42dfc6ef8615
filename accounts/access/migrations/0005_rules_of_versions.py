from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_records_and_drafts"),
    ]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="rules_after",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="policyversion",
            name="rules_before",
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
