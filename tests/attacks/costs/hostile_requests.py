"""Requests that are made to be slow to read: each a function of its size, so that growth can be measured too.

Each names what it aims at. The headers are those of WSGI; ``wsgi.input`` is a body.
"""

from io import BytesIO
from urllib.parse import unquote_to_bytes

LOGIN, FORM, ADMIN, ME = "/api/v1/auth/login", "/account/forgot-password", "/admin/login/", "/api/v1/auth/me"
JSON = "application/json"
BOUNDARY = "x"


def environ(method="GET", path="/livez", *, body=None, kind=JSON, **headers):
    """Spell a request as the servers hand it on."""
    content = (body or "").encode() if not isinstance(body, bytes) else body
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input": BytesIO(content),
        "CONTENT_LENGTH": str(len(content)),
        **({"CONTENT_TYPE": kind} if body is not None else {}),
        **headers,
    }


def header(name, piece, *, start="", end="", method="GET", path="/livez", body=None, kind=JSON):
    """Return what makes a request with one long header: a piece, repeated."""

    def make(size):
        times = max(1, (size - len(start) - len(end)) // len(piece))
        return environ(method, path, body=body, kind=kind, **{name: start + piece * times + end})

    return make


def bodied(piece, *, start="", end="", path=LOGIN, kind=JSON):
    """Return what makes a request with a long body: a piece, repeated, and an end as often."""

    def make(size):
        times = max(1, (size - len(start)) // (len(piece) + len(end)))
        return environ("POST", path, body=start + piece * times + end * times, kind=kind)

    return make


def numbered(form, *, path=LOGIN, kind=JSON, start="", end=""):
    """Return what makes a body of pieces that all differ."""

    def make(size):
        times = max(1, size // len(form % 10_000))
        pieces = (
            ",".join(form % number for number in range(times))
            if kind == JSON
            else "".join(form % number for number in range(times))
        )
        return environ(
            "POST", path, body=(start + pieces + end)[: size + 10] if kind != JSON else start + pieces + end, kind=kind
        )

    return make


def pathed(piece, *, start="/"):
    """Return what makes a request of a long path, decoded as the servers do."""

    def make(size):
        sent = start + piece * (size // len(piece))
        return environ(path=unquote_to_bytes(sent).decode("latin-1"))

    return make


def query(piece, path="/api/v1/auth/sessions"):
    """Return what makes a request of a long query."""
    return lambda size: environ(path=path, QUERY_STRING=piece * (size // len(piece)))


PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n\r\n'
MULTIPART, URLENCODED = f"multipart/form-data; boundary={BOUNDARY}", "application/x-www-form-urlencoded"

REQUESTS = {
    # addresses (RFC 7239, and the older header)
    **{
        f"{name} {shape}": header(f"HTTP_{name}", piece, start=start)
        for name in ("FORWARDED", "X_FORWARDED_FOR")
        for shape, start, piece in (
            ("pairs without an end", "", "a=b"),
            ("blanks", "for=", " "),
            ("blanks before =", "", "a \t"),
            ("open quote", 'for="', "a"),
            ("quotes", "", '"'),
            ("backslashes in quotes", 'for="', "\\"),
            ("escaped quotes", 'for="', '\\"'),
            ("commas", "", ","),
            ("semicolons", "", ";"),
            ("equals", "", "="),
            ("digits", "", "1"),
            ("colons", "", ":"),
            ("addresses", "", "192.0.2.7,"),
            ("fors", "", "for=1.2.3.4,"),
            ("quoted fors", "", 'for="[2001:db8::1]:1",'),
            ("brackets", "", "["),
            ("quotes and commas", "", '",'),
        )
    },
    # languages
    **{
        f"Accept-Language {shape}": header("HTTP_ACCEPT_LANGUAGE", piece, path="/nowhere")
        for shape, piece in (
            ("commas", ","),
            ("letters", "a"),
            ("ranges", "aa,"),
            ("variants", "es-"),
            ("hyphens", "-"),
            ("stars", "*,"),
            ("weights", "a;q=0.1,"),
            ("long weights", "a;q=0.11111111111111111111,"),
            ("blanks", " "),
            ("q", ";q="),
        )
    },
    # content negotiation
    **{
        f"Accept {shape}": header("HTTP_ACCEPT", piece, path="/.well-known/jwks.json")
        for shape, piece in (("commas", ","), ("ranges", "*/*,"), ("parameters", ";q=0"), ("blanks", " "))
    },
    **{
        f"Content-Type {shape}": header("CONTENT_TYPE", piece, start=start, method="POST", path=path, body="{}")
        for shape, start, piece, path in (
            ("semicolons", "a/b", ";", LOGIN),
            ("semicolons in quotes", 'a/b;a="', ";", LOGIN),
            ("parameters", "a/b", ";a=b", LOGIN),
            ("quotes", "a/b;a=", '"', LOGIN),
            ("charsets", JSON, ";charset=utf-8", LOGIN),
            ("continuations", "a/b", ";a*0=b", LOGIN),
            ("escapes", 'a/b;a="', '\\"', LOGIN),
            ("a boundary", "multipart/form-data;boundary=", "x", FORM),
            ("blanks", "a/b;", " ", LOGIN),
        )
    },
    "Content-Encoding": header("HTTP_CONTENT_ENCODING", "gzip,", method="POST", path=LOGIN, body="{}"),
    # what identifies
    "correlation id": header("HTTP_X_CORRELATION_ID", "a"),
    "correlation id with an end": header("HTTP_X_CORRELATION_ID", "a", end="\n"),
    **{
        f"User-Agent {shape}": header(
            "HTTP_USER_AGENT", piece, start="Mozilla/5 ", method="POST", path=LOGIN, body="{}"
        )
        for shape, piece in (("letters", "a"), ("blanks", " "), ("versions", "a/1."), ("brackets", "("), ("1", "1"))
    },
    **{
        f"Cookie {shape} at {path}": header("HTTP_COOKIE", piece, start=start, path=path)
        for path in (ADMIN, FORM)
        for shape, start, piece in (
            ("semicolons", "", ";"),
            ("pairs", "", "a=b;"),
            ("one name", "", "cedrina_admin=b;"),
            ("backslashes in quotes", 'cedrina_admin="', "\\"),
            ("octal", 'a="', "\\101"),
            ("escaped quotes", 'a="', '\\"'),
            ("quotes", "a=", '"'),
            ("letters", "cedrina_admin=", "a"),
        )
    },
    **{
        f"Authorization {shape}": header("HTTP_AUTHORIZATION", piece, start=start, path=ME)
        for shape, start, piece in (
            ("letters", "Bearer ", "a"),
            ("dots", "Bearer ", "."),
            ("blanks", "Bearer", " "),
            ("a scheme", "", "b"),
            ("an object", "Bearer eyJhbGciOiJSUzI1NiJ9.", "e30"),
            ("tabs", "Bearer", "\t"),
        )
    },
    **{
        f"{name} {shape}": header(f"HTTP_{name}", piece)
        for name in ("HOST", "ORIGIN", "IF_MATCH", "RANGE", "X_UNKNOWN", "X_HTTP_METHOD_OVERRIDE", "ACCEPT_ENCODING")
        for shape, piece in (("letters", "a"), ("dots", "."), ("commas", ","), ("colons", ":"), ("blanks", " "))
    },
    "Host numbers": header("HTTP_HOST", "1", start="[", end="]:1"),
    "static Range": header("HTTP_RANGE", "0-1,", start="bytes=", path="/static/admin/css/base.css"),
    "static Accept-Encoding": header("HTTP_ACCEPT_ENCODING", "gzip,", path="/static/admin/css/base.css"),
    "static If-Modified-Since": header("HTTP_IF_MODIFIED_SINCE", "Mon, ", path="/static/admin/css/base.css"),
    "static If-Modified-Since zone": header("HTTP_IF_MODIFIED_SINCE", "-1", path="/static/admin/css/base.css"),
    "static If-None-Match": header("HTTP_IF_NONE_MATCH", '"a",', path="/static/admin/css/base.css"),
    # method, path, query
    "method": lambda size: environ("A" * size, LOGIN),
    "method in lower case": lambda size: environ("get" * (size // 3), ME),
    **{
        f"path {shape}": pathed(piece, start=start)
        for shape, start, piece in (
            ("letters", "/", "a"),
            ("slashes", "/", "/"),
            ("dots", "/", "../"),
            ("broken UTF-8", "/", "%ff"),
            ("half characters", "/", "%e2%82"),
            ("encoded", "/", "%2541"),
            ("admin", "/admin/", "a/"),
            ("NUL", "/", "%00"),
            ("admin objects", "/admin/accounts/user/", "_2F"),
            ("parameters", "/livez", ";a=b"),
            ("percents", "/", "%"),
            ("static", "/static/", "../"),
            ("sessions", "/api/v1/auth/sessions/", "0"),
            ("pages", "/account/", "a/"),
        )
    },
    **{
        f"query {shape}": query(piece)
        for shape, piece in (
            ("ampersands", "&"),
            ("pairs", "a=b&"),
            ("percents", "%"),
            ("broken UTF-8", "%ff"),
            ("a number", "limit=1"),
            ("pluses", "+"),
            ("a cursor", "cursor=a"),
        )
    },
    # bodies of programs
    **{
        f"JSON {shape}": bodied(piece, start=start, end=end)
        for shape, start, piece, end in (
            ("arrays", "", "[", "]"),
            ("objects", "", '{"a":', "}"),
            ("open arrays", "", "[", ""),
            ("number", '{"a":', "9", ""),
            ("closed number", '{"username":', "9", ""),
            ("fraction", '{"a":0.', "1", ""),
            ("exponent", '{"a":1e', "9", ""),
            ("blanks", "", " ", ""),
            ("text", '{"username":"', "a", ""),
            ("escapes", '{"a":"', "\\u0041", ""),
            ("lone surrogates", '{"a":"', "\\ud800", ""),
            ("minus", "", "-", ""),
        )
    },
    "JSON whole number": lambda size: environ("POST", LOGIN, body='{"username":%s,"password":"x"}' % ("9" * size)),
    "JSON whole text": lambda size: environ("POST", LOGIN, body='{"username":"%s","password":"x"}' % ("a" * size)),
    "JSON members": numbered('"m%d":1', start="{", end="}"),
    "JSON same member": numbered('"email":%d', start="{", end="}", path="/api/v1/auth/forgot-password"),
    "JSON items": numbered("[%d]", start='{"a":[', end="]}"),
    "JSON floats": numbered("%d.5e300", start='{"a":[', end="]}"),
    "JSON address": lambda size: environ(
        "POST", "/api/v1/auth/forgot-password", body='{"email":"%s"}' % ("a." * (size // 2) + "@example.com")
    ),
    "JSON combining signs": lambda size: environ(
        "POST", "/api/v1/auth/forgot-password", body='{"email":"a%s@example.com"}' % ("\u0323\u0307" * (size // 4))
    ),
    "JSON combining signs in a name": lambda size: environ(
        "POST", LOGIN, body='{"username":"%s","password":"x"}' % ("\u0323\u0307" * (size // 4))
    ),
    "JSON combining signs in a registration": lambda size: environ(
        "POST", "/api/v1/auth/register", body='{"full_name":"%s"}' % ("\u0323\u0307" * (size // 4))
    ),
    "form combining signs": lambda size: environ(
        "POST", FORM, body="email=" + "%CC%A3%CC%87" * (size // 12), kind=URLENCODED
    ),
    "JSON refresh token": lambda size: environ(
        "POST", "/api/v1/auth/refresh", body='{"refresh_token":"cdr_%s"}' % ("A" * size)
    ),
    # forms of people
    "form pairs": bodied("a=b&", path=FORM, kind=URLENCODED),
    "form ampersands": bodied("&", path=FORM, kind=URLENCODED),
    "form percents": bodied("%", path=FORM, kind=URLENCODED, start="email="),
    "form broken UTF-8": bodied("%ff", path=FORM, kind=URLENCODED, start="email="),
    "form parts": numbered(PART, path=FORM, kind=MULTIPART),
    "form boundaries": bodied("--x\r\n", path=FORM, kind=MULTIPART),
    "form almost boundaries": bodied("\r\n-", path=FORM, kind=MULTIPART),
    "form headers of a part": bodied("A: b\r\n", start="--x\r\n", path=FORM, kind=MULTIPART),
    "form header of a part": bodied(";a=b", start="--x\r\nContent-Disposition: form-data", path=FORM, kind=MULTIPART),
    "form quotes in a part": bodied(
        ";", start='--x\r\nContent-Disposition: form-data; name="', path=FORM, kind=MULTIPART
    ),
    "form blank lines": bodied("\r\n", start="--x\r\n", path=FORM, kind=MULTIPART),
    "form transfer encoding": bodied(
        "=",
        start='--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n',
        path=FORM,
        kind=MULTIPART,
    ),
    "admin form": bodied("a=b&", path=ADMIN, kind=URLENCODED),
    "admin form parts": numbered(PART, path=ADMIN, kind=MULTIPART),
}
