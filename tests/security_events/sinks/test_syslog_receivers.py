"""What rsyslog and syslog-ng receive, byte for byte, by TCP and TLS, and what they lose when they are killed."""

import itertools
import signal
import socket
import threading

import pytest

from security_events.sinks.syslog_connection import TlsFiles
from security_events.sinks.syslog_messages import SyslogOrigin, frame, message
from security_events.sinks.syslog_sender import SyslogDelivery, SyslogInterrupted, SyslogSender
from tests.security_events.sinks import syslog_receivers
from tests.security_events.sinks.certificates import DAY, Authority
from tests.security_events.sinks.syslog_receivers import Rsyslog, RsyslogWithGnutls, SyslogNg

pytestmark = pytest.mark.process

RECEIVERS = [Rsyslog, RsyslogWithGnutls, SyslogNg]
HOSTILE = 'سلام دنیا\nline two\r\n\ttab 🦊👩🏽‍🚀 ]"\\ \u2028 <END> 12 <13>1 '


def messages(count, *, start=0, text=HOSTILE):
    return [
        message(
            f"{text} {number}" + "é" * 35_000 * (number == 7),
            severity=5,
            timestamp="2026-03-01T12:00:00.123456Z",
            message_id="account.registered",
            parameters={"id": number, "name": HOSTILE},
            origin=SyslogOrigin("auth.example.com", process_id="417"),
        )
        for number in range(start, start + count)
    ]


def trusting(authority, **files):
    return TlsFiles(ca=authority.file, **files)


class TestOverTls:
    @pytest.mark.parametrize("kind", RECEIVERS)
    def test_a_thousand_messages_arrive_in_order_byte_for_byte(self, tmp_path, kind):
        authority = Authority(tmp_path)
        with syslog_receivers.running(kind(tmp_path, authority=authority)) as receiver:
            sender = SyslogSender(("localhost", receiver.port), tls=trusting(authority))
            sent = messages(1000)

            deliveries = [sender.send(sent[:400]), sender.send(sent[400:]), sender.send(sent[900:])]

            assert deliveries == [SyslogDelivery(400), SyslogDelivery(500), SyslogDelivery(100)]
            assert receiver.received(count=1000) == sent

    @pytest.mark.parametrize("kind", [Rsyslog, SyslogNg])
    def test_a_receiver_can_ask_for_a_certificate(self, tmp_path, kind):
        authority = Authority(tmp_path)
        certificate, key = authority.issue("client")
        with syslog_receivers.running(kind(tmp_path, authority=authority, asks_for_certificate=True)) as receiver:
            address, sent = ("localhost", receiver.port), messages(3)

            with pytest.raises(SyslogInterrupted) as refused:
                SyslogSender(address, tls=trusting(authority)).send(sent)
            SyslogSender(address, tls=trusting(authority, certificate=certificate, key=key)).send(sent)

            assert refused.value.delivered == 0
            assert receiver.received(count=3) == sent

    def test_a_foreign_authority_or_name_gets_nothing(self, tmp_path):
        (tmp_path / "other").mkdir()
        authority, other = Authority(tmp_path), Authority(tmp_path / "other", "other")
        with syslog_receivers.running(SyslogNg(tmp_path, authority=authority)) as receiver:
            for address, trusted in ((("localhost", receiver.port), other), (("127.0.0.1", receiver.port), authority)):
                with pytest.raises(SyslogInterrupted, match="certificate is not trusted"):
                    SyslogSender(address, tls=trusting(trusted)).send(messages(1))

            assert not receiver.output.exists()

    def test_an_expired_certificate_gets_nothing(self, tmp_path):
        authority = Authority(tmp_path)
        receiver = SyslogNg(tmp_path, authority=authority)
        authority.issue("localhost", ends_in=-DAY)
        with syslog_receivers.running(receiver):
            with pytest.raises(SyslogInterrupted, match="expired"):
                SyslogSender(("localhost", receiver.port), tls=trusting(authority)).send(messages(1))

            assert not receiver.output.exists()


class TestOtherReceivers:
    """Receivers that end a connection at a moment at which that proves nothing."""

    def test_one_that_hangs_up_at_once_has_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            hanging_up = threading.Thread(target=lambda: [server.accept()[0].close() for _ in range(20)])
            hanging_up.start()
            sender = SyslogSender(server.getsockname(), tls=None)
            for _ in range(20):
                with pytest.raises(SyslogInterrupted) as interrupted:
                    sender.send(messages(3))
                assert (interrupted.value.delivered, interrupted.value.at_risk) == (0, 0)
            hanging_up.join()

    def test_one_that_stands_still_is_sent_the_rest_behind_what_its_kernel_has(self):
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
            server.bind(("127.0.0.1", 0))
            server.listen()
            sender = SyslogSender(server.getsockname(), tls=None, keeps_connection=True, seconds=0.3)
            sent = messages(500, text="x" * 20_000)

            with pytest.raises(SyslogInterrupted) as interrupted:
                sender.send(sent)

            stream = b"".join(map(frame, sent[: interrupted.value.delivered]))
            with server.accept()[0] as accepted:
                accepted.settimeout(10)
                assert accepted.recv(len(stream), socket.MSG_WAITALL) == stream
            assert 0 < interrupted.value.delivered < 500
            # The kernel's word alone does not say whether the program has read them.
            assert interrupted.value.at_risk == interrupted.value.delivered

    def test_one_that_never_ends_is_not_sent_the_same_for_ever(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            sender = SyslogSender(server.getsockname(), tls=None, seconds=0.1)
            for _ in range(2):
                with pytest.raises(SyslogInterrupted, match="in time"):
                    sender.send(messages(3))

            assert sender.send(messages(3)) == SyslogDelivery(3, at_risk=3)
            assert sender.send(messages(3)) == SyslogDelivery(3)
            sender.close()


class TestOverTcp:
    @pytest.mark.parametrize("kind", [Rsyslog, SyslogNg])
    @pytest.mark.parametrize("keeps_connection", [False, True])
    def test_messages_arrive_byte_for_byte(self, tmp_path, kind, keeps_connection):
        with syslog_receivers.running(kind(tmp_path)) as receiver:
            sender = SyslogSender(("127.0.0.1", receiver.port), tls=None, keeps_connection=keeps_connection)
            sent = messages(20)

            assert sender.send(sent[:10]) == sender.send(sent[10:]) == SyslogDelivery(10)
            sender.close()

            assert receiver.received(count=20) == sent


class TestKilledReceiver:
    @pytest.mark.parametrize("kind", [Rsyslog, SyslogNg])
    @pytest.mark.parametrize("keeps_connection", [False, True])
    def test_loses_nothing_but_what_is_counted(self, tmp_path, kind, keeps_connection):
        """The receiver stands still while a batch arrives, so that its kernel holds what dies with it."""
        authority = Authority(tmp_path)
        with syslog_receivers.running(kind(tmp_path, authority=authority)) as receiver:
            sender = SyslogSender(
                ("localhost", receiver.port), tls=trusting(authority), keeps_connection=keeps_connection, seconds=1
            )
            todo = messages(1200, text="x" * 500)

            def between(batch):
                if batch == 1:
                    receiver.received(count=400)
                    receiver.freeze()
                elif batch == 2:
                    receiver.stop(signal.SIGKILL)
                    receiver.start()

            at_risk = deliver(sender, todo, between=between)
            sender.close()
            arrived = receiver.received(count=len(todo) - at_risk)

            missing = set(todo) - set(arrived)
            assert len(missing) <= at_risk
            assert (len(missing) > 0) == keeps_connection
            numbers = [todo.index(each) for each in dict.fromkeys(arrived)]  # each is whole
            assert numbers == sorted(numbers)


def deliver(sender, todo, *, between):
    """Deliver all in batches of 400 and send again what is not delivered, as the outbox does. Return who is at risk."""
    done, at_risk = 0, 0
    batches = itertools.count()
    while done < len(todo):
        between(next(batches))
        try:
            delivery = sender.send(todo[done : done + 400])
            done += delivery.delivered
            at_risk += delivery.at_risk
        except SyslogInterrupted as interrupted:
            done += interrupted.delivered
            at_risk += interrupted.at_risk
    return at_risk
