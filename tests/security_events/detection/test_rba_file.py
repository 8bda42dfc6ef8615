"""Files with the columns of the RBA data set: written by our generator, read as the published ones are."""

import gzip
import io
import json
import zipfile
from dataclasses import replace

import pytest
from django.core.management import call_command

from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.evaluation import FREEMAN, OURS
from security_events.detection.simulation.file_evaluation import FileComparison
from security_events.detection.simulation.labelled_stream import labelled_sign_ins
from security_events.detection.simulation.rba_file import COLUMNS, RbaFile, RbaFileInvalid, write

SIZE = {"seed": 5, "people": 60, "days": 120, "attacks": 3}
# The form of the published file, with its odd user agent and its dash for what is not known.
AGENT = (
    "Mozilla/5.0  (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537.36 (KHTML, like Gecko Chrome/90.0.4411.0 "
    "Safari/537.36"
)
PUBLISHED = (
    f"index,{','.join(COLUMNS)}\n1751,2020-02-03 13:06:41.282,-4324475583306591935,,192.0.2.7,NO,-,-,29492,"
    f'"{AGENT}",Chrome 90.0.4411,Mac OS X 10.14.6,desktop,True,False,False\n'
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    path = tmp_path_factory.mktemp("rba") / "sign-ins.csv"
    sign_ins = list(labelled_sign_ins(**SIZE))
    assert write(path, sign_ins) == len(sign_ins)
    return path, sign_ins


@pytest.fixture
def written(tmp_path):
    def write_text(text, *, name="file.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(**options))
        return path

    return write_text


def as_the_file_has_it(labelled):
    """Its places have no degrees, and its times have three digits of a second."""
    client = replace(labelled.sign_in.client, latitude=None, longitude=None, is_relay=False, network="")
    sign_in = replace(labelled.sign_in, at=pytest.approx(labelled.sign_in.at, abs=0.001), client=client)
    return labelled._replace(sign_in=sign_in)


class TestReading:
    def test_gives_what_was_written(self, generated):
        path, sign_ins = generated
        file = RbaFile(path)

        read = [as_the_file_has_it(each) for each in file.sign_ins()]

        assert all(each.sign_in.client.network for each in RbaFile(path).sign_ins())
        assert [each._replace(sign_in=replace(each.sign_in, at=each.sign_in.at.expected)) for each in read] == list(
            map(as_the_file_has_it, sign_ins)
        )
        assert (file.lines, file.bad_lines) == (len(sign_ins), 0)
        assert path.read_text().splitlines()[0].split(",") == ["index", *COLUMNS]

    def test_understands_the_published_form(self, written):
        (labelled,) = RbaFile(written(PUBLISHED)).sign_ins()
        client = labelled.sign_in.client

        assert labelled.sign_in.at == 1580735201.282
        assert labelled.sign_in.account == "-4324475583306591935"
        assert (client.network, client.asn, client.country, client.city) == ("192.0.2.0", 29492, "NO", "")
        assert client.user_agent == AGENT
        assert (client.browser, client.system, client.device_type) == (
            "Chrome 90.0.4411",
            "Mac OS X 10.14.6",
            "desktop",
        )
        assert (labelled.sign_in.succeeded, labelled.is_attack, labelled.is_takeover) == (True, False, False)

    def test_unpacks_while_it_reads(self, generated, tmp_path):
        path, sign_ins = generated
        packed, archive = tmp_path / "a.csv.gz", tmp_path / "a.zip"
        write(packed, sign_ins)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            made.write(path, "data/rba-dataset.csv")
            made.writestr("README.md", "no sign-ins")

        plain = list(RbaFile(path).sign_ins())
        for each in (packed, archive):
            shares = []
            assert list(RbaFile(each).sign_ins(shares.append)) == plain
            assert all(0 <= share <= 1 for share in shares)

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "1,2",
            PUBLISHED.splitlines()[1].replace("2020-02-03", "2020-02-31"),
            PUBLISHED.splitlines()[1].replace("192.0.2.7", "192.0.2.700"),
            PUBLISHED.splitlines()[1].replace("True", "Perhaps"),
            PUBLISHED.splitlines()[1].replace("29492", "AS29492"),
            PUBLISHED.splitlines()[1].replace("-4324475583306591935", ""),
            "x" * 200_000,
            '"' + "\0" * 100,
        ],
    )
    def test_counts_a_line_that_is_no_sign_in_and_goes_on(self, written, line):
        last = PUBLISHED.splitlines()[1]
        file = RbaFile(written(f"{PUBLISHED}{line}\n{last}"))

        assert len(list(file.sign_ins())) == 2
        assert (file.lines, file.bad_lines) == (3, 1)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "header"),
            (b"name,age\nada,36\n", "header"),
            (b"\x00" * 100_000, "header"),
            (gzip.compress(PUBLISHED.encode())[:-20], "archive"),
            (b"\x1f\x8b\x00nothing", "archive"),
            (b"PK\x03\x04nothing", "archive"),
        ],
    )
    def test_refuses_what_is_no_such_file(self, written, content, code):
        with pytest.raises(RbaFileInvalid) as caught:
            list(RbaFile(written(content)).sign_ins())
        assert caught.value.code == code

    def test_refuses_an_archive_of_two_files(self, tmp_path):
        path = tmp_path / "two.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", PUBLISHED)
            archive.writestr("b.csv", PUBLISHED)
        with pytest.raises(RbaFileInvalid):
            list(RbaFile(path).sign_ins())


class TestScoring:
    def test_makes_attackers_of_the_file_and_follows_its_first_accounts(self, generated):
        _path, sign_ins = generated
        comparison = FileComparison(people=30, seed=1, histories=(12,))
        passed = list(comparison.passing(sign_ins))

        assert passed == sign_ins
        ours, freeman = comparison.found[12, OURS], comparison.found[12, FREEMAN]
        assert 10 < len(ours.honest) == len(freeman.honest) <= 30
        assert all(0 < len(ours.attacks[each]) <= len(ours.honest) for each in (Attacker.NAIVE, Attacker.TARGETED))
        assert ours.area(Attacker.NAIVE) > 0.8


def test_the_command_writes_a_file_and_measures_it(tmp_path):
    path, out, text = tmp_path / "made.csv.gz", io.StringIO(), io.StringIO()
    call_command("detect_simulate", "--json", output=path, people=40, days=60, attacks=2, stdout=out)
    lines = json.loads(out.getvalue())["lines"]
    out = io.StringIO()
    call_command("detect_simulate", "--json", rba=path, stdout=out)
    call_command("detect_simulate", rba=path, stdout=text)
    measured = json.loads(out.getvalue())

    assert measured["lines"] == lines == len(gzip.decompress(path.read_bytes()).splitlines()) - 1
    stuffing = measured["rules_of_file"]["credential_stuffing"]
    assert stuffing["incidents"] >= stuffing["attacks"] >= 2
    assert {row["history"] for row in measured["scores"]} == {12, 39}
    assert "credential_stuffing" in text.getvalue()


@pytest.mark.parametrize("content", [None, b"no,such,columns\n"])
@pytest.mark.parametrize("command", ["detect_simulate", "detect_backtest"])
def test_commands_refuse_a_file_that_can_not_be_read(tmp_path, command, content):
    path, err = tmp_path / "file.csv", io.StringIO()
    if content:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        call_command(command, rba=path, stderr=err)

    assert caught.value.code == 2
    assert str(path) in err.getvalue()
