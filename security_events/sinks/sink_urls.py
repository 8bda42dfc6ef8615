"""The sinks that a setting lists, by their URLs: where they are, what they are sent, and in which form.

- ``syslog+tls://siem.example.com:6514?format=cef&ca=/etc/siem-ca.pem``, ``syslog+tcp://10.0.0.5:601``
- ``file:///var/log/cedrina/checkpoints.txt``, or the path alone
- ``https://archive.example.com/checkpoints``: the URL is used as it is, so it has no options
"""

import hashlib
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urlsplit

from security_events.sinks.sink_targets import Content, FileTarget, SinkTarget, SyslogTarget, WebhookTarget
from security_events.sinks.syslog_connection import TlsFiles
from security_events.sinks.syslog_messages import MOST_APP_NAME, MOST_HOSTNAME
from security_events.sinks.url_options import FILE_OPTIONS, SYSLOG_OPTIONS, TLS_OPTIONS, SinkUrlFault, UrlOptions

FORMATS = ("cedrina", "ocsf", "ecs", "cef", "cloudevents")
PORTS = {"syslog+tls": 6514, "syslog+tcp": 601}  # RFC 5425, 4.1; for TCP what rsyslog and syslog-ng listen on
MOST_NAME = 200  # as the column of the table
# The least that each receiver takes (RFC 5424, 6.1), and the most that the large ones do.
LEAST_MESSAGE, MOST_MESSAGE = 2048, 16 * 1024 * 1024


def read_sinks(urls: Iterable[str]) -> tuple[SinkTarget, ...]:
    """Return the sinks that the URLs of a setting mean.

    Raises: SinkUrlFault, which names the URL by its number.
    """
    targets: list[SinkTarget] = []
    for number, url in enumerate(urls, start=1):
        try:
            target = read_sink(url)
        except SinkUrlFault as fault:
            raise SinkUrlFault(f"URL {number}: {fault}") from None
        if len(target.name) > MOST_NAME:
            raise SinkUrlFault(f"URL {number}: its host or path is too long; use at most {MOST_NAME} characters")
        if target.name in {each.name for each in targets}:
            raise SinkUrlFault(f"URL {number}: it is there twice; list each place once, with content=all for both")
        targets.append(target)
    return tuple(targets)


def read_sink(url: str) -> SinkTarget:
    """Return the sink that a URL means.

    Raises: SinkUrlFault.
    """
    if url.startswith("/"):
        url = f"file://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SinkUrlFault("it is no URL; write syslog+tls://host:6514, file:///path or https://host/path") from None
    if parts.username is not None or parts.password is not None:
        raise SinkUrlFault("it has a user or a password, which no sink uses; leave them out")
    if parts.scheme in PORTS:
        return _syslog(parts, port)
    if parts.scheme == "file":
        return _file(parts)
    if parts.scheme in ("https", "http"):
        return _webhook(url, parts, port)
    raise SinkUrlFault("its scheme is unknown; use syslog+tls, syslog+tcp, file or https")


def _syslog(parts: SplitResult, port: int | None) -> SyslogTarget:
    if not parts.hostname or parts.path.strip("/"):
        raise SinkUrlFault("a receiver of syslog is a host and a port: syslog+tls://host:6514?format=cef")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise SinkUrlFault("its host is no name that can be looked up") from None
    is_tls = parts.scheme == "syslog+tls"
    options = UrlOptions(parts.query, [*SYSLOG_OPTIONS, *(TLS_OPTIONS if is_tls else [])])
    number = PORTS[parts.scheme] if port is None else port
    if number == 0:
        raise SinkUrlFault("its port must be from 1 to 65535")
    tls = TlsFiles(options.text("ca"), options.text("cert"), options.text("key")) if is_tls else None
    if tls and tls.key and not tls.certificate:
        raise SinkUrlFault("the option key needs the option cert")
    return SyslogTarget(
        name=f"{parts.scheme}://{_bracketed(parts.hostname)}:{number}",
        content=options.chosen("content", Content, Content.ALL),
        format=options.one_of("format", FORMATS),
        starts_at_oldest=options.one_of("from", ("now", "oldest")) == "oldest",
        host=parts.hostname,
        port=number,
        tls=tls,
        facility=options.facility(),
        hostname=options.name("hostname", MOST_HOSTNAME),
        app_name=options.name("app", MOST_APP_NAME) or "cedrina",
        sd_id=options.sd_id(),
        max_bytes=options.number("max_bytes", LEAST_MESSAGE, MOST_MESSAGE),
        has_bom=options.one_of("bom", ("yes", "no")) == "yes",
        keeps_connection=options.one_of("confirm", ("close", "kernel")) == "kernel",
    )


def _file(parts: SplitResult) -> FileTarget:
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise SinkUrlFault("a file is written with its whole path: file:///var/log/cedrina/checkpoints.txt")
    options = UrlOptions(parts.query, FILE_OPTIONS)
    content = options.chosen("content", Content, Content.CHECKPOINTS)
    if content is Content.ALL:
        raise SinkUrlFault("a file holds either events or checkpoints; list two files")
    return FileTarget(
        name=f"file://{path}",
        content=content,
        format=options.one_of("format", FORMATS),
        starts_at_oldest=options.one_of("from", ("now", "oldest")) == "oldest",
        path=path,
    )


def _webhook(url: str, parts: SplitResult, port: int | None) -> WebhookTarget:
    if not parts.hostname or parts.fragment:
        raise SinkUrlFault("a webhook is https://host/path, without a fragment")
    # Path and query may hold a secret: the name, which pages show, has only a digest of them.
    place = f"{parts.scheme}://{_bracketed(parts.hostname)}" + (f":{port}" if port else "")
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return WebhookTarget(name=f"{place}#{digest}", content=Content.CHECKPOINTS, url=url)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
