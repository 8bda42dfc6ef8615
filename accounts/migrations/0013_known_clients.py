"""Name the model of known clients for what it holds. Its table keeps its name."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_mail_budgets")]

    operations = [
        migrations.RenameModel("FamiliarPlace", "KnownClient"),
        migrations.AlterModelOptions(
            "knownclient", {"verbose_name": "known client", "verbose_name_plural": "known clients"}
        ),
    ]
