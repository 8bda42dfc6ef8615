"""Compare addresses by A-labels of IDNA2008; what the former rule left in doubt goes on hold, and is told."""

from typing import Any

from django.db import migrations

from accounts.services.addresses import address_refolding

_MOST_SHOWN = 50


def refold(_apps: Any, schema_editor: Any) -> None:
    """Refold in batches that each count for good: killed and run again, it goes on.

    The log of a deployment is read by many, so people stand in it by their ids alone.
    """
    result = address_refolding.refold(is_first=True, database=schema_editor.connection)
    if not result.held:
        return
    lines = [f"  {user_id}: {reason}" for user_id, reason in list(result.held.items())[:_MOST_SHOWN]]
    print(  # noqa: T201 - whoever migrates looks at the terminal
        f"\nAddresses on hold, since nobody can tell whose they are: {len(result.held)}. These people sign in by",
        "username; nothing is mailed to them. What to do: manage.py refold_addresses, and docs/personal-data.md.",
        *lines,
        *(["  …"] if len(result.held) > _MOST_SHOWN else []),
        sep="\n",
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0007_sign_in_failures"),
    ]

    operations = [
        migrations.RunPython(refold, migrations.RunPython.noop),
    ]
