"""A name server that a test controls, and the command that gives a program this one alone.

A resolver asks port 53 and reads the server's address from /etc/resolv.conf, so both need root: the program gets a
mount of its own over that file, which nobody else sees.
"""

import os
import shutil
import socket
import threading
from contextlib import contextmanager

import pytest
from dns import flags, message, rcode, rdatatype, rrset

ADDRESS = "127.43.53.53"
NAMES = {"database.test.", "redis.test.", "mail.test.", "webhooks.test."}
ENTER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class NameServer:
    """Says that each of NAMES is at 127.0.0.1, fails (SERVFAIL), or is silent."""

    def __init__(self, connection):
        self.behaviour = "answer"
        self.questions = 0
        self._connection = connection

    def serve(self):
        while True:
            try:
                question, client = self._connection.recvfrom(4096)
            except OSError:
                return  # it was closed
            self.questions += 1
            if not question:
                return
            if self.behaviour != "silent":
                self._connection.sendto(self._answer(message.from_wire(question)).to_wire(), client)

    def _answer(self, question):
        answer = message.make_response(question)
        answer.flags |= flags.RA
        asked = question.question[0]
        if self.behaviour == "fail":
            answer.set_rcode(rcode.SERVFAIL)
        elif asked.name.to_text().lower() not in NAMES:
            answer.set_rcode(rcode.NXDOMAIN)
        elif asked.rdtype == rdatatype.A:
            answer.answer.append(rrset.from_text(asked.name, 1, "IN", "A", "127.0.0.1"))
        return answer


@contextmanager
def name_server(folder):
    """Give a name server and the command that starts a program which asks it; skip the test without root."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a name server of one's own needs root and unshare")
    configuration = folder / "resolv.conf"
    configuration.write_text(f"nameserver {ADDRESS}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.bind((ADDRESS, 53))
        server = NameServer(connection)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server, ("unshare", "--mount", "sh", "-euc", ENTER, str(configuration))
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", (ADDRESS, 53))
            thread.join(10)
