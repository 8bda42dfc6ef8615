"""Leave room in each page, so that refreshes and touches update rows in place without touching an index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tokens", "0001_sessions_families_and_keys")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE tokens_tokenfamily SET (fillfactor = 70); ALTER TABLE tokens_session SET (fillfactor = 70);",
            "ALTER TABLE tokens_tokenfamily RESET (fillfactor); ALTER TABLE tokens_session RESET (fillfactor);",
        )
    ]
