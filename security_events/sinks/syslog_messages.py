"""Events as messages of syslog (RFC 5424), and the frames in which TCP and TLS carry them (RFC 6587, RFC 5425)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from security_events.types import Severity

# RFC 5424, 6.2.1, by the names that rsyslog and syslog-ng use.
FACILITIES: Mapping[str, int] = MappingProxyType(
    {
        "kern": 0,
        "user": 1,
        "mail": 2,
        "daemon": 3,
        "auth": 4,
        "syslog": 5,
        "lpr": 6,
        "news": 7,
        "uucp": 8,
        "cron": 9,
        "authpriv": 10,
        "ftp": 11,
        "ntp": 12,
        "audit": 13,
        "alert": 14,
        "clock": 15,
        **{f"local{number}": 16 + number for number in range(8)},
    }
)
# Notice is what is "normal but significant". Emergency, alert and debug are never used.
SEVERITIES: Mapping[str, int] = MappingProxyType(
    {Severity.INFO: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3, Severity.CRITICAL: 2}
)
# The members that receivers filter by, as parameters of the structured data. The message has all of them.
PARAMETERS = (
    "id",
    "type",
    "category",
    "severity",
    "outcome",
    "actor_id",
    "actor_name",
    "target_id",
    "target_name",
    "session_id",
    "ip_address",
    "correlation_id",
    "risk_score",
)
# 32473 is the enterprise number of documents (RFC 5612): Cedrina has none of its own.
DEFAULT_SD_ID = "cedrina@32473"
BOM = b"\xef\xbb\xbf"
MOST_HOSTNAME = 255
MOST_APP_NAME = 48
MOST_PROCESS_ID = 128
MOST_MESSAGE_ID = 32


@dataclass(frozen=True, slots=True)
class SyslogOrigin:
    """What all messages of one sender have in common.

    ``sd_id`` names the structured data. ``max_bytes`` is the length of the longest message that the receiver takes, in
    bytes; 0 for any length. ``has_bom`` is whether the text begins with the byte order mark that RFC 5424, 6.4 asks
    for; some receivers can't parse JSON behind it.
    """

    hostname: str
    app_name: str = "cedrina"
    process_id: str = "-"
    facility: int = FACILITIES["authpriv"]
    sd_id: str = DEFAULT_SD_ID
    max_bytes: int = 0
    has_bom: bool = True


def event_message(form: Mapping[str, Any], text: str, *, origin: SyslogOrigin) -> bytes:
    """Return the message of an event in its public form. ``text`` is the event in the format that the receiver reads.

    MSGID has room for 32 characters; the whole type is in the structured data.
    """
    parameters = {name: form[name] for name in PARAMETERS if form.get(name) is not None}
    return message(
        text,
        severity=SEVERITIES.get(form["severity"], SEVERITIES[Severity.INFO]),
        timestamp=form["occurred_at"],
        message_id=form["type"],
        parameters=parameters,
        origin=origin,
    )


def message(
    text: str,
    *,
    severity: int,
    timestamp: str,
    message_id: str,
    parameters: Mapping[str, Any],
    origin: SyslogOrigin,
) -> bytes:
    """Return a message by RFC 5424.

    A text that is too long for the receiver is left out as a whole: a receiver would cut it, and a part of it can't be
    parsed. The parameter ``omitted_bytes`` then says how long it was.
    """
    header = (
        f"<{origin.facility * 8 + severity}>1 {timestamp} {printable(origin.hostname, MOST_HOSTNAME)}"
        f" {printable(origin.app_name, MOST_APP_NAME)} {printable(origin.process_id, MOST_PROCESS_ID)}"
        f" {printable(message_id, MOST_MESSAGE_ID)} "
    )
    encoded = text.encode()
    whole = (
        f"{header}{_structured_data(parameters, origin.sd_id)} ".encode() + (BOM if origin.has_bom else b"") + encoded
    )
    if not origin.max_bytes or len(whole) <= origin.max_bytes:
        return whole
    return (header + _structured_data({**parameters, "omitted_bytes": len(encoded)}, origin.sd_id)).encode()


def frame(message_bytes: bytes) -> bytes:
    """Return a message with its length in bytes in front (RFC 6587, 3.4.1; RFC 5425, 4.3)."""
    return b"%d %b" % (len(message_bytes), message_bytes)


def printable(text: str, most: int) -> str:
    """Return a field of the header: at most so many printable ASCII characters without space; ``-`` for none."""
    return re.sub(r"[^!-~]", "_", text)[:most] or "-"


def _structured_data(parameters: Mapping[str, Any], sd_id: str) -> str:
    written = "".join(f' {name}="{_escaped(str(value))}"' for name, value in parameters.items())
    return f"[{sd_id}{written}]"


def _escaped(value: str) -> str:
    """Escape what ends a value (RFC 5424, 6.3.3). Control characters become spaces: receivers rewrite them."""
    return re.sub(r'(["\\\]])', r"\\\1", re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", value))
