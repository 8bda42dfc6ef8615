"""An issuer that misbehaves as a test demands. It serves HTTP on loopback and signs with real keys."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT_ID, SECRET = "cedrina", "a secret of the tests"
REDIRECT_URI = "https://app.example.com/signed-in"
KID = "key-1"


@cache
def rsa_key(name="first", bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key, kid=KID, **members):
    found = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "n": found["n"], "e": found["e"], "kid": kid, "use": "sig", "alg": "RS256", **members}


def unsigned(header, claims):
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join(parts) + "."


class FakeIssuer:
    """Answers by path. A test replaces an answer, or the claims and the header of the next ID tokens."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.keys = [jwk(rsa_key())]
        self.claims = {}
        self.dropped = ()
        self.sign = self.rs256
        self.nonce = None
        self.token_answer = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def provider(self, **members):
        """Return the entry of SOCIAL_PROVIDERS that means this issuer."""
        return {
            "id": "fake",
            "kind": "openid_connect",
            "name": "Fake",
            "issuer": self.url,
            "client_id": CLIENT_ID,
            "secret": SECRET,
            "redirect_uris": [REDIRECT_URI],
            **members,
        }

    def count(self, path):
        return sum(each.split("?")[0] == path for each in self.asked)

    def rs256(self, claims):
        return jwt.encode(claims, rsa_key(), algorithm="RS256", headers={"kid": KID})

    def id_token(self, **changes):
        """Return an ID token as a good issuer would make it, but for what the test changed."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonce,
            "email": "mina@example.com",
            "email_verified": True,
            "name": "Mina Karimi",
            **self.claims,
            **changes,
        }
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def _discovery(self):
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/me",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def _answer(self, path):
        known = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": lambda: {"keys": self.keys},
            "/token": lambda: {
                "access_token": "an-access-token",
                "token_type": "Bearer",
                "id_token": self.id_token(),
                **self.token_answer,
            },
            "/me": lambda: {"sub": "person-1", "email": "mina@example.com", "email_verified": True},
        }
        answer = self.answers.get(path, known.get(path))
        return answer() if callable(answer) else answer

    def _handler(self):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments):
                pass

            def do_GET(self):
                self.reply()

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                fake.posted = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
                self.reply()

            def reply(self):
                fake.asked.append(self.path)
                answer = fake._answer(urlsplit(self.path).path)
                status, body, headers = answer if isinstance(answer, tuple) else (200 if answer else 404, answer, {})
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

        return Handler


@contextmanager
def fake_issuer():
    issuer = FakeIssuer()
    try:
        yield issuer
    finally:
        issuer.close()
