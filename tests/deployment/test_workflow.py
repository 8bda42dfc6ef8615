"""The workflow for a forge: valid by the published schema of its kind, and nothing but a call of .ci/run."""

import json
import subprocess
import sys

import yaml

from tests.architecture.source import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "check.yml"


def judged(*paths):
    """Return what check-jsonschema says by the schema that it ships (SchemaStore, github-workflow.json)."""
    judge = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    command = [*judge, "--verbose", "--output-format", "json", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_is_valid_and_the_judge_tells(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text().replace("runs-on:", "runs-at:"))
    said = judged(WORKFLOW, wrong)
    assert {error["filename"] for error in said["errors"]} == {str(wrong)}, said
    assert said["successes"] == [str(WORKFLOW)]


def test_calls_what_is_called_at_a_desk_and_may_write_nothing():
    workflow = yaml.safe_load(WORKFLOW.read_text())
    called = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in workflow["jobs"].items()}
    assert called == {"check": ["bash .ci/run"], "image": ["make image image-check"]}
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["steps"][0]["with"]["persist-credentials"] is False for job in workflow["jobs"].values())
