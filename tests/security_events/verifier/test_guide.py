"""The programs in the guide for auditors accept what is right and refuse what is not."""

import re
import subprocess
import sys

import pytest

from tests.programs.served import ROOT
from tests.security_events.verifier import judge
from tests.security_events.verifier.made_trail import EVENTS, KEYS, event, note

GUIDE = (ROOT / "docs/audit-trail.md").read_text()


def program(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found


@pytest.fixture
def python_program(tmp_path):
    path = tmp_path / "verify.py"
    path.write_text(program("python"))
    return [sys.executable, "-W", "ignore::ResourceWarning", path]


@pytest.fixture
def go_program(tmp_path):
    judge.require_go()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "verify.go").write_text(program("go"))
    return [judge.build(tmp_path / "source", tmp_path)]


@pytest.mark.parametrize("language", ["python_program", "go_program"])
def test_a_program_of_the_guide_verifies_exports(language, request, tmp_path):
    command = request.getfixturevalue(language)
    export, checkpoint = tmp_path / "events.ndjson", tmp_path / "checkpoint"

    def accepts(events, key=KEYS[0]):
        export.write_bytes(b"".join(each + b"\n" for each in events))
        return not subprocess.run([*command, export, checkpoint, str(key)], capture_output=True, check=False).returncode

    for size in (1, 7, 16, 17):
        checkpoint.write_text(note(size))
        assert accepts(EVENTS[:size])
        assert accepts(EVENTS), "later events are not covered yet"
        assert not accepts([*EVENTS[: size - 1], event(99)])
    assert not accepts(EVENTS[1:])
    assert not accepts(EVENTS[:16])
    assert not accepts([EVENTS[1], EVENTS[0], *EVENTS[2:]])
    assert not accepts(EVENTS, key=KEYS[1]._replace(name=KEYS[0].name))
    checkpoint.write_text(note(17).replace("\n17\n", "\n16\n"))
    assert not accepts(EVENTS)


def test_the_program_in_python_has_at_most_ten_statements():
    lines = program("python").splitlines()
    statements = [line for line in lines if line and not line.startswith(("import", "from"))]
    assert len(statements) <= 10
