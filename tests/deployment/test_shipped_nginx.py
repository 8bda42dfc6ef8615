"""deploy/nginx.conf in front of the servers of production: what clients do, and what those do who mean harm."""

import asyncio
import json
import re
import secrets
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cedrina.http.problem_catalogue import PROBLEMS
from tests.deployment.conftest import HOST
from tests.deployment.streams import answers_in, as_answer
from tests.peers import nginx_server
from tests.peers.nginx_server import DEPLOY, LOOPBACK, SECOND_WEB_SERVER, Nginx
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.ports import free_port

PASSWORD = "four quiet green lamps"


def client_of(nginx, *, source=LOOPBACK, **headers):
    """Return a client of the API at an address of this machine."""
    return httpx.Client(
        base_url=f"{nginx.url}/api/v1",
        headers={"Host": HOST, **headers},
        transport=httpx.HTTPTransport(local_address=source),
        timeout=120,
    )


def register(client):
    name = f"visitor-{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    answer = client.post("/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return name, answer.json()["tokens"]


class TestWhatIsTested:
    def test_is_the_shipped_file_but_for_addresses_ports_and_paths(self, directory):
        nginx = Nginx(directory=directory, name="compared").use_shipped(web=4711, sockets=4712)
        shipped = (DEPLOY / "nginx.conf").read_text().replace(SECOND_WEB_SERVER, "").splitlines()
        used = nginx.configuration.read_text().splitlines()

        changed = [(was, now) for was, now in zip(shipped, used, strict=True) if was != now]

        assert 9 <= len(changed) <= 12
        for was, now in changed:
            assert re.fullmatch(r"\s*(server|include|pid|\w+_temp_path) \S+( fail_timeout=2s)?;", was), was
            assert was.split()[0] == now.split()[0]
        listen = (nginx.directory / "nginx" / "listen.conf").read_text()
        assert listen.replace(f"{LOOPBACK}:{nginx.port}", "8080") == (DEPLOY / "nginx" / "listen.conf").read_text()
        named = "proxies-in-front.conf"
        assert (nginx.directory / "nginx" / named).read_text() == (DEPLOY / "nginx" / named).read_text()

    def test_names_no_proxy_as_it_stands(self):
        lines = (DEPLOY / "nginx" / "proxies-in-front.conf").read_text().splitlines()
        assert [line for line in lines if line and not line.startswith("#")] == []


class TestPeople:
    def test_register_sign_in_refresh_and_sign_out(self, stack):
        with client_of(stack.nginx, source="127.0.0.11") as client:
            name, _ = register(client)
            signed_in = client.post("/auth/login", json={"username": name, "password": PASSWORD})
            assert signed_in.status_code == 200
            tokens = signed_in.json()["tokens"]
            refreshed = client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
            assert refreshed.status_code == 200
            bearer = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
            assert client.get("/auth/me", headers=bearer).json()["username"] == name
            assert client.post("/auth/logout", json={}, headers=bearer).status_code == 204
            assert_problem(client.get("/auth/me", headers=bearer), status=401, code="session_revoked")

    def test_get_a_frame_over_a_socket(self, stack):
        async def listen():
            url = f"ws://{HOST}:{stack.nginx.port}/ws/health/"
            async with websockets.connect(url, host=LOOPBACK, port=stack.nginx.port) as connection:
                return json.loads(await asyncio.wait_for(connection.recv(), 20))

        assert asyncio.run(listen()) == {"type": "health", "status": "ok"}

    def test_of_long_ago_need_no_host(self, stack):
        [found] = answers_in(stack.nginx.converse(b"GET /.well-known/jwks.json HTTP/1.0\r\n\r\n"))
        assert found[0] == 200

    def test_see_the_sign_in_of_the_admin_and_its_files(self, stack):
        with client_of(stack.nginx) as client:
            page = client.get(f"{stack.nginx.url}/admin/login/", headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert "Set-Cookie" in page.headers
            assert client.get(f"{stack.nginx.url}/static/admin/css/base.css").status_code == 200

    def test_are_not_sent_elsewhere_by_a_path_without_its_slash(self, stack):
        with client_of(stack.nginx) as client:
            for path in ("/ws", "/api", "/.nginx/problem", "/.nginx/"):
                assert_problem(client.get(f"{stack.nginx.url}{path}"), status=404, code="not_found")

    @pytest.mark.attack("RFC 9110, 15.5.14")
    @pytest.mark.parametrize("size", [70_000, 300_000, 1_000_000])
    def test_are_told_by_the_application_that_a_body_is_too_large(self, stack, size):
        with client_of(stack.nginx) as client:
            for _ in range(20):
                answer = client.post("/auth/login", content=b"x" * size, headers={"Accept-Language": "es"})
                problem = assert_problem(answer, status=413, code="payload_too_large")
                assert problem["instance"] == "/api/v1/auth/login"
                assert answer.headers["Content-Language"] == "es"

    def test_are_told_by_nginx_what_is_far_too_large(self, stack):
        with client_of(stack.nginx) as client:
            answer = client.post("/auth/login", content=b"x" * 3_000_000)
        assert_problem(answer, status=413, code="payload_too_large")


class TestErrorsOfNginx:
    @pytest.mark.parametrize(
        "request_text",
        [
            b"GET /%00 HTTP/1.1\r\nHost: id.example.org\r\n\r\n",
            b"GET /api/v1/auth/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /api/v1/auth/me HTTP/1.1\r\n\r\n",
            b"GET /api/v1/auth/me HTTP/9.9\r\nHost: id.example.org\r\n\r\n",
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: id.example.org\r\n\r\n",
            b"GET /livez HTTP/1.1\r\nHost: id.example.org\r\nX-Large: " + b"a" * 20_000 + b"\r\n\r\n",
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: id.example.org\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b'GET /"><x> HTTP/1.1\r\nHost: id.example.org\r\nHost: "\r\n\r\n',
        ],
    )
    def test_about_what_is_no_request_have_the_shape_of_the_contract(self, stack, request_text):
        [found] = answers_in(stack.nginx.converse(request_text))
        assert_problem(as_answer(found), status=400, code="malformed_request")

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
    def test_about_methods_have_it_too(self, stack, method):
        target = "id.example.org:443" if method == "CONNECT" else "/livez"
        [found] = answers_in(stack.nginx.converse(f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()))
        assert found[0] in (400, 405)
        assert_problem(as_answer(found))

    def test_keep_the_callers_correlation_id(self, stack):
        request = b"GET /livez HTTP/9.9\r\nHost: x\r\nX-Correlation-ID: of-the-caller\r\n\r\n"
        [found] = answers_in(stack.nginx.converse(request.replace(b"HTTP/9.9", b"HTTP/1.1\r\nHost: y")))
        assert as_answer(found).headers["x-correlation-id"] == as_answer(found).document["correlation_id"]

    def test_say_what_the_catalogue_says(self):
        text = (DEPLOY / "nginx.conf").read_text()
        codes = re.search(r"\$problem_code \{(.*?)\}", text, re.DOTALL)[1]
        titles = re.search(r"\$problem_title \{(.*?)\}", text, re.DOTALL)[1]
        details = re.search(r"\$problem_detail \{(.*?)\}", text, re.DOTALL)[1]
        for status, code in re.findall(r"(\d+|default) (\w+);", codes):
            kind = PROBLEMS[code]
            assert status in (str(kind.status), "default")
            assert f'{status} "{kind.title}";' in titles
            assert f'{status} "{kind.detail}";' in details


@pytest.fixture(scope="module")
def apart(stack, directory):
    """A server that is not running yet behind an nginx of its own."""
    kept = ("CEDRINA_ENV", "PUBLIC_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "BCRYPT_ROUNDS", "EMAIL_URL")
    settings = {name: stack.web.environment[name] for name in kept}
    web = served.Served(database_url=stack.database_url, flags=("--http",), **settings)
    nginx = Nginx(directory=directory, name="outage").use_shipped(web=web.port, sockets=free_port())
    with nginx_server.running(nginx):
        yield web, nginx
    web.stop()


class TestAnOutage:
    """The application goes away and comes back; nginx stays as it is."""

    def test_is_503_in_the_shape_of_the_contract_and_ends_by_itself(self, apart):
        web, nginx = apart
        with client_of(nginx) as client:
            answer = client.post("/auth/login", json={}, headers={"X-Correlation-ID": "while-it-was-away"})
            problem = assert_problem(answer, status=503, code="service_unavailable")
            assert problem["instance"] == "/api/v1/auth/login"
            assert problem["correlation_id"] == "while-it-was-away"
            assert_problem(client.get(f"{nginx.url}/ws/health/"), status=503)
            page = client.get(f"{nginx.url}/admin/?next=<script>")
            assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
            assert "script" not in page.text
            assert page.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"

            for _ in range(2):
                web.start()
                assert client.get("/auth/me").status_code == 401
                web.kill()
                web.process = None
                assert_problem(client.get("/auth/me"), status=503)

    def test_writes_no_address_of_a_mailed_link_into_the_log(self, apart):
        _, nginx = apart
        with client_of(nginx) as client:
            client.get(f"{nginx.url}/account/reset-password?token=of-a-mailed-link")
        assert "of-a-mailed-link" not in nginx.errors


class TestTLS:
    def test_ends_at_nginx_by_the_lines_that_are_shipped(self, stack, directory, tmp_path):
        nginx = Nginx(directory=directory, name="tls").use_shipped(web=stack.web.port, sockets=stack.sockets.port)
        make_certificate(nginx.directory / "nginx")
        listen = nginx.directory / "nginx" / "listen.conf"
        text = (DEPLOY / "nginx" / "listen.conf").read_text().replace("listen 8080;", "")
        text = re.sub(r"^# (?=listen|ssl_)", "", text, flags=re.MULTILINE)
        text = text.replace("/etc/nginx/cedrina", str(listen.parent)).replace("8443", f"{LOOPBACK}:{nginx.port}")
        listen.write_text(text)
        with nginx_server.running(nginx):
            context = ssl.create_default_context(cafile=listen.parent / "certificate.pem")
            with httpx.Client(verify=context, base_url=f"https://{LOOPBACK}:{nginx.port}") as client:

                def get(path):
                    return client.get(path, headers={"Host": HOST}, extensions={"sni_hostname": HOST})

                ours, of_nginx = get("/livez"), get("/.nginx/problem")
            assert ours.json() == {"status": "ok"}
            assert ours.headers["Strict-Transport-Security"] == of_nginx.headers["Strict-Transport-Security"]


def make_certificate(place):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (place / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (place / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
