"""Send messages to one receiver of syslog, and say which of them it has.

The connection is the unit of confirmation (``syslog_connection``). There are two ways:

- ``close``, the default: each batch is a connection of its own. A batch is delivered once the receiver has ended the
  connection after reading it. If the connection breaks earlier, the whole batch is sent again: messages may be
  repeated under the same id, and none is lost that the receiver's program has not read.
  A connection for each batch costs no more time: 500 messages of 900 bytes take 9 ms either way, by TLS to rsyslog and
  to syslog-ng on one machine.
- ``kernel``: one connection stays open. Messages are delivered when the receiver's kernel has acknowledged them, and
  sending goes on behind the last of those. What a receiver that ends had not read from its kernel is lost; the messages
  that may be concerned are counted.
"""

import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from security_events.sinks.syslog_connection import SyslogConnection, TlsFiles
from security_events.sinks.syslog_messages import frame

CONNECT_SECONDS = 5.0
SECONDS = 10.0  # for a batch
MOST_MESSAGES = 500
CHUNK_BYTES = 65536
MOST_SILENT_ENDS = 3
# What a receiver's kernel holds at most unread, by Linux's default of net.ipv4.tcp_rmem.
MOST_UNREAD_BYTES = 6 * 1024 * 1024


class SyslogInterrupted(Exception):
    """The receiver has not taken all messages.

    ``delivered`` are the first of them, which it has; ``at_risk`` counts messages that were delivered, now or earlier,
    and that it may have lost.
    """

    def __init__(self, reason: str, *, delivered: int = 0, at_risk: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delivered = delivered
        self.at_risk = at_risk


@dataclass(frozen=True, slots=True)
class SyslogDelivery:
    """How many messages are delivered. ``at_risk`` counts those that the receiver may have lost, now or earlier."""

    delivered: int
    at_risk: int = 0


class SyslogSender:
    """Sends to one receiver. One thread uses it at a time."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: TlsFiles | None,
        keeps_connection: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._address = address
        self._tls = tls
        self._keeps_connection = keeps_connection
        self._seconds = seconds
        self._silent_ends = 0
        self._most = MOST_MESSAGES
        self._connection: SyslogConnection | None = None
        # For each chunk sent by this connection: where it ends, in bytes, and how many messages it holds.
        self._chunks: deque[tuple[int, int]] = deque()

    def send(self, messages: Sequence[bytes]) -> SyslogDelivery:
        """Deliver messages in their order; fewer than all when the receiver is slow.

        Raises: SyslogInterrupted.
        """
        messages = messages[: self._most]
        lost_earlier = self._leave_ended_connection()
        before = 0
        try:
            connection = self._connection or self._connect()
            connection.limit(self._seconds)
            before = sum(count for _, count in self._chunks)
            for chunk in _chunks(messages):
                connection.send(b"".join(map(frame, chunk)))
                self._chunks.append((connection.sent, len(chunk)))
            unconfirmed = self._confirm(connection, len(messages))
        except OSError as error:
            if isinstance(error, TimeoutError):
                self._most = max(1, self._most // 2)
            delivered, at_risk = self._known_after_break(before)
            self.close()
            raise SyslogInterrupted(reason_of(error), delivered=delivered, at_risk=lost_earlier + at_risk) from error
        self._most = min(2 * self._most, MOST_MESSAGES)
        return SyslogDelivery(len(messages), lost_earlier + unconfirmed)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection:
            self._connection.close()
        self._connection = None
        self._chunks.clear()

    def _connect(self) -> SyslogConnection:
        seconds = min(CONNECT_SECONDS, self._seconds)
        self._connection = SyslogConnection(self._address, tls=self._tls, seconds=seconds)
        return self._connection

    def _confirm(self, connection: SyslogConnection, count: int) -> int:
        """Wait until a batch is confirmed. Return how many of its messages stay unconfirmed.

        A receiver may never end its side, although its kernel has everything. After MOST_SILENT_ENDS batches in a row
        the same batch is not sent again: from then on the receiver's kernel confirms.
        """
        if self._keeps_connection:
            connection.wait_until_acknowledged()
            self._forget_read_chunks(connection.sent)
            return 0
        unconfirmed = 0
        try:
            connection.end()
            self._silent_ends = 0
        except TimeoutError:
            self._silent_ends += 1
            if connection.unacknowledged() or self._silent_ends < MOST_SILENT_ENDS:
                raise
            self._keeps_connection = True
            unconfirmed = count
        self.close()
        return unconfirmed

    def _leave_ended_connection(self) -> int:
        """Close a kept connection that the receiver has ended; return how many messages it may have lost.

        An end that is no reset shows that it had read everything.
        """
        if self._connection is None:
            return 0
        at_risk = 0
        try:
            self._connection.require_open()
        except ConnectionAbortedError:
            self.close()
        except OSError:
            _, at_risk = self._known_after_break(0)
            self.close()
        return at_risk

    def _known_after_break(self, before: int) -> tuple[int, int]:
        """Return how many messages of this batch are delivered, and how many of all may be lost.

        ``before`` counts the messages that the connection carried earlier.
        """
        if self._connection is None or not self._keeps_connection:
            return 0, 0
        acknowledged = self._connection.sent - self._connection.unacknowledged()
        taken = [(end, count) for end, count in self._chunks if end <= acknowledged]
        at_risk = sum(count for end, count in taken if end > acknowledged - MOST_UNREAD_BYTES)
        return max(0, sum(count for _, count in taken) - before), at_risk

    def _forget_read_chunks(self, acknowledged: int) -> None:
        while self._chunks and self._chunks[0][0] <= acknowledged - MOST_UNREAD_BYTES:
            self._chunks.popleft()


def reason_of(error: OSError) -> str:
    """Return what went wrong, for operators: a sentence with what to look at, and no part of a message."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The receiver's certificate is not trusted: {error.verify_message}. Check the option ca and the name."
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}. Check the certificates on both sides."
    if isinstance(error, TimeoutError):
        return "The receiver did not answer in time. Check that it runs and that the network lets it be reached."
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return f"A certificate or key can't be read: {error.strerror}. Check the options ca, cert and key."
    return f"The connection failed: {error.strerror or 'the receiver ended it'}. Check that the receiver runs."


def _chunks(messages: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
    """Group messages so that one record of TLS, and one segment, carries several of them."""
    chunks: list[list[bytes]] = []
    size = CHUNK_BYTES
    for each in messages:
        if size + len(each) > CHUNK_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(each)
        size += len(each)
    return chunks
