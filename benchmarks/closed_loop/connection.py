"""One keep-alive connection of HTTP/1.1."""
import socket


class Conn:
    __slots__ = ("t", "sock", "buf", "t0", "vu", "req", "op", "turn")

    def __init__(self, target):
        self.t = target
        self.sock, self.buf, self.turn = None, b"", 0

    def connect(self):
        self.close()
        self.sock = socket.create_connection(self.t.addr, timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock, self.buf = None, b""

    def feed(self, data):
        """Returns (status, headers, body, keep) when a whole answer is there."""
        self.buf += data
        end = self.buf.find(b"\r\n\r\n")
        if end < 0:
            return None
        lines = self.buf[:end].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        h = {}
        for ln in lines[1:]:
            k, _, v = ln.partition(":")
            h[k.strip().lower()] = v.strip()
        rest = self.buf[end + 4:]
        if h.get("transfer-encoding", "").lower() == "chunked":
            body, i = b"", 0
            while True:
                j = rest.find(b"\r\n", i)
                if j < 0:
                    return None
                n = int(rest[i:j].split(b";")[0], 16)
                if len(rest) < j + 2 + n + 2:
                    return None
                if n == 0:
                    break
                body += rest[j + 2:j + 2 + n]
                i = j + 2 + n + 2
        else:
            n = int(h.get("content-length", 0))
            if status in (204, 304):
                n = 0
            if len(rest) < n:
                return None
            body = rest[:n]
        self.buf = b""
        keep = h.get("connection", "").lower() != "close" and not lines[0].startswith("HTTP/1.0")
        return status, h, body, keep


def call(target, op, env, conn=None):
    """One blocking request (set-up only)."""
    own = conn is None
    conn = conn or Conn(target)
    if conn.sock is None:
        conn.connect()
    conn.sock.sendall(target.request(op, env))
    while True:
        data = conn.sock.recv(65536)
        if not data:
            raise RuntimeError(f"{target.name} {op}: connection closed")
        got = conn.feed(data)
        if got:
            break
    status, h, body, keep = got
    if own or not keep:
        conn.close()
    if not target.accept(op, env, status, h, body):
        raise RuntimeError(f"{target.name} {op}: HTTP {status} {body[:300]!r}")
    return body
