"""The examples of docs/importing-users.md are imported as they stand there."""

import re

import pytest
from django.core.management import call_command

from accounts.importing.refusals import REASONS
from accounts.models import User
from tests.architecture.source import ROOT

GUIDE = (ROOT / "docs" / "importing-users.md").read_text(encoding="utf-8")
FORMATS = {
    "Django": "django",
    "Any system with bcrypt": "bcrypt",
    "Keycloak": "keycloak",
    "Supabase": "supabase",
    "Auth0": "auth0",
}


def example(title):
    section = GUIDE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    kind, text = re.search(r"```(csv|json)\n(.*?)```", section, re.DOTALL).groups()
    return {"csv": "csv", "json": "jsonl"}[kind], text


@pytest.mark.django_db
class TestTheGuide:
    @pytest.mark.parametrize("title", FORMATS)
    def test_shows_rows_that_are_taken(self, title, tmp_path, capsys):
        kind, text = example(title)
        path = tmp_path / f"people.{kind}"
        path.write_text(text)

        call_command("import_users", str(path), "--format", FORMATS[title])

        user = User.objects.get()
        assert user.is_active
        assert user.has_usable_password()
        assert "1 imported" in capsys.readouterr().out

    def test_names_every_reason(self):
        for reason, sentence in REASONS.items():
            assert f"| `{reason}` | {sentence} |" in GUIDE

    def test_is_right_about_bcrypt(self, tmp_path):
        path = tmp_path / "people.csv"
        path.write_text(example("Any system with bcrypt")[1])
        call_command("import_users", str(path), "--format", "bcrypt")

        assert User.objects.get().check_password("abc")
