"""docs/service-clients.md, followed from top to bottom; only the address is that of the test's own server."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.journeys.documentation.test_oauth_libraries import SCRIPTS
from tests.journeys.documentation.test_readme import ADDRESS, lines_to_try
from tests.programs import node_packages, served
from tokens.service_clients.scopes import SCOPES

PAGE = (served.ROOT / "docs" / "service-clients.md").read_text(encoding="utf-8")
MANAGE = ".venv/bin/python manage.py "
FILES = dict(re.findall(r"^`(orders/\w+\.\w+)`\n\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def run(*command, cwd, server):
    done = subprocess.run(
        command, cwd=cwd, env=server.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_line(line, *, cwd, server):
    """Run a line of the page and return what it prints. Its commands of manage.py are forks, and not a shell's."""
    command, is_piped, rest = line.partition(" | tee ")
    if not command.startswith(MANAGE):
        return run("sh", "-c", line.replace(ADDRESS, server.url), cwd=cwd, server=server)
    printed = server.manage(*shlex.split(command.removeprefix(MANAGE)))
    if is_piped:
        (cwd / rest).write_text(printed)
    return printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines of the page need curl")
def test_the_page_works(issuer_server, tmp_path):
    lines, programs = lines_to_try(PAGE), ["authlib_client.py"]
    assert len(lines) == 7
    for number, (command, shown) in enumerate(lines):
        printed = run_line(command, cwd=tmp_path, server=issuer_server)
        expected = ".*".join(re.escape(part.strip()) for part in shown.split("…"))
        assert re.search(expected, printed, re.DOTALL), f"{command}\n{printed}"
        if number == 2:  # while the client is there
            for name in programs:
                (tmp_path / name).write_text(FILES[f"orders/{name}"].replace(ADDRESS, issuer_server.url))
                assert run(sys.executable, name, cwd=tmp_path, server=issuer_server).strip() == "True"
            of_node(tmp_path, issuer_server)


def of_node(folder, issuer_server):
    if shutil.which("node") is None:
        return
    node_packages.install(SCRIPTS)
    (folder / "node_modules").symlink_to(SCRIPTS / "node_modules")
    (folder / "openid_client.mjs").write_text(FILES["orders/openid_client.mjs"].replace(ADDRESS, issuer_server.url))
    assert run("node", "openid_client.mjs", cwd=folder, server=issuer_server).strip() == "true"


def test_the_page_lists_the_scopes():
    assert set(re.findall(r"^\| `([a-z_]+:[a-z]+)` \|", PAGE, re.MULTILINE)) == set(SCOPES)
