"""Files with the columns of the RBA data set (Wiefling et al., 2022): read as a stream, and written.

The data set has 33 million lines, 9 GB. So one line at a time is in memory, and files of gzip and zip are not unpacked
to the disk. A line that can't be read is counted and left out. The published files begin with a column ``index``, which
is optional here. Addresses, places and ids in the data set are invented by its authors.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.masking import truncate_ip

COLUMNS = (
    "Login Timestamp",
    "User ID",
    "Round-Trip Time [ms]",
    "IP Address",
    "Country",
    "Region",
    "City",
    "ASN",
    "User Agent String",
    "Browser Name and Version",
    "OS Name and Version",
    "Device Type",
    "Login Successful",
    "Is Attack IP",
    "Is Account Takeover",
)
_LONGEST_LINE = 65_536  # characters; those of the data set have some hundred
_TELL_EVERY = 10_000  # lines
_UNKNOWN = frozenset({"", "-"})
_TRUTH = {"True": True, "False": False}


class LabelledSignIn(NamedTuple):
    """A sign-in, and whether the data set calls its address an attacker's, and the account taken over by it."""

    sign_in: SignIn
    is_attack: bool
    is_takeover: bool


class RbaFileInvalid(Exception):
    """The file is no such file: ``code`` is ``header``, ``archive`` or ``text``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class RbaFile:
    """A file that is being read. ``lines`` are those read so far, without the header, and ``bad_lines`` left out."""

    path: Path
    lines: int = 0
    bad_lines: int = 0

    def sign_ins(self, progress: Callable[[float], None] = lambda _share: None) -> Iterator[LabelledSignIn]:
        """Return the sign-ins in the order of the file. ``progress`` is told the share of the file that is read.

        Raises: RbaFileInvalid; OSError, if the file can't be read.
        """
        with ExitStack() as opened:
            raw = opened.enter_context(self.path.open("rb"))
            size = max(1, self.path.stat().st_size)
            try:
                text = io.TextIOWrapper(_unpacked(raw), encoding="utf-8-sig", errors="replace", newline="\n")
                lines = _lines(opened.enter_context(text))
                positions = _positions(next(lines, None))
                for line in lines:
                    self.lines += 1
                    if self.lines % _TELL_EVERY == 0 and raw.seekable():
                        progress(raw.tell() / size)
                    found = _sign_in(line, positions)
                    if found is None:
                        self.bad_lines += 1
                    else:
                        yield found
            except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
                raise RbaFileInvalid("archive") from error


def write(path: Path, sign_ins: Iterable[LabelledSignIn]) -> int:
    """Write sign-ins as such a file, packed if its name ends with ``.gz``; return the number of lines.

    Raises: OSError.
    """
    count = 0
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("index", *COLUMNS))
        for count, labelled in enumerate(sign_ins, 1):
            writer.writerow((count - 1, *_cells(labelled)))
    return count


def _unpacked(raw: io.BufferedReader) -> IO[bytes] | gzip.GzipFile:
    begin = raw.peek(4)[:4]  # a pipe can't be read twice
    if begin[:2] == b"\x1f\x8b":
        return gzip.open(raw)
    if begin == b"PK\x03\x04":
        archive = zipfile.ZipFile(raw)
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(names) != 1:
            raise RbaFileInvalid("archive")
        return archive.open(names[0])
    return raw


def _lines(text: io.TextIOWrapper) -> Iterator[str | None]:
    """Return the lines of a file; ``None`` for one that is longer than any line of the data set."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) < _LONGEST_LINE or line.endswith("\n"):
            yield line
            continue
        while (rest := text.readline(_LONGEST_LINE)) and not rest.endswith("\n"):
            pass
        yield None


def _positions(header: str | None) -> list[int]:
    names = _cells_of(header) or []
    try:
        return [names.index(column) for column in COLUMNS]
    except ValueError as error:
        raise RbaFileInvalid("header") from error


def _cells_of(line: str | None) -> list[str] | None:
    try:
        return next(csv.reader((line,)), None) if line is not None else None
    except csv.Error:
        return None


def _sign_in(line: str | None, positions: list[int]) -> LabelledSignIn | None:
    cells = _cells_of(line)
    if cells is None:
        return None
    try:
        at, account, trip, address, country, region, city, asn, agent, browser, system, device, *labels = (
            cells[position] for position in positions
        )
        succeeded, is_attack, is_takeover = (_TRUTH[label.strip()] for label in labels)
        if not account:
            return None
        client = ClientFacts(
            ip_address=address,
            network=truncate_ip(address),
            asn=int(asn) if asn not in _UNKNOWN else 0,
            country=_known(country),
            region=_known(region),
            city=_known(city),
            user_agent=agent,
            browser=_known(browser),
            system=_known(system),
            device_type=_known(device),
        )
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        sign_in = SignIn(moment, account, client, succeeded, round_trip_ms=int(float(trip)) if trip else 0)
    except (ValueError, IndexError, KeyError, OverflowError):
        return None
    return LabelledSignIn(sign_in, is_attack, is_takeover)


def _known(text: str) -> str:
    return "" if text in _UNKNOWN else text


def _cells(labelled: LabelledSignIn) -> tuple[object, ...]:
    sign_in, client = labelled.sign_in, labelled.sign_in.client
    moment = datetime.fromtimestamp(sign_in.at, UTC).replace(tzinfo=None)
    return (
        moment.isoformat(sep=" ", timespec="milliseconds"),
        sign_in.account,
        sign_in.round_trip_ms or "",
        client.ip_address,
        client.country or "-",
        client.region or "-",
        client.city or "-",
        client.asn,
        client.user_agent,
        client.browser,
        client.system,
        client.device_type,
        sign_in.succeeded,
        labelled.is_attack,
        labelled.is_takeover,
    )
