import io
import json
import tracemalloc

import pytest

from accounts.importing.source_rows import MAX_ROW_BYTES, HeaderUnusable, SourceRows


def read(data, kind, **place):
    return list(SourceRows(io.BytesIO(data), kind, **place))


def seen(data, kind="csv"):
    return [(record.line, record.values or record.problem) for record in read(data, kind)]


class TestCSV:
    def test_gives_rows_by_column_with_their_lines(self):
        assert seen(b"a,b\n1,2\n3,4\n") == [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})]

    def test_takes_bom_crlf_blank_lines_and_a_missing_last_end(self):
        assert seen(b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n3,4") == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]

    def test_takes_line_ends_and_commas_in_quotes(self):
        data = b'a,b\n"one\r\ntwo\n\n""three""",",2"\n5,6\n'

        assert seen(data) == [(2, {"a": 'one\r\ntwo\n\n"three"', "b": ",2"}), (6, {"a": "5", "b": "6"})]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (b"1,\xff\xfe", "not_utf8"),
            (b"1,\x00", "nul_character"),
            (b"1", "wrong_number_of_columns"),
            (b"1,2,3", "wrong_number_of_columns"),
            (b'1,"2"x', "malformed_row"),
            (b"1," + b"x" * (MAX_ROW_BYTES + 10), "line_too_long"),
            (b"1," + b"x" * (3 * MAX_ROW_BYTES), "line_too_long"),
            (b"1," + b"x" * 200_000, "malformed_row"),
        ],
    )
    def test_names_a_bad_row_and_takes_the_others(self, row, problem):
        data = b"a,b\n1,2\n" + row + b"\n3,4\n"

        assert seen(data) == [(2, {"a": "1", "b": "2"}), (3, problem), (4, {"a": "3", "b": "4"})]

    def test_loses_one_row_to_a_stray_quotation_mark(self):
        data = b"a,b\n1,2\n" + b'3,"4\n' + b"".join(b"%d,x\n" % number for number in range(5, 200))

        rows = seen(data)
        assert rows[1] == (3, "malformed_row")
        assert len(rows) == 1 + 1 + 195
        assert rows[2] == (4, {"a": "5", "b": "x"})

    def test_loses_no_row_between_two_stray_quotation_marks(self):
        data = b'a,b\n1,5" disk\n2,x\n3,7" disk\n4,y\n'

        assert [row for row in seen(data) if isinstance(row[1], dict)] == [
            (2, {"a": "1", "b": '5" disk'}),
            (3, {"a": "2", "b": "x"}),
            (4, {"a": "3", "b": '7" disk'}),
            (5, {"a": "4", "b": "y"}),
        ]

    @pytest.mark.parametrize("data", [b"", b"\xff\n1\n", b"a,b,a\n1,2,3\n", b'"a\n'])
    def test_requires_a_first_line_with_the_names_of_the_columns(self, data):
        with pytest.raises(HeaderUnusable):
            read(data, "csv")


class TestJSONLines:
    def test_gives_objects_with_their_lines(self):
        assert seen(b'\xef\xbb\xbf{"a": 1}\r\n\n{"a": {"b": [2]}}', "jsonl") == [(1, {"a": 1}), (3, {"a": {"b": [2]}})]

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            (b'{"a": 1', "malformed_row"),
            (b'{"a": 1, "a": 2}', "malformed_row"),
            (b'{"a": {"b": 1, "b": 2}}', "malformed_row"),
            (b'{"a": NaN}', "malformed_row"),
            (b'{"a": ' + b"9" * 10_000 + b"}", "malformed_row"),
            (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed_row"),
            (b'"text"', "malformed_row"),
            (b"[1]", "malformed_row"),
            (b'{"a": "\xff"}', "not_utf8"),
            (b'{"a": "\x00"}', "nul_character"),
            (b'{"a": "' + b"x" * MAX_ROW_BYTES + b'"}', "line_too_long"),
        ],
    )
    def test_names_a_bad_row_and_takes_the_others(self, row, problem):
        assert seen(b'{"a": 1}\n' + row + b'\n{"a": 3}\n', "jsonl") == [(1, {"a": 1}), (2, problem), (3, {"a": 3})]

    @pytest.mark.parametrize("data", [b'[{"a": 1}]', b'[\n {"a": 1}\n]', b'{\n "users": []\n}'])
    def test_says_how_to_make_lines_of_a_document(self, data):
        with pytest.raises(HeaderUnusable, match="jq -c"):
            read(data, "jsonl")


class TestAPlaceToGoOnAt:
    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("csv", b'\xef\xbb\xbfa,b\r\n1,"x\ny"\n\n2,\xff\n"3,4\n5,6\n7,"8""\n9"\n10,11'),
            ("jsonl", b'{"a": 1}\n\n{"a"\n{"a": 2}\n' + b"x" * (MAX_ROW_BYTES + 5) + b'\n{"a": 3}'),
        ],
    )
    def test_gives_the_rest_from_the_end_of_any_row(self, kind, data):
        whole = read(data, kind)
        assert len(whole) > 3

        for number, record in enumerate(whole, start=1):
            rest = read(data, kind, offset=record.end_offset, line=record.end_line)
            assert rest == whole[number:], number


@pytest.mark.slow
class TestMemory:
    @pytest.mark.parametrize(
        ("kind", "head", "row"),
        [
            ("csv", b"a,b\n", b"1," + b"t" * 500 + b"\n"),
            ("csv", b"a,b\n", b'1,"' + b"t" * 500 + b"\n"),
            ("jsonl", b"", json.dumps({"a": "b" * 500}).encode() + b"\n"),
            ("jsonl", b"", b"x" * 999),
        ],
    )
    def test_is_that_of_some_rows_however_long_the_file_is(self, kind, head, row, tmp_path):
        path = tmp_path / "dump"
        with path.open("wb") as file:
            file.write(head)
            for _ in range(12):
                file.write(row * (1_000_000 // len(row)))
        tracemalloc.start()
        try:
            with path.open("rb") as file:
                count = sum(1 for _ in SourceRows(file, kind))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert count > 0
        assert peak < 6 * MAX_ROW_BYTES
