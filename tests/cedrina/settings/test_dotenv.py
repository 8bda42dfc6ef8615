"""Where `.env` can't be read, and which names it may have."""

import os
import re
import subprocess
import sys

import pytest

from cedrina.settings import dotenv
from cedrina.settings.environment import BASE_DIR, ConfigurationError


def sentences(path):
    with pytest.raises(ConfigurationError) as stopped:
        dotenv.read_dotenv(path)
    return stopped.value.sentences


class TestReadDotenv:
    def test_refuses_a_folder(self, tmp_path):
        path = tmp_path / ".env"
        path.mkdir()
        assert sentences(path) == [f"{path} is a folder; remove it, and write settings into a file of that name."]

    def test_says_why_a_file_cannot_be_read(self, tmp_path):
        path = tmp_path / ".env"
        path.symlink_to(path)  # root may read any file, and follows no loop either
        [sentence] = sentences(path)
        assert sentence.startswith(f"{path} can't be read: Too many levels of symbolic links; let the user of this ")

    def test_refuses_a_nul_character_without_the_line(self, tmp_path):
        path = tmp_path / ".env"
        path.write_bytes(b"SECRET_KEY=geheim\0geheim\n")
        assert sentences(path) == [f"{path}, line 1 contains a NUL character; write the line again."]

    def test_needs_no_file(self, tmp_path):
        dotenv.read_dotenv(tmp_path / ".env")

    @pytest.mark.parametrize("name", ["ALLOW_REGISTRATION", "FLASK_ENV", "A", "POSTGRES", "REDIS_URI_2"])
    def test_refuses_a_name_that_nobody_reads(self, tmp_path, name):
        path = tmp_path / ".env"
        path.write_text(f"PORT=8010\n{name}=geheim\n")
        [sentence] = sentences(path)
        assert sentence.startswith(f"{path}, line 2: {name} is not a setting. ")
        assert "geheim" not in sentence

    def test_accepts_what_docker_compose_reads(self):
        text = (BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")
        names = set(re.findall(r"\$\{([A-Z_]+)|environment: ([A-Z_]+)\}", text))
        assert len(names) > 4
        assert [name for pair in names for name in pair if name and not dotenv.is_known(name)] == []

    @pytest.mark.parametrize("name", ["CEDRINA_EVN", "CEDRINA_QQQQ"])
    def test_leaves_names_with_our_prefix_to_the_rule_of_the_environment(self, name):
        assert dotenv.is_known(name)


@pytest.mark.process
class TestTheEnvironmentInDotenv:
    def test_chooses_the_settings_module(self, tmp_path):
        """Otherwise a production that says so in `.env` would run with what development adds."""
        script = (
            "from pathlib import Path; from cedrina.settings import dotenv, settings_module as chosen\n"
            f"chosen.read_dotenv = lambda: dotenv.read_dotenv(Path({str(tmp_path / '.env')!r}))\n"
            "print(chosen.settings_module())"
        )
        (tmp_path / ".env").write_text("CEDRINA_ENV=production\n")
        clean = {
            name: text for name, text in os.environ.items() if name not in ("CEDRINA_ENV", "DJANGO_SETTINGS_MODULE")
        }
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=BASE_DIR, env=clean, capture_output=True, text=True, check=True
        )
        assert done.stdout == "cedrina.settings.prod\n"
