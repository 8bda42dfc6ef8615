"""The parts of libraries that serving/ uses without a promise of theirs. A release may change them."""

import inspect
import os
import socket
from asyncio import events

from autobahn.twisted.websocket import WebSocketServerProtocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import asyncio as django_asyncio
from granian.net import SocketHolder
from granian.server.common import AbstractServer
from granian.server.embed import Server as EmbeddedServer
from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IPushProducer
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cedrina.serving.daphne_server import BoundedWebSocketProtocol
from cedrina.serving.uvicorn_protocol import TimeoutProtocol


class TestUvicorn:
    def test_calls_the_methods_that_are_overridden(self):
        overridden = {name for name, member in vars(TimeoutProtocol).items() if inspect.isfunction(member)}
        assert {name for name in overridden if not name.startswith("_")} <= set(dir(HttpToolsProtocol))

    def test_has_the_attributes_that_are_read(self):
        source = inspect.getsource(HttpToolsProtocol)
        for attribute in ("self.headers", "self.url", "self.loop", "self.transport", "def send_400_response"):
            assert attribute in source, attribute


class TestDaphne:
    def test_has_a_factory_of_websockets_and_a_class_of_servers(self):
        assert "self.ws_factory" in inspect.getsource(Server)
        assert CommandLineInterface.server_class is Server
        assert list(inspect.signature(Server.listen_success).parameters) == ["self", "port"]
        assert list(inspect.signature(Server.create_application).parameters) == ["self", "protocol", "scope"]
        assert list(inspect.signature(Server.handle_reply).parameters) == ["self", "protocol", "message"]
        assert "await protocol" not in inspect.getsource(Server.handle_reply)  # it would wait by itself now

    def test_calls_the_methods_of_protocols_that_are_overridden(self):
        overridden = {name for name, member in vars(BoundedWebSocketProtocol).items() if inspect.isfunction(member)}
        of_twisted = {"pauseProducing", "resumeProducing", "stopProducing"}
        own = {"wait_until_writable", "write_batch", "_write_at_once", "_count_frame"}
        assert overridden - of_twisted - own <= set(dir(WebSocketProtocol))
        assert of_twisted <= set(IPushProducer)
        buffered = "len(self.dataBuffer) + self._tempDataLen"
        assert buffered in inspect.getsource(FileDescriptor._isSendBufferFull)
        assert "self.onMessageFrameBegin(" in inspect.getsource(WebSocketServerProtocol._onMessageFrameBegin)
        assert "self.serverClose(code=" in inspect.getsource(WebSocketProtocol.handle_reply)
        assert "STATE_OPEN" in inspect.getsource(WebSocketServerProtocol.sendCloseFrame)


class TestGranian:
    def test_opens_its_socket_in_a_method_that_is_overridden(self):
        assert "_shd" in inspect.getsource(AbstractServer._init_shared_socket)
        assert issubclass(EmbeddedServer, AbstractServer)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            SocketHolder(os.dup(listening.fileno()), False, 1)


class TestAsyncio:
    def test_lets_the_running_loop_of_a_thread_be_set(self):
        assert {"_get_running_loop", "_set_running_loop"} <= set(events.__all__)

    def test_is_what_django_asks(self):
        assert "get_running_loop()" in inspect.getsource(django_asyncio.async_unsafe)


class TestDjangoConnections:
    def test_know_whether_they_were_checked(self):
        assert "self.health_check_done" in inspect.getsource(BaseDatabaseWrapper.close_if_health_check_failed)
