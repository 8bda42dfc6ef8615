"""YAML with the types of JSON: what other readers make something else of, and what is refused."""

import pytest

from accounts.access.policy_files import strict_yaml
from accounts.access.policy_files.strict_yaml import MOST_BYTES, YamlInvalid, read

BOMB = b"a: &a [x, x]\n" + b"".join(
    f"{chr(98 + number)}: &{chr(98 + number)} [*{chr(97 + number)}, *{chr(97 + number)}]\n".encode()
    for number in range(20)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:00", "17:00"),  # 1020 to YAML 1.1
        ("no", "no"),  # false to YAML 1.1
        ("2026-01-01", "2026-01-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        (".inf", ".inf"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_what_they_look_like(text, value):
    found = read(f"a: {text}".encode())
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "alias"),
        (b"a: 1\n<<: {b: 2}\na: 3", "duplicate"),
        (b"a: !!python/object/apply:os.system ['true']", "tag"),
        (b"a: !!binary aGk=", "tag"),
        (b"[" * 100_000, "depth"),
        (b"a: " * 40, "syntax"),
        (b"? [1]\n: 2", "key"),
        (b"--- a\n--- b\n", "syntax"),
        (b"a: \xff", "encoding"),
        (b"a: 'x", "syntax"),
        (b"a: \x00", "syntax"),
        (b" " * (MOST_BYTES + 1), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_what_can_surprise(data, reason):
    with pytest.raises(YamlInvalid) as refusal:
        read(data)
    assert refusal.value.reason == reason


def test_says_in_which_line():
    with pytest.raises(YamlInvalid) as refusal:
        read(b"a: 1\nb: 2\na: 3\n")
    assert refusal.value.line == 3


def test_keys_are_texts():
    assert read(b"on: 1\n2: {null: x}") == {"on": 1, "2": {"null": "x"}}
    assert read(b"") is None
    assert strict_yaml.plain_value("") is None
