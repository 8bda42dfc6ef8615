"""The commands of the runbooks and of docs/observability.md, run against an installation that is watched."""

import re
import shlex
import subprocess

import pytest

from tests.deployment.monitoring import prometheus_tools as tools
from tests.programs import forked_programs
from tests.programs.served import ROOT

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([\w-]+\.md)\)")
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PAGES = [*RUNBOOKS, ROOT / "docs" / "observability.md"]
SERVER, PROMETHEUS = "http://127.0.0.1:8000", "http://127.0.0.1:9090"
MANAGE = "python manage.py "
# They end with 1 when they have found something.
FINDS = {"doctor"}


def commands():
    lines = {line for page in PAGES for block in BLOCK.findall(page.read_text()) for line in block.splitlines()}
    return sorted(lines)


def of_manage():
    return [line for line in commands() if line.startswith(MANAGE)]


def others():
    return [line for line in commands() if not line.startswith(MANAGE)]


class TestARunbook:
    @pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
    def test_says_who_is_affected_what_to_look_at_and_what_to_do(self, page):
        if page.name == "README.md":
            return
        text = page.read_text()
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings[:3] == ["Who is affected", "Look", "Do"]
        assert BLOCK.search(text)
        assert re.search(r"^1\. ", text, re.MULTILINE)

    def test_is_listed(self):
        index = (ROOT / "docs" / "runbooks" / "README.md").read_text()
        assert {page.name for page in RUNBOOKS} - {"README.md"} == set(LINK.findall(index)) - {"observability.md"}


class TestTheCommands:
    def test_of_manage_py_run(self, installation, tmp_path):
        environment = {**installation.http.environment}
        calls = []
        for line in of_manage():
            arguments = shlex.split(line.removeprefix(MANAGE).partition(" > ")[0])
            calls.append([str(tmp_path / each) if each.endswith(".zip") else each for each in arguments])
        assert len(calls) >= 7
        for call, (code, out, err) in zip(
            calls, forked_programs.run_commands(calls, environment=environment), strict=True
        ):
            assert code == 0 or (code == 1 and call[0] in FINDS), (call, out, err)
            assert "Traceback" not in out + err

    def test_of_the_shell_and_of_prometheus_run(self, installation, prometheus):
        assert len(others()) >= 20
        for line in others():
            program, *arguments = shlex.split(
                line.replace(SERVER, installation.http.url).replace(PROMETHEUS, prometheus.url)
            )
            path = tools.program(program) if program in ("promtool", "amtool") else program
            done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if program == "curl":
                assert '"status":' in done.stdout, line
