"""One connection to a receiver of syslog, by TCP (RFC 6587) or TLS (RFC 5425), and what is known of bytes sent by it.

Syslog has no acknowledgement. Two things are known nevertheless:

- The kernel counts the bytes that the receiver's kernel has not acknowledged. What is acknowledged may still be lost
  when the receiver's process ends before it has read it.
- A receiver that closes its side once ours has ended has read everything, if all is acknowledged, too. So the end of a
  connection is an acknowledgement by the receiver's program: if it leaves bytes unread, or if bytes come after it has
  closed, its kernel resets the connection instead (RFC 9293, 3.6.1; RFC 2525, 2.17). By TLS the end is authenticated,
  too, by receivers that send `close_notify` (RFC 8446, 6.1): syslog-ng and rsyslog with OpenSSL do, rsyslog with GnuTLS
  does not.

TLS runs in memory (`ssl.MemoryBIO`) and not on the socket, because the kernel counts encrypted bytes: only who hands
them to the socket knows which record they belong to.
"""

import contextlib
import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import time
from dataclasses import dataclass

CHUNK = 65536


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files: the authorities to trust instead of the system's, and the client's certificate and key."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Return a context that verifies certificate and name, from TLS 1.2 on.

        Raises: OSError for a file that can't be read; ssl.SSLError is one, too.
        """
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None)
        return context


class SyslogConnection:
    """An open connection. All its methods raise OSError when it breaks, TimeoutError among them."""

    def __init__(self, address: tuple[str, int], *, tls: TlsFiles | None, seconds: float) -> None:
        """Connect within ``seconds``, for each address that the name has."""
        self._deadline = time.monotonic() + seconds
        self.sent = 0
        self._has_read_end = False
        context = tls.context() if tls else None
        self._socket = socket.create_connection(address, timeout=seconds)
        self._tls: ssl.SSLObject | None = None
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context:
                self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])
                self._complete_handshake(self._tls)
        except BaseException:
            self._socket.close()
            raise

    def limit(self, seconds: float) -> None:
        """Let what follows take at most so long in all."""
        self._deadline = time.monotonic() + seconds

    def send(self, data: bytes) -> None:
        """Hand bytes to the kernel. ``sent`` grows by what was handed over, also when it breaks."""
        if self._tls:
            self._tls.write(data)
            data = self._outgoing.read()
        self._send_all(data)

    def unacknowledged(self) -> int:
        """Return how many of the ``sent`` bytes the receiver's kernel has not acknowledged.

        It is known after the connection broke, too. Where the system can't tell, it is all of them.
        """
        if not hasattr(termios, "TIOCOUTQ"):
            return self.sent
        try:
            answer = fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4)
        except OSError:
            return self.sent
        return int(struct.unpack("i", answer)[0])

    def wait_until_acknowledged(self) -> None:
        """Wait until the receiver's kernel has acknowledged all bytes.

        Raises: TimeoutError; ConnectionError when the receiver has ended or reset the connection.
        """
        pause = 0.0005
        while self.unacknowledged():
            self._remaining()
            if not self._has_read_end:
                self.require_open()
            self._raise_reset()
            # There is no event to wait for: an acknowledgement makes a socket neither readable nor writable.
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        self._raise_reset()

    def require_open(self) -> None:
        """Read what the receiver has sent.

        Raises: ConnectionError when it has ended the connection, so that what would be sent now would be lost.
        """
        while select.select([self._socket], [], [], 0)[0]:
            received = self._received()
            if not received or (self._tls and self._has_ended(self._tls, received)):
                raise ConnectionAbortedError

    def end(self) -> None:
        """End our side and wait for the receiver's end, which shows that it has read everything.

        Raises: OSError when it resets the connection: it has not read everything; TimeoutError when it does not end.
        """
        # A receiver that has ended before us has not read what comes now.
        self.require_open()
        if self._tls:
            self._end_tls(self._tls)
        else:
            self._socket.shutdown(socket.SHUT_WR)
            while self._received():
                pass
        self._has_read_end = True
        # Its end may have come from before it got our last bytes. Those it will then never acknowledge.
        self.wait_until_acknowledged()

    def close(self) -> None:
        self._socket.close()

    def _complete_handshake(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send_all(self._outgoing.read())
                self._receive()
            else:
                self._send_all(self._outgoing.read())
                return

    def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(self._remaining())
            count = self._socket.send(view)
            self.sent += count
            view = view[count:]

    def _raise_reset(self) -> None:
        if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))

    def _received(self) -> bytes:
        """Return what the receiver has sent; nothing when it has ended its side."""
        self._socket.settimeout(self._remaining())
        return self._socket.recv(CHUNK)

    def _remaining(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _receive(self) -> None:
        received = self._received()
        if not received:
            raise ConnectionAbortedError
        self._incoming.write(received)

    def _has_ended(self, tls: ssl.SSLObject, received: bytes) -> bool:
        """Take up what the receiver has sent: tickets of its session, its refusal, or its end."""
        self._incoming.write(received)
        try:
            while tls.read(CHUNK):
                pass
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            return True
        return True

    def _end_tls(self, tls: ssl.SSLObject) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()
        self._send_all(self._outgoing.read())
        self._socket.shutdown(socket.SHUT_WR)
        # Not by another `unwrap`: OpenSSL takes a refusal, such as of our certificate, for an end.
        while received := self._received():
            if self._has_ended(tls, received):
                return
