"""The shipped nginx.conf in a real nginx: addresses, ports and paths are replaced as text, and nothing else."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from cedrina.tooling.embedded import binaries, processes
from tests.programs.ports import free_port
from tests.programs.served import ROOT

DEPLOY = ROOT / "deploy"
START_SECONDS = 120
SECOND_WEB_SERVER = "        server web2:8000 fail_timeout=2s;\n"  # tests have one
LOOPBACK = "127.0.0.1"
# Where the connections of an outer proxy come from. The whole of 127.0.0.0/8 is this machine.
OUTER = "127.0.0.2"


class Nginx:
    """One nginx: its address, its end and its return."""

    def __init__(self, *, directory, name="nginx"):
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.directory = Path(directory) / name
        self.configuration = self.directory / "nginx.conf"
        self.process = None
        (self.directory / "temporary").mkdir(parents=True)

    def use_shipped(self, *, web, sockets, proxies_in_front=()):
        """Write the shipped files with the addresses of this machine."""
        included = self.directory / "nginx"
        shutil.copytree(DEPLOY / "nginx", included)
        listen = included / "listen.conf"
        listen.write_text(listen.read_text().replace("listen 8080;", f"listen {LOOPBACK}:{self.port};"))
        if proxies_in_front:
            named = included / "proxies-in-front.conf"
            lines = "".join(f"set_real_ip_from {address};\n" for address in proxies_in_front)
            named.write_text(named.read_text() + lines)
        text = (DEPLOY / "nginx.conf").read_text()
        for shipped, here in self.replacements(web=web, sockets=sockets).items():
            assert shipped in text, shipped
            text = text.replace(shipped, here)
        self.configuration.write_text(text)
        return self

    def replacements(self, *, web, sockets):
        """Return what stands in the shipped file, and what takes its place here."""
        return {
            "/tmp/": f"{self.directory}/temporary/",
            SECOND_WEB_SERVER: "",
            "web:8000": f"{LOOPBACK}:{web}",
            "sockets:8001": f"{LOOPBACK}:{sockets}",
            "/etc/nginx/cedrina/": f"{self.directory}/nginx/",
        }

    def use_outer(self, *, inner, scheme="https", keeps=()):
        """Write a proxy such as one that ends TLS: it appends to X-Forwarded-For and says the scheme."""
        kept = "".join(f"proxy_set_header {name} $http_{name.lower().replace('-', '_')};\n" for name in keeps)
        self.configuration.write_text(f"""
            pid {self.directory}/temporary/nginx.pid; error_log stderr crit;
            events {{ }}
            http {{
                access_log off;
                client_body_temp_path {self.directory}/temporary/body;
                proxy_temp_path {self.directory}/temporary/proxy;
                fastcgi_temp_path {self.directory}/temporary/fastcgi;
                uwsgi_temp_path {self.directory}/temporary/uwsgi;
                scgi_temp_path {self.directory}/temporary/scgi;
                server {{
                    listen {LOOPBACK}:{self.port};
                    location / {{
                        proxy_pass {inner};
                        proxy_bind {OUTER};
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto {scheme};
                        {kept}
                    }}
                }}
            }}
        """)
        return self

    def start(self):
        """Start it and wait until it listens."""
        user = " user root;" if os.geteuid() == 0 else ""  # else it would change to one that can't write here
        with (self.directory / "errors").open("wb") as errors:
            self.process = subprocess.Popen(
                [binaries.find_nginx(), "-c", self.configuration, "-p", self.directory, "-g", f"daemon off;{user}"],
                stdin=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.errors
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError("nginx did not listen")

    @property
    def errors(self):
        return (self.directory / "errors").read_text(errors="replace")

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, with_signal=signal.SIGTERM, patience=10)

    def converse(self, *parts, source=LOOPBACK, gap=0.0, seconds=15.0):
        """Send the parts from an address of this machine; return all that came until the server closed."""
        received = b""
        with socket.create_connection((LOOPBACK, self.port), source_address=(source, 0)) as connection:
            connection.settimeout(seconds)
            try:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(gap)
                while more := connection.recv(65536):
                    received += more
            except (TimeoutError, ConnectionResetError, BrokenPipeError):
                pass
        return received


@contextmanager
def directory():
    """Give a directory that nginx's processes can reach, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="cedrina-nginx-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(nginx):
    """Give a started nginx, ended afterwards."""
    try:
        yield nginx.start()
    finally:
        nginx.stop()
