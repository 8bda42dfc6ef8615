"""The lines of README.md, run as they stand; only the address is that of the test's own server."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.described import codes_of
from tests.programs import served

README = (served.ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://localhost:8000"
ONE_SCREEN = 55
LONGEST_LINE = 140


def lines_to_try(text):
    """Return (command, shown output) of each prompt in the console blocks."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            end = re.search(r"(?<!\\)\n", part).start()
            found.append((part[:end], part[end:].strip()))
    return found


def shape(value):
    """Return a document with its values replaced by their types."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines of README.md need curl")
class TestTheLinesToTry:
    @pytest.fixture
    def fresh_server(self):
        with served.database() as url, served.serving(database_url=url) as server:
            yield server

    def test_answer_what_is_shown(self, fresh_server, tmp_path):
        lines = lines_to_try(README)
        assert len(lines) == 3
        for command, shown in lines:
            assert command.startswith(f"curl -s {ADDRESS}/")
            done = subprocess.run(
                ["sh", "-c", command.replace(ADDRESS, fresh_server.url)],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            )

            answered, promised = json.loads(done.stdout), json.loads(shown.replace("\n", ""))

            assert shape(answered) == shape(promised), command
            assert list(answered) == list(promised)
            for name in ("username", "email", "email_confirmed", "locale", "roles", "tier"):
                assert answered.get("user", answered).get(name) == promised.get("user", promised).get(name)


class TestTheReadme:
    def test_fits_one_screen(self):
        lines = README.splitlines()
        assert len(lines) <= ONE_SCREEN
        assert max(map(len, lines)) <= LONGEST_LINE

    def test_names_commands_that_make_knows(self):
        makefile = (served.ROOT / "Makefile").read_text(encoding="utf-8")
        named = set(re.findall(r"`?make ([a-z]+)\b", README)) - {"are"}
        assert named
        for name in named:
            assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


class TestTheGuide:
    @pytest.mark.skipif(shutil.which("curl") is None, reason="the calls of the guide need curl")
    def test_begins_with_ten_calls_that_work(self, tmp_path):
        guide = (served.ROOT / "docs" / "api-guide.md").read_text(encoding="utf-8")
        script = guide.split("## The first ten calls")[1].split("```sh\n")[1].split("```")[0]
        (tmp_path / ".curlrc").write_text('write-out = "%{stderr}%{http_code}\\n"\n')
        with served.database() as url, served.serving(database_url=url) as server:
            done = subprocess.run(
                ["sh", "-eu", "-c", script.replace(ADDRESS, server.url)],
                cwd=tmp_path,
                env={**os.environ, "CURL_HOME": str(tmp_path), "NO_PROXY": "*"},
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            )
        statuses = [201, 200, 200, 200, 200, 200, 200, 200, 401, 204]
        assert [int(line) for line in done.stderr.split()] == statuses, done.stdout
        assert '"code":"authentication_required"' in done.stdout

    def test_names_only_codes_and_calls_of_the_contract(self):
        contract = json.loads((served.ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        guide = (served.ROOT / "docs" / "api-guide.md").read_text(encoding="utf-8")
        codes = set(contract["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
        calls = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[a-z/-]+)`", guide)

        assert calls
        for method, path in calls:
            if not path.startswith("/oauth/"):  # which the metadata of RFC 8414 describe
                assert method.lower() in contract["paths"][f"/api/v1{path}"], path
        assert set(re.findall(r"401 `([a-z_]+)`", guide)) <= codes

    def test_says_what_to_do_about_every_answer_of_a_refresh(self):
        contract = json.loads((served.ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        guide = (served.ROOT / "docs" / "api-guide.md").read_text(encoding="utf-8")
        table = guide.split("| `POST /auth/refresh` answers |")[1].split("\n\n")[0]
        codes = codes_of(contract["paths"]["/api/v1/auth/refresh"]["post"], contract)

        assert all(str(status) in table for status in codes if status not in (406, 500))
        assert all(f"`{code}`" in table for code in codes[401])
