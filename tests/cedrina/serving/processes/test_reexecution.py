"""What one program of the supervisor hands to the next. Served: tests/journeys/servers/test_preloaded_workers.py."""

import os

import pytest

from cedrina.serving.processes.reexecution import STATE_DESCRIPTOR, SupervisorState, WorkerPosition
from cedrina.serving.processes.shared_memory import SharedMemory
from cedrina.serving.processes.worker_process import Worker


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends[0]
    for end in ends:
        os.close(end)


class TestAState:
    def test_is_read_as_it_was_written(self, pipe):
        worker = Worker(position=0, process_number=2, pid=4711, ready_pipe=pipe, started_at=1.5, ready_at=2.5)
        state = SupervisorState([WorkerPosition(losses=3, start_at=9.5)], [worker], {"sockets": [pipe]})
        assert SupervisorState.read({STATE_DESCRIPTOR: str(state.write())}) == state

    def test_makes_its_descriptors_inheritable(self, pipe):
        assert not os.get_inheritable(pipe)
        written = SupervisorState([WorkerPosition()], [], {"sockets": [pipe]}).write()
        assert os.get_inheritable(pipe)
        assert os.get_inheritable(written)
        os.close(written)

    def test_is_none_at_the_first_start(self):
        assert SupervisorState.read({}) is None

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"positions": [{"unknown": 1}], "workers": []}'])
    def test_of_another_form_is_refused_in_a_sentence(self, tmp_path, content):
        (tmp_path / "state").write_bytes(content)
        descriptor = os.open(tmp_path / "state", os.O_RDONLY)
        with pytest.raises(SystemExit, match="stop the server, then start it"):
            SupervisorState.read({STATE_DESCRIPTOR: str(descriptor)})


class TestSharedMemory:
    def test_is_the_same_for_the_descriptor_of_another(self):
        first = SharedMemory(16)
        first.content[3] = 7
        assert SharedMemory(16, descriptor=first.descriptor).content[3] == 7

    def test_of_another_size_begins_anew(self):
        first = SharedMemory(16)
        first.content[3] = 7
        assert SharedMemory(32, descriptor=first.descriptor).content[3] == 0
