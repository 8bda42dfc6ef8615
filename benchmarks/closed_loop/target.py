"""A service that is measured: its requests by a mapping (README.md), and what is a right answer."""
import json
import os
import random
from urllib.parse import urlencode, urlsplit


def fill(v, env):
    if isinstance(v, str):
        for k, x in env.items():
            v = v.replace("{" + k + "}", x)
        return v
    if isinstance(v, dict):
        return {k: fill(x, env) for k, x in v.items()}
    if isinstance(v, list):
        return [fill(x, env) for x in v]
    return v


def dig(obj, path):
    for part in path.split("."):
        obj = obj[int(part)] if isinstance(obj, list) else obj[part]
    return obj


def new_password():
    """Passes the usual policies: mixed classes, no runs, unlike the name."""
    a, d = random.sample("bdgkmprtvwxz", 8), random.sample("2479", 3)
    return f"{a[0].upper()}{a[1]}{d[0]}{a[2]}{a[3]}!{d[1]}{a[4].upper()}{a[5]}{d[2]}{a[6]}{a[7]}"


def new_env(tag):
    n = f"{tag}{random.getrandbits(48):012x}"
    return {"username": "u" + n, "email": f"u{n}@example.com",
            "password": new_password(), "access": "", "refresh": "", "uid": n}


class Target:
    def __init__(self, cfg):
        self.cfg = cfg
        self.name = cfg["name"]
        u = urlsplit(cfg["base_url"])
        self.addr = (u.hostname, u.port or 80)
        self.host = u.netloc
        self.prefix = u.path.rstrip("/")
        self.pids = [int(p) for p in cfg.get("pids", [])]
        for f in cfg.get("pid_files", []):
            with open(os.path.expandvars(f)) as fh:
                self.pids.append(int(fh.read().split()[0]))

    def has(self, op):
        return op in self.cfg["endpoints"]

    def request(self, op, env):
        e = self.cfg["endpoints"][op]
        headers = {"Host": self.host, "Accept": "application/json", "Connection": "keep-alive"}
        headers.update(self.cfg.get("headers", {}))
        headers.update(e.get("headers", {}))
        headers = fill(headers, env)
        body = b""
        if "json" in e:
            body = json.dumps(fill(e["json"], env), separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        elif "form" in e:
            body = urlencode(fill(e["form"], env)).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = e.get("method", "POST")
        if body or method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        head = f"{method} {self.prefix}{fill(e['path'], env)} HTTP/1.1\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        return head.encode() + body

    def accept(self, op, env, status, headers, body):
        """True if the answer is right; takes the tokens out of it."""
        e = self.cfg["endpoints"][op]
        if status not in e.get("expect", [200]):
            return False
        try:
            data = json.loads(body) if body and (e.get("extract") or e.get("check")) else None
            for key, path in e.get("extract", {}).items():
                val = headers.get(path[8:].lower()) if path.startswith("@header:") else dig(data, path)
                if not val:
                    return False
                env[key] = val
            for path, want in e.get("check", {}).items():
                if str(dig(data, path)).lower() != fill(want, env).lower():
                    return False
        except (KeyError, IndexError, TypeError, ValueError):
            return False
        return True
