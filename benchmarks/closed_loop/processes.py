"""CPU time and memory of trees of processes."""
import os
import re

TICK = os.sysconf("SC_CLK_TCK")


def _children():
    kids = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open(f"/proc/{d}/stat", "rb") as f:
                    ppid = int(f.read().rsplit(b")", 1)[1].split()[1])
            except OSError:
                continue
            kids.setdefault(ppid, []).append(int(d))
    return kids


def tree(roots):
    kids, out, todo = _children(), [], list(roots)
    while todo:
        p = todo.pop()
        if p in out:
            continue
        out.append(p)
        todo.extend(kids.get(p, ()))
    return out


def cpu_seconds(roots):
    """utime+stime of the process trees, plus that of children already reaped."""
    total = 0
    for p in tree(roots):
        try:
            with open(f"/proc/{p}/stat", "rb") as f:
                s = f.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(x) for x in s[11:15])
    return total / TICK


def rss_mib(roots):
    kib = 0
    for p in tree(roots):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                kib += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
        except (OSError, AttributeError):
            continue
    return round(kib / 1024, 1)
