"""Load on one operation of a target for some seconds, and the figures of several such slices."""
import selectors
import statistics
import time

from closed_loop.connection import Conn
from closed_loop.processes import cpu_seconds
from closed_loop.target import new_env

DB_PIDS = []


def run_slice(target, op, pool, conc, seconds, max_requests=None, logins=()):
    """Closed loop.  pool: one env per virtual user (register: made on the fly;
    logout: a list of sessions, each used once).  logins: users that log in over
    and over on connections of their own meanwhile, counted apart."""
    sel = selectors.DefaultSelector()
    lat, lat_logins, errors, first_error = [], [], 0, None
    queue = list(pool) if op == "logout" else None
    limit = len(queue) if queue is not None else max_requests
    started = 0

    def next_env(c):
        vu = c.vu
        if c.op != op:
            return logins[vu]
        if op == "register":
            return new_env("r")
        if op == "logout":
            return queue.pop() if queue else None
        if len(pool) < 2 * conc:
            return pool[vu]
        c.turn += conc                           # many people: each user goes through a part of them
        return pool[(vu + c.turn) % (len(pool) - len(pool) % conc)]

    def fire(c):
        nonlocal started
        if limit is not None and started >= limit:
            return False
        env = next_env(c)
        if env is None:
            return False
        started += 1
        c.req = env
        if c.sock is None:
            c.connect()
            c.sock.setblocking(True)
            sel.register(c.sock, selectors.EVENT_READ, c)
        data = target.request(c.op, env)
        c.t0 = time.perf_counter()
        try:
            c.sock.sendall(data)
        except OSError:
            sel.unregister(c.sock)
            c.connect()
            sel.register(c.sock, selectors.EVENT_READ, c)
            c.t0 = time.perf_counter()
            c.sock.sendall(data)
        return True

    conns = []
    plan = [(op, i) for i in range(conc)]
    for i in range(len(logins)):                 # spread among the others
        plan.insert(min(len(plan), 2 * i + 1), ("login", i))
    for c_op, i in plan:
        c = Conn(target)
        c.op, c.vu = (c_op if c_op == op else "login"), i
        c.connect()
        c.sock.setblocking(True)
        sel.register(c.sock, selectors.EVENT_READ, c)
        conns.append(c)
    cpu0 = cpu_seconds(target.pids)
    db0 = cpu_seconds(DB_PIDS)
    own0 = time.process_time()
    t_start = time.perf_counter()
    deadline = t_start + seconds
    live = sum(1 for c in conns if fire(c))
    while live:
        events = sel.select(timeout=30)
        if not events:
            errors += live
            first_error = first_error or "timeout 30 s"
            break
        for key, _ in events:
            c = key.data
            try:
                data = c.sock.recv(262144)
            except OSError:
                data = b""
            if not data:
                sel.unregister(c.sock)
                c.close()
                errors += 1
                first_error = first_error or "connection closed"
            else:
                got = c.feed(data)
                if got is None:
                    continue
                now = time.perf_counter()
                status, h, body, keep = got
                if target.accept(c.op, c.req, status, h, body):
                    (lat if c.op == op else lat_logins).append(now - c.t0)
                else:
                    errors += 1
                    first_error = first_error or f"HTTP {status} {body[:160]!r}"
                if not keep:
                    sel.unregister(c.sock)
                    c.close()
            if time.perf_counter() >= deadline or not fire(c):
                live -= 1
    wall = time.perf_counter() - t_start
    cpu = cpu_seconds(target.pids) - cpu0
    db = cpu_seconds(DB_PIDS) - db0
    own = time.process_time() - own0
    for c in conns:
        c.close()
    sel.close()
    return {"n": len(lat), "wall": wall, "cpu": cpu, "db": db, "client": own, "lat": lat,
            "logins": len(lat_logins), "errors": errors, "first_error": first_error}


def pct(sorted_lat, q):
    if not sorted_lat:
        return None
    return round(1000 * sorted_lat[min(len(sorted_lat) - 1, int(q * len(sorted_lat)))], 2)


def summarise(slices):
    lat = sorted(x for s in slices for x in s["lat"])
    good = [s for s in slices if s["n"]]
    med = lambda f: round(statistics.median(f(s) for s in good), 3) if good else None
    n = sum(s["n"] for s in slices)
    per1000 = lambda k: round(1000 * sum(s[k] for s in slices) / n, 3) if n else None
    return {"requests": n, "errors": sum(s["errors"] for s in slices),
            "first_error": next((s["first_error"] for s in slices if s["first_error"]), None),
            "rps": med(lambda s: s["n"] / s["wall"]),
            "p50_ms": pct(lat, .5), "p99_ms": pct(lat, .99), "max_ms": pct(lat, 1),
            "server_cpu_s_per_1000": per1000("cpu"),
            "server_cpu_s_per_1000_rounds": [round(1000 * s["cpu"] / s["n"], 3) for s in good],
            "background_logins_per_s": round(sum(s["logins"] for s in slices) / sum(s["wall"] for s in slices), 2),
            "db_cpu_s_per_1000": per1000("db"), "client_cpu_s_per_1000": per1000("client")}
