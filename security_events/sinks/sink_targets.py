"""The sinks that a setting lists."""

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from security_events.sinks.syslog_connection import TlsFiles
from security_events.sinks.syslog_messages import DEFAULT_SD_ID, FACILITIES


class Content(StrEnum):
    """What a sink is sent."""

    EVENTS = "events"
    CHECKPOINTS = "checkpoints"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SinkTarget:
    """A sink of the setting. ``name`` identifies it: changed options leave it the same, another place is another."""

    name: str
    content: Content
    format: str = "cedrina"
    starts_at_oldest: bool = False

    @property
    def host_name(self) -> str:
        """The host that it is on; an empty text for a file, which is on this machine or on a mounted one."""
        return ""

    @property
    def is_on_another_machine(self) -> bool:
        """Whether what it is sent is stored elsewhere, as far as its address says so."""
        host = self.host_name.rstrip(".").lower()
        if not host or host == "localhost" or host.endswith(".localhost"):
            return False
        try:
            return not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return True

    @property
    def takes_events(self) -> bool:
        return self.content is not Content.CHECKPOINTS

    @property
    def takes_checkpoints(self) -> bool:
        return self.content is not Content.EVENTS


@dataclass(frozen=True, slots=True)
class SyslogTarget(SinkTarget):
    """A receiver of syslog. The options are those of ``SyslogOrigin``, ``TlsFiles`` and ``SyslogSender``."""

    host: str = ""
    port: int = 0
    tls: TlsFiles | None = None
    facility: int = FACILITIES["authpriv"]
    hostname: str = ""
    app_name: str = "cedrina"
    sd_id: str = DEFAULT_SD_ID
    max_bytes: int = 0
    has_bom: bool = True
    keeps_connection: bool = False

    @property
    def host_name(self) -> str:
        return self.host


@dataclass(frozen=True, slots=True)
class FileTarget(SinkTarget):
    """A file of this machine, or of one that is mounted."""

    path: str = ""


@dataclass(frozen=True, slots=True)
class WebhookTarget(SinkTarget):
    """A URL that each checkpoint is posted to. It may hold a secret."""

    url: str = field(default="", repr=False)

    @property
    def host_name(self) -> str:
        return urlsplit(self.url).hostname or ""
