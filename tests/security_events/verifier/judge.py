"""The judge in Go: the reference code of signed notes and of Merkle proofs, compiled once."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

GO_PATH = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts it
FOLDER = Path(__file__).parent / "go_judge"
ENVIRONMENT = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOFLAGS": ""}


def require_go():
    """Skip a test where Go or its checksum database's code is missing; the fixed vectors stand in for it."""
    if shutil.which("go") is None or not (GO_PATH / "src/golang.org/x/mod/sumdb/note").is_dir():
        pytest.skip("Go with golang.org/x/mod is not installed: its judge can't be asked.")


def build(source, folder):
    """Compile the Go program of a folder and return the path of the binary."""
    binary = folder / "judge"
    command = ["go", "build", "-o", binary, *sorted(source.glob("*.go"))]
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=240)
    return binary


def verdicts(binary, *, origin, keys, cases):
    """Return what the judge says of each case: an empty text if it accepts it."""
    given = json.dumps({"origin": origin, "keys": [str(key) for key in keys], "cases": cases})
    done = subprocess.run([binary], input=given, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
