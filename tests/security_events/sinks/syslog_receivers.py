"""Real receivers of syslog: rsyslog and syslog-ng, which write what they got to a file, each message behind an END."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cedrina.tooling.embedded import processes
from tests.programs import debian_packages, stopped_processes
from tests.programs.ports import free_port

END = b"<END>\n"
START_SECONDS = 120
WAIT_SECONDS = 60
RSYSLOG = ["rsyslog", "rsyslog-gnutls", "rsyslog-openssl", "libestr0", "libfastjson4", "liblognorm5"]
SYSLOG_NG = ["syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0"]
DRIVERS = {"gnutls": "gtls", "openssl": "ossl"}


class Receiver:
    """One receiver on a port of loopback: its end and its return. ``certificate`` and ``key`` make it speak TLS."""

    def __init__(self, folder, *, authority=None, asks_for_certificate=False):
        self.folder, self.authority, self.asks_for_certificate = folder, authority, asks_for_certificate
        self.port = free_port()
        self.output = folder / "received"
        self.process = None
        if authority:
            self.certificate, self.key = authority.issue("localhost")

    def start(self):
        """Start it and wait until it listens."""
        command, environment = self.command()
        with (self.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "errors").read_text(errors="replace")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return self
            time.sleep(0.02)
        raise AssertionError("the receiver did not listen")

    def stop(self, with_signal=signal.SIGTERM):
        if self.process is not None:
            processes.stop(self.process, with_signal=with_signal, patience=10)

    def freeze(self):
        """Let it read nothing more, though its kernel still does."""
        stopped_processes.stop(self.process.pid)

    def lines(self, *, count):
        """Wait for so many lines; return all."""
        return [line.decode() for line in self.received(count=count, end=b"\n")]

    def received(self, *, count, end=END):
        """Wait for so many messages; return all."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            messages = self.output.read_bytes().split(end)[:-1] if self.output.exists() else []
            if len(messages) >= count:
                return messages
            time.sleep(0.02)
        raise AssertionError(f"{len(messages)} of {count} messages arrived")


class Rsyslog(Receiver):
    """rsyslog, with its input module for TCP and one of its drivers for TLS."""

    driver = "openssl"

    def is_installed(self):
        """Return whether it is, with its driver for TLS, which Debian has in a package of its own."""
        drivers = Path("/usr/lib").glob(f"*/rsyslog/lmnsd_{DRIVERS[self.driver]}.so")
        return shutil.which("rsyslogd") is not None and any(drivers)

    def command(self):
        folder = None if self.is_installed() else debian_packages.unpack("rsyslog", RSYSLOG)
        path = self.folder / "rsyslog.conf"
        path.write_text(f'global(workDirectory="{self.folder}")\n' + self.configuration())
        options = ["-n", "-f", path, "-i", self.folder / "pid"]
        if folder is None:
            return ["rsyslogd", *options], {}
        modules = next(folder.rglob("rsyslog/imtcp.so")).parent
        return [folder / "usr/sbin/rsyslogd", *options, "-M", modules], {
            "LD_LIBRARY_PATH": debian_packages.libraries(folder)
        }

    def configuration(self):
        settings, module = "", ""
        if self.authority:
            driver = DRIVERS[self.driver]
            mode = "x509/certvalid" if self.asks_for_certificate else "anon"
            module = f'StreamDriver.Name="{driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}"'
            settings = (
                f'DefaultNetstreamDriver="{driver}" DefaultNetstreamDriverCAFile="{self.authority.file}" '
                f'DefaultNetstreamDriverCertFile="{self.certificate}" DefaultNetstreamDriverKeyFile="{self.key}"'
            )
        return f"""
            global(maxMessageSize="200k" parser.escapeControlCharactersOnReceive="off" {settings})
            module(load="imtcp" maxFrameSize="200000" {module})
            template(name="raw" type="string" string="%rawmsg:::drop-last-lf%<END>\\n")
            input(type="imtcp" address="127.0.0.1" port="{self.port}")
            action(type="omfile" file="{self.output}" template="raw")
        """


class RsyslogWithGnutls(Rsyslog):
    """rsyslog with GnuTLS, which ends a connection without `close_notify`."""

    driver = "gnutls"


class SyslogNg(Receiver):
    """syslog-ng with its driver for RFC 5424."""

    def command(self):
        folder = None if shutil.which("syslog-ng") else debian_packages.unpack("syslog-ng", SYSLOG_NG)
        (self.folder / "syslog-ng.conf").write_text(self.configuration())
        names = {"-f": "syslog-ng.conf", "--persist-file": "persist", "--pidfile": "pid", "--control": "control"}
        options = [str(word) for name, value in names.items() for word in (name, self.folder / value)]
        if folder is None:
            return ["syslog-ng", "-F", "--no-caps", *options], {}
        modules = next(folder.rglob("libafsocket.so")).parent
        return [folder / "usr/sbin/syslog-ng", "-F", "--no-caps", *options, "--module-path", modules], {
            "LD_LIBRARY_PATH": debian_packages.libraries(folder)
        }

    def configuration(self):
        transport = 'transport("tcp")'
        if self.authority:
            peers = "required-trusted" if self.asks_for_certificate else "optional-untrusted"
            transport = (
                f'transport("tls") tls(key-file("{self.key}") cert-file("{self.certificate}") '
                f'ca-file("{self.authority.file}") peer-verify({peers}))'
            )
        return f"""@version: 3.35
            options {{ log-msg-size(262144); keep-hostname(yes); }};
            source s {{ syslog(ip("127.0.0.1") port({self.port}) {transport} flags(store-raw-message)); }};
            destination f {{ file("{self.output}" template("${{RAWMSG}}<END>\\n")); }};
            log {{ source(s); destination(f); }};
        """


@contextlib.contextmanager
def running(receiver):
    """Give a started receiver, ended afterwards."""
    try:
        yield receiver.start()
    finally:
        receiver.stop()
