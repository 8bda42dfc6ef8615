"""How many connections a worker accepts: as many as its file descriptors allow."""

import resource
import subprocess
import sys

import pytest

from cedrina.serving.processes.connection_limits import MAX_CONNECTIONS, RESERVED_DESCRIPTORS

RAISED = """
import resource
from cedrina.serving.processes.connection_limits import max_connections, raise_descriptor_limit
raise_descriptor_limit({workers})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], max_connections({workers}))
"""


def raised(*, soft, hard, workers):
    """Return the limit of a process that raised it, and how many connections its workers accept."""
    said = subprocess.run(
        [sys.executable, "-c", RAISED.format(workers=workers)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return tuple(int(number) for number in said.split())


class TestRaiseDescriptorLimit:
    @pytest.mark.parametrize("workers", [1, 2, 8])
    def test_uses_what_the_system_allows(self, workers):
        assert raised(soft=300, hard=4000, workers=workers) == (4000, (4000 - RESERVED_DESCRIPTORS) // workers)

    def test_leaves_a_limit_that_suffices(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        soft, connections = raised(soft=limit, hard=limit, workers=1)
        assert soft == limit
        assert connections == min(MAX_CONNECTIONS, limit - RESERVED_DESCRIPTORS)

    def test_accepts_one_connection_at_least(self):
        assert raised(soft=100, hard=100, workers=8) == (100, 1)
