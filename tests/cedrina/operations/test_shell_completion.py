"""The completion of manage.py, asked in real shells."""

import shutil
import subprocess

import pytest
from django.core.management import call_command

from cedrina.operations.shell_completion.command_words import all_commands
from cedrina.operations.shell_completion.scripts import SCRIPTS
from tests.programs import debian_packages

pytestmark = pytest.mark.process
ASK_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_cedrina_manage
printf '%s\\n' "${COMPREPLY[@]}"
"""
CASES = [
    (["manage.py", "doc"], {"doctor"}),
    (["manage.py", "incidents", "re"], {"resolve", "reopen"}),
    (["manage.py", "incidents", "list", "--sev"], {"--severity"}),
    (["manage.py", "doctor", "--js"], {"--json"}),
    (["manage.py", "import_users", "people.csv", "--format", "k"], {"keycloak"}),
    (["manage.py", "revoke_sessions", "--a"], {"--all"}),
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    commands = all_commands()
    for shell, script in SCRIPTS.items():
        (folder / f"manage.{shell}").write_text(script(commands))
    return folder


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(done.stdout.split())


class TestBash:
    @pytest.mark.parametrize(("words", "expected"), CASES)
    def test_completes(self, scripts, words, expected):
        assert run(["bash", "-c", ASK_BASH, "bash", scripts / "manage.bash", *words]) == expected

    def test_completes_behind_python(self, scripts):
        words = ["python", "./manage.py", "doc"]
        assert run(["bash", "-c", ASK_BASH, "bash", scripts / "manage.bash", *words]) == {"doctor"}


class TestZsh:
    def test_understands_the_script(self, scripts):
        zsh = shutil.which("zsh") or str(debian_packages.unpack("zsh", ["zsh", "zsh-common"]) / "bin" / "zsh")
        run([zsh, "-n", scripts / "manage.zsh"])


class TestFish:
    @pytest.mark.parametrize(("words", "expected"), CASES)
    def test_completes(self, scripts, words, expected, tmp_path):
        found = shutil.which("fish")
        functions = ""
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        if found is None:
            folder = debian_packages.unpack("fish", ["fish", "fish-common", "libpcre2-32-0"])
            found = str(folder / "usr/bin/fish")
            environment["LD_LIBRARY_PATH"] = debian_packages.libraries(folder)
            functions = f"set -g fish_function_path {folder / 'usr/share/fish/functions'}; "
        script = f"{functions}source {scripts / 'manage.fish'}; complete -C '{' '.join(words)}'"
        done = subprocess.run(
            [found, "--no-config", "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert {line.partition("\t")[0] for line in done.stdout.splitlines()} == expected


class TestTheCommand:
    def test_prints_the_script_of_a_shell(self, capsys):
        call_command("shell_completion", "fish")
        assert capsys.readouterr().out.startswith("# fish completion of manage.py\n")
