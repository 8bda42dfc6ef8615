"""The client for addresses that others name, against real servers on loopback."""

import ssl
import time

import pytest

from cedrina_base.outgoing_http import ForbiddenUrl, OutgoingClient, OutgoingHttpError, require_allowed_url
from tests.peers.certificates import certificate_of
from tests.peers.webhook_receiver import (
    broken,
    closing,
    endless_body,
    late_end,
    listening,
    receiving,
    silent,
    slow_body,
    slow_headers,
)
from tests.programs.busy import Lateness

# 17 addresses of the IANA registries that older guards let through, and those that everybody knows.
FORBIDDEN = [
    "10.0.0.1",
    "100.64.0.1",
    "192.88.99.1",
    "0.0.0.1",
    "224.0.0.1",
    "169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::7f00:1",
    "fec0::1",
    "ff02::1",
    "3fff::1",
    "5f00::1",
    "fd00:ec2::254",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "127.0.0.1",
    "::1",
    "192.168.1.1",
    "172.16.0.1",
    "255.255.255.255",
    "fe80::1",
]
SPELLINGS = [
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://example.com@127.0.0.1/",
    "http://user:password@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://①②⑦.0.0.1/",
    "http://exämple.com/",
    "http://example.com/#fragment",
    "http://example.com:22/",
    "http://example.com:0/",
    "http:///path",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "http://exa mple.com/",
    "http://example.com/\r\nHost: other",
    "http://example.com/" + "x" * 2048,
    "",
]


@pytest.fixture
def allowed(settings):
    """Allow plain HTTP, the port, and optionally loopback."""

    def allow(*ports, networks=("127.0.0.0/8",)):
        settings.CEDRINA_BASE = {
            "OUTBOUND_ALLOWED_NETWORKS": list(networks),
            "OUTBOUND_ALLOWED_PORTS": [80, 443, *ports],
            "OUTBOUND_PLAIN_HTTP": True,
        }

    return allow


def port_of(receiver):
    return int(receiver.url.split(":")[2].split("/")[0])


def resolving_to(*answers):
    """A resolver that gives one answer after the other, and the last one for ever."""
    left = list(answers)

    def resolve(host, port, *_):
        address = left.pop(0) if len(left) > 1 else left[0]
        family = 10 if ":" in address else 2
        return [(family, 1, 6, "", (address, port, 0, 0) if family == 10 else (address, port))]

    return resolve


def post(url, client=None, **options):
    with client or OutgoingClient() as each:
        return each.request("POST", url, body=b"{}", headers={"Content-Type": "application/json"}, **options)


class TestForbiddenAddresses:
    @pytest.mark.attack("OWASP ASVS 5.0, 1.3.6")
    @pytest.mark.parametrize("address", FORBIDDEN)
    def test_are_refused_as_literals_and_as_what_a_name_resolves_to(self, allowed, address):
        with listening() as (port, accepted):
            allowed(port, networks=())
            literal = f"[{address}]" if ":" in address else address
            with pytest.raises(ForbiddenUrl, match="forbidden_address"):
                require_allowed_url(f"http://{literal}:{port}/")
            with pytest.raises(ForbiddenUrl, match="forbidden_address"):
                post(f"http://hooks.example.com:{port}/", OutgoingClient(resolver=resolving_to(address)))
        assert accepted == []

    @pytest.mark.attack("OWASP ASVS 5.0, 1.3.6")
    @pytest.mark.parametrize("url", SPELLINGS)
    def test_are_refused_however_they_are_written(self, allowed, url):
        allowed(networks=())

        with pytest.raises(ForbiddenUrl):
            require_allowed_url(url)

    def test_a_name_that_resolves_to_loopback_the_second_time_gets_no_second_connection(self, allowed):
        """The first lookup is an allowed address of loopback, the second one is not."""
        with receiving() as receiver:
            port = port_of(receiver)
            allowed(port, networks=["127.0.0.1/32"])
            client = OutgoingClient(resolver=resolving_to("127.0.0.1", "127.0.0.2"))
            url = f"http://hooks.example.com:{port}/"
            assert post(url, client).status == 204  # closes the connection
            with pytest.raises(ForbiddenUrl, match="forbidden_address"):
                post(url, client)
        assert receiver.connections == 1

    def test_public_addresses_and_allowed_networks_are_accepted(self, allowed):
        allowed(networks=["10.1.0.0/16"])

        for url in (
            "http://1.1.1.1/",
            "https://[2606:4700::1111]/x?y=z",
            "http://10.1.2.3/",
            "https://xn--bcher-kva.example/",
        ):
            require_allowed_url(url)
        with pytest.raises(ForbiddenUrl):
            require_allowed_url("http://10.2.0.1/")

    def test_plain_http_is_refused_unless_it_is_allowed(self, settings):
        settings.CEDRINA_BASE = {}

        require_allowed_url("https://example.com/")
        with pytest.raises(ForbiddenUrl, match="forbidden_url"):
            require_allowed_url("http://example.com/")
        with pytest.raises(ForbiddenUrl, match="forbidden_url"):
            require_allowed_url("https://example.com:8443/")


class TestRequest:
    def test_sends_what_it_is_given_and_keeps_the_connection(self, allowed):
        with receiving() as receiver, OutgoingClient() as client:
            allowed(port_of(receiver))
            for _ in range(3):
                answer = client.request("POST", receiver.url, body=b"{}", headers={"webhook-id": "1"})
        assert answer.status == 204
        assert receiver.connections == 1
        assert [each.body for each in receiver.received] == [b"{}"] * 3
        assert receiver.received[0].path == "/hook?key=1"
        assert receiver.received[0].headers["Host"] == f"127.0.0.1:{port_of(receiver)}"

    def test_opens_a_new_connection_where_the_kept_one_was_closed(self, allowed):
        with receiving() as receiver, OutgoingClient() as client:
            allowed(port_of(receiver))
            receiver.answers = [204, closing]
            for _ in range(2):
                assert client.request("POST", receiver.url, body=b"{}", headers={}).status == 204
        assert receiver.connections == 2

    def test_reads_the_body_of_an_answer_that_ends_the_connection(self, allowed):
        """`http.client` gives up the connection of such an answer before its body is read."""
        with receiving() as receiver:
            allowed(port_of(receiver))
            receiver.answers = [late_end]
            answer = post(receiver.url)
        assert (answer.body, answer.is_complete) == (b"99\n", True)

    def test_does_not_follow_a_redirect(self, allowed):
        with receiving() as receiver, listening() as (port, accepted):
            allowed(port_of(receiver), port)
            receiver.answers = [(302, {"Location": f"http://127.0.0.1:{port}/"})]
            assert post(receiver.url).status == 302
        assert accepted == []

    def test_uses_no_proxy_of_the_environment(self, allowed, monkeypatch):
        with receiving() as receiver, listening() as (port, accepted):
            allowed(port_of(receiver), port)
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
            assert post(receiver.url).status == 204
        assert accepted == []

    def test_cuts_an_endless_body_off(self, allowed):
        with receiving() as receiver:
            allowed(port_of(receiver))
            receiver.answers = [endless_body]
            answer = post(receiver.url, max_body_bytes=1000)
        assert (answer.status, answer.is_complete, len(answer.body)) == (200, False, 1000)

    @pytest.mark.parametrize("behaviour", [slow_headers, silent])
    def test_gives_up_at_the_deadline_however_the_answer_trickles(self, allowed, behaviour):
        with receiving() as receiver, Lateness() as lateness:
            allowed(port_of(receiver))
            receiver.answers = [behaviour]
            began = time.monotonic()
            with pytest.raises(OutgoingHttpError, match="timeout"):
                post(receiver.url, total_seconds=0.3)
            seconds = time.monotonic() - began
        assert seconds < 3 + lateness.allowance

    def test_gives_a_slow_body_up_at_the_deadline(self, allowed):
        with receiving() as receiver, Lateness() as lateness:
            allowed(port_of(receiver))
            receiver.answers = [slow_body]  # of fifty seconds
            began = time.monotonic()
            answer = post(receiver.url, total_seconds=2)  # the headers must have come by then
            seconds = time.monotonic() - began
        assert (answer.status, answer.is_complete) == (200, False)
        assert seconds < 6 + lateness.allowance

    def test_says_what_went_wrong_without_words_of_the_answer(self, allowed):
        with receiving() as receiver:
            allowed(port_of(receiver), 1)
            receiver.answers = [broken]
            with pytest.raises(OutgoingHttpError, match=r"^malformed_answer$"):
                post(receiver.url)
        with pytest.raises(OutgoingHttpError, match=r"^connection_failed$"):
            post("http://127.0.0.1:1/")
        with pytest.raises(OutgoingHttpError, match=r"^name_not_found$"):
            post("http://hooks.invalid/", OutgoingClient(resolver=_unknown))

    def test_verifies_the_certificate_against_the_name(self, allowed, tmp_path):
        server, authority = certificate_of("hooks.example.com", tmp_path)
        with receiving(tls=server) as receiver:
            port = port_of(receiver)
            allowed(port)
            trusting = ssl.create_default_context(cafile=authority)

            def client(tls):
                return OutgoingClient(resolver=resolving_to("127.0.0.1"), tls=tls)

            assert post(f"https://hooks.example.com:{port}/", client(trusting)).status == 204
            for url, tls in (
                (f"https://other.example.com:{port}/", trusting),
                (f"https://hooks.example.com:{port}/", None),
            ):
                with pytest.raises(OutgoingHttpError, match="tls_failed"):
                    post(url, client(tls))
        assert len(receiver.received) == 1


def _unknown(*_):
    import socket

    raise socket.gaierror(socket.EAI_NONAME, "unknown")
