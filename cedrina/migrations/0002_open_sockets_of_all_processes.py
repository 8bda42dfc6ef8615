from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cedrina", "0001_background_jobs_and_their_failures")]

    operations = [
        migrations.CreateModel(
            name="SocketProcess",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("alive_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SocketSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=64)),
                ("number", models.PositiveSmallIntegerField()),
                ("process_id", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["subject", "number"], name="cedrina_socketslot_once"),
                ],
            },
        ),
    ]
