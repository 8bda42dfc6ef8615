"""Read a dump row by row, with the memory of one row, from any position where an earlier reading stopped.

Python's csv module does not say at which byte a row ended, and stops at the first byte that is not UTF-8. Therefore
rows are split here and parsed one by one, so that a malformed row affects no other row.
"""

import csv
import io
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext

from accounts.importing.refusals import RowRefused

FileType = Literal["csv", "jsonl"]
MAX_ROW_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class HeaderUnusable(Exception):
    """A file that is not a list of rows or does not name its columns. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: its values, or the problem with it; the line where it begins, and the position where it ends."""

    line: int
    values: dict[str, Any] | None
    problem: str
    end_offset: int
    end_line: int


@dataclass(frozen=True, slots=True)
class _Line:
    data: bytes
    number: int
    end: int
    is_too_long: bool


class SourceRows:
    """The rows of a file, from ``offset`` on, which is the end of line number ``line``."""

    def __init__(self, stream: io.BufferedIOBase, kind: FileType, *, offset: int = 0, line: int = 0) -> None:
        self._lines = _Lines(stream)
        self._kind = kind
        self.columns: list[str] = []
        if kind == "csv":
            self.columns = self._header()
        if offset:
            self._lines.seek(offset, line)

    def __iter__(self) -> Iterator[SourceRow]:
        return self._csv() if self._kind == "csv" else self._json()

    def _header(self) -> list[str]:
        line = self._lines.take()
        if line is None:
            raise HeaderUnusable(gettext("The file is empty."))
        try:
            columns = [name.strip() for name in _parse_csv(line.data)]
        except RowRefused as refusal:
            raise HeaderUnusable(gettext("The first line does not name columns.")) from refusal
        doubled = sorted({name for name in columns if columns.count(name) > 1})
        if doubled:
            sentence = gettext("These columns stand in the first line twice: %(columns)s.")
            raise HeaderUnusable(sentence % {"columns": ", ".join(doubled)})
        return columns

    def _csv(self) -> Iterator[SourceRow]:
        while first := self._lines.take():
            taken = [first, *self._continuation(first)]
            values, problem = self._row(taken)
            if problem and len(taken) > 1:
                # A stray quotation mark must not swallow the rows after it. Its own row may even be valid.
                self._lines.put_back(taken[1:])
                taken = [first]
                values, problem = self._row(taken)
            if values or problem:
                yield SourceRow(first.number, values or None, problem, taken[-1].end, taken[-1].number)

    def _row(self, lines: list[_Line]) -> tuple[dict[str, Any], str]:
        """Return the values of some lines, empty for a blank line, or the problem with them."""
        try:
            fields = _parse_csv(_joined(lines))
            return (self._by_column(fields) if fields else {}), ""
        except RowRefused as refusal:
            return {}, refusal.reason

    def _by_column(self, fields: list[str]) -> dict[str, Any]:
        if len(fields) != len(self.columns):
            raise RowRefused("wrong_number_of_columns")
        return dict(zip(self.columns, fields, strict=True))

    def _continuation(self, first: _Line) -> list[_Line]:
        """Take the lines that belong to a row whose quotation marks are still open (RFC 4180, 2.6)."""
        more: list[_Line] = []
        quotes, size = first.data.count(b'"'), len(first.data)
        while quotes % 2 and size <= MAX_ROW_BYTES and (line := self._lines.take()):
            more.append(line)
            quotes += line.data.count(b'"')
            size += MAX_ROW_BYTES + 1 if line.is_too_long else len(line.data)
        return more

    def _json(self) -> Iterator[SourceRow]:
        while line := self._lines.take():
            if not line.data.strip() and not line.is_too_long:
                continue
            values: dict[str, Any] | None = None
            try:
                values, problem = _parse_json(_joined([line])), ""
            except RowRefused as refusal:
                problem = refusal.reason
                if line.number == 1 and _begins_a_document(line.data):
                    sentence = gettext(
                        "This is one JSON document. Give one object on each line, as `jq -c '.[]'` or "
                        "`jq -c '.users[]'` write them."
                    )
                    raise HeaderUnusable(sentence) from refusal
            yield SourceRow(line.number, values, problem, line.end, line.number)


class _Lines:
    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._returned: deque[_Line] = deque()
        self._offset = self._number = 0

    def seek(self, offset: int, number: int) -> None:
        self._stream.seek(offset)
        self._returned.clear()
        self._offset, self._number = offset, number

    def put_back(self, lines: list[_Line]) -> None:
        self._returned.extendleft(reversed(lines))

    def take(self) -> _Line | None:
        if self._returned:
            return self._returned.popleft()
        data = self._stream.readline(MAX_ROW_BYTES + 1)
        if not data:
            return None
        self._offset += len(data)
        self._number += 1
        is_too_long = len(data) > MAX_ROW_BYTES
        rest = data
        while is_too_long and rest and not rest.endswith(b"\n"):
            rest = self._stream.readline(MAX_ROW_BYTES)
            self._offset += len(rest)
        if self._number == 1:
            data = data.removeprefix(_BOM)
        return _Line(b"" if is_too_long else data, self._number, self._offset, is_too_long)


def _begins_a_document(data: bytes) -> bool:
    return data.strip() in (b"[", b"{") or data.lstrip().startswith(b"[")


def _joined(lines: list[_Line]) -> bytes:
    if any(line.is_too_long for line in lines) or sum(len(line.data) for line in lines) > MAX_ROW_BYTES:
        raise RowRefused("line_too_long")
    return b"".join(line.data for line in lines)


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise RowRefused("nul_character")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RowRefused("not_utf8") from error


def _parse_csv(data: bytes) -> list[str]:
    text = _text(data)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise RowRefused("malformed_row") from error
    if len(rows) > 1:
        raise RowRefused("malformed_row")
    return rows[0] if rows else []


def _parse_json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(_text(data), object_pairs_hook=_without_doubles, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # a number of ten thousand digits is a ValueError too
        raise RowRefused("malformed_row") from error
    if not isinstance(value, dict):
        raise RowRefused("malformed_row")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RowRefused("malformed_row")
    return found


def _refuse(_constant: str) -> Any:
    raise RowRefused("malformed_row")
