"""The policy as a file: what is exported is read back equal, imports are one version, tests of files are run."""

import json
from datetime import UTC, datetime
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.access import rule_documents, selectors
from accounts.access.models import PolicyRule, PolicyVersion
from accounts.access.policy_files import documents, rendering
from accounts.access.policy_files.documents import PolicyFileInvalid
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.budgets import examples

FILE = """
roles:
  reader: {description: Reads.}
  night: {parents: [reader]}
  admin: {description: May do everything.}
rules:
  - {subject: "role:admin", object: "**", action: "*", effect: allow}
  - subject: role:reader
    object: documents/*
    action: read
    effect: allow
    hours: {weekdays: [mon, tue], from: 09:00, until: 17:00, time_zone: Europe/Madrid}
  - {subject: role:night, object: documents/secret, action: "*", effect: deny, note: "Never."}
tests:
  - given: {subject: role:reader, at: "2026-03-02T10:00:00Z"}
    when: {object: documents/1, action: read}
    then: allow
  - given: {subject: "user:7", roles: [night], at: "2026-03-02T10:00:00Z"}
    when: {object: documents/secret, action: read}
    then: deny
  - given: {subject: role:reader, at: "2026-03-02T17:00:00Z"}
    when: {object: documents/1, action: read}
    then: deny
"""

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)
CONDITIONS = st.one_of(
    st.builds(
        lambda value: {"name": "equals", "arguments": {"attribute": "resource.a", "value": value}},
        TEXTS | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-(2**53), 2**53),
    ),
    st.just({"name": "network", "arguments": {"networks": ["192.0.2.0/24"]}}),
)
RULES = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(["role:reader", "user:1", "client:x.y"]),
        "object": st.sampled_from(["a/*/**", "/a", "17:00", "no", "1e5", "~", "*", "# a", "a: b", "'x'", "é/ж"]),
        "action": st.sampled_from(["read", "*", "1.5", "null"]),
        "effect": st.sampled_from(["allow", "deny"]),
    },
    optional={
        "department": TEXTS,
        "location": TEXTS,
        "note": TEXTS,
        "conditions": st.lists(CONDITIONS, max_size=3),
        "valid_until": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
        "hours": st.just({"weekdays": ["mon"], "from": "17:00", "until": "09:00", "time_zone": "UTC"}),
    },
)
ROLES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    st.fixed_dictionaries({}, optional={"description": TEXTS, "parents": st.just(["other-role"])}),
    max_size=4,
)


class TestTheText:
    @given(rules=st.lists(RULES, max_size=6), roles=ROLES)
    @settings(max_examples=examples(0.5))
    def test_is_read_as_what_was_written(self, rules, roles):
        stored = {str(UUID(int=number)): rule_documents.parse_rule(rule) for number, rule in enumerate(rules)}
        unique = {rule_documents.digest(rule): rule_id for rule_id, rule in stored.items()}
        stored = {rule_id: stored[rule_id] for rule_id in unique.values()}
        roles = {name: rule_documents.parse_role(name, role) for name, role in roles.items()}
        text = rendering.render(version=7, roles=roles, rules=stored)
        read = documents.parse(text)

        assert read.version == 7
        assert read.roles == roles
        assert {str(rule.rule_id): rule.document for rule in read.rules} == stored
        assert rendering.render(version=7, roles=read.roles, rules=stored) == text

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("- a", "mapping"),
            ("rulez: []", "rulez"),
            ("rules: {}", "rules"),
            ("roles: [reader]", "roles"),
            ("roles: {Reader: {}}", "roles.Reader.name"),
            ("roles: {reader: {parent: a}}", "roles.reader.parent"),
            ("version: x", "version"),
            ("rules: [{subject: role:a, object: a, action: b, effect: Allow}]", "rules[1].effect"),
            ("rules: [{id: 7, subject: role:a, object: a, action: b, effect: allow}]", "rules[1].id"),
            ("rules: [7]", "rules[1]"),
            (
                "tests: [{given: {subject: reader}, when: {object: a, action: b}, then: allow}]",
                "tests[1].given.subject",
            ),
            ("tests: [{given: {subject: 'user:1'}, when: {object: a}, then: allow}]", "tests[1].when.action"),
            ("tests: [{given: {subject: 'user:1'}, when: {object: a, action: b}, then: yes}]", "tests[1].then"),
            ("tests: [{gieven: {}}]", "tests[1].gieven"),
            (
                "tests: [{given: {subject: 'user:1', attributes: {os: {}}}, when: {object: a, action: b}, then: deny}]",
                "tests[1].given.attributes.os",
            ),
            ("a: *x", "1"),
        ],
    )
    def test_is_refused_with_the_place(self, text, place):
        with pytest.raises(PolicyFileInvalid) as refusal:
            documents.parse(text.encode())
        assert place in refusal.value.sentence

    def test_has_no_rule_twice(self):
        rule = "{subject: 'user:1', object: %s, action: b, effect: allow}"
        with pytest.raises(PolicyFileInvalid) as refusal:
            documents.parse(f"rules: [{rule % 'a/b'}, {rule % '/a/b'}]".encode())
        assert "rules[2]" in refusal.value.sentence

    @pytest.mark.parametrize("value", ['"a\\0b"', '"\\ud800"', '"a\\u2028b"', "1e400"])
    def test_has_no_value_that_can_not_be_stored(self, value):
        condition = f"{{name: equals, arguments: {{attribute: resource.a, value: {value}}}}}"
        text = f"rules: [{{subject: 'user:1', object: a, action: b, effect: allow, conditions: [{condition}]}}]"
        with pytest.raises(PolicyFileInvalid):
            documents.parse(text.encode("utf-8"))


def run(*arguments):
    """Call the command; return its report and exit code."""
    output = StringIO()
    code = 0
    try:
        call_command("policies", *arguments, "--json", stdout=output)
    except SystemExit as ended:
        code = ended.code
    return json.loads(output.getvalue()), code


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.django_db
class TestTheCommands:
    def test_import_what_they_have_exported_without_a_change(self, file, tmp_path):
        assert run("import", str(file), "--reason", "first")[1] == 0
        before = selectors.head(), selectors.all_rules(), selectors.all_roles()
        path = tmp_path / "exported.yaml"
        assert run("export", "--output", str(path))[0]["version"] == before[0].version
        report, code = run("import", str(path), "--reason", "again")

        assert (code, report["rules"], report["roles"]) == (0, {}, {})
        assert (selectors.head(), selectors.all_rules(), selectors.all_roles()) == before
        assert path.read_text().startswith("# The access policy")

    def test_make_one_version_and_keep_the_ids_of_equal_rules(self, file):
        shipped = PolicyRule.objects.get(subject="role:admin", object="**")
        before = selectors.head().version
        planned, _code = run("import", str(file), "--reason", "x", "--dry-run")
        assert (planned["result"], planned["version"]) == ("would_import", before)
        assert selectors.head().version == before
        report, code = run("import", str(file), "--reason", "ticket 7")

        assert (code, report["version"]) == (0, before + 1)
        assert PolicyVersion.objects.get(number=before + 1).reason == "ticket 7"
        assert str(shipped.pk) not in report["rules"]
        assert [pair["before"] for pair in report["rules"].values() if pair["after"] is not None] == [None, None]
        assert report["roles"].keys() == planned["roles"].keys()
        assert {str(row.pk) for row in PolicyRule.objects.all()} >= {str(shipped.pk)}

    def test_refuse_a_file_that_is_older_than_the_policy(self, file, now):
        version = selectors.head().version
        with policy_change(author=Author(), reason="x", now=now) as writer:
            writer.put_role("other", {})
        report, code = run("import", str(file), "--reason", "x", "--if-version", str(version))
        assert (code, report["error"]["code"]) == (1, "version_mismatch")
        assert "other" in selectors.all_roles()

    def test_keep_the_tests_of_a_file_that_exists(self, file):
        run("import", str(file), "--reason", "x")
        report, _code = run("export", "--output", str(file))
        assert report["tests"] == 3
        assert run("test", str(file)) == ({"action": "test", "result": "passed", "tests": 3, "failures": []}, 0)

    def test_name_the_rule_that_decides_against_a_test(self, file):
        text = FILE.replace("then: allow", "then: deny", 1).replace("17:00:00Z", "16:59:59Z")
        file.write_text(text.replace("time_zone: Europe/Madrid", "time_zone: UTC"))
        report, code = run("test", str(file))

        assert (code, report["result"], report["tests"]) == (1, "failed", 3)
        assert [(each["test"], each["rule"]) for each in report["failures"]] == [(1, "rules[2]"), (3, "rules[2]")]
        assert report["failures"][0]["sentence"] == (
            "tests[1]: role:reader read documents/1: expected deny, but rules[2] allows it."
        )
        output = StringIO()
        with pytest.raises(SystemExit):
            call_command("policies", "test", str(file), stdout=output)
        assert output.getvalue().splitlines()[-1] == "Tests that failed: 2 of 3."
        # Such a file is not imported.
        refused, code = run("import", str(file), "--reason", "x")
        assert (code, refused["error"]["code"]) == (1, "tests_failed")

    def test_say_what_no_rule_and_no_path_is(self, file):
        file.write_text(
            "tests: [{given: {subject: 'user:1'}, when: {object: a, action: b}, then: allow},"
            " {given: {subject: 'user:1'}, when: {object: a//b, action: b}, then: allow}]"
        )
        report, _code = run("test", str(file))
        assert [each["sentence"].split("allow, ")[1] for each in report["failures"]] == [
            "but no rule matches.",
            "but this is no path of an object.",
        ]

    def test_keep_a_role_that_somebody_has(self, file, now):
        with policy_change(author=Author(), reason="x", now=now) as writer:
            writer.put_role("held", {})
            writer.grant("user:1", "held")
        report, code = run("import", str(file), "--reason", "x")
        assert (code, report["error"]["code"]) == (1, "already_in_use")
        assert "held" in report["error"]["detail"]

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("rules: [{subject: role:nobody, object: a, action: b, effect: allow}]", "nobody"),
            ("roles: {a: {parents: [b]}}", "roles.a.parents"),
            ("roles: {a: {parents: [b]}, b: {parents: [a]}}", "circle"),
            ("a: *b", "Line 1"),
        ],
    )
    def test_refuse_what_fits_not_together(self, file, text, word):
        before = selectors.head()
        file.write_text(text)
        report, code = run("import", str(file), "--reason", "x")
        assert (code, report["error"]["code"]) == (1, "policy_invalid")
        assert word in report["error"]["detail"]
        assert selectors.head() == before

    @pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 201])
    def test_ask_why(self, file, reason):
        for arguments in (("import", str(file)), ("rollback", "1")):
            report, code = run(*arguments, "--reason", reason)
            assert (code, report["error"]["code"]) == (2, "usage")

    def test_read_files_and_write_where_they_may(self, tmp_path):
        for path in ("/dev/zero", str(tmp_path), str(tmp_path / "none"), "a\0b"):
            assert run("test", path)[0]["error"]["code"] == "unreadable"
        assert run("export", "--output", str(tmp_path / "none" / "file"))[0]["error"]["code"] == "unwritable"
        (tmp_path / "other").write_text("- not ours\n")
        assert run("export", "--output", str(tmp_path / "other"))[0]["error"]["code"] == "policy_invalid"
        assert (tmp_path / "other").read_text() == "- not ours\n"

    def test_roll_back(self, file):
        wanted, documents_before = selectors.head().version, (selectors.all_rules(), selectors.all_roles())
        run("import", str(file), "--reason", "x")
        assert run("rollback", str(wanted), "--reason", "oh", "--dry-run")[0]["result"] == "would_restore"
        report, code = run("rollback", str(wanted), "--reason", "oh")
        assert (code, report["restored"], report["version"]) == (0, wanted, wanted + 2)
        assert (selectors.all_rules(), selectors.all_roles()) == documents_before
        assert run("rollback", "999", "--reason", "x")[0]["error"]["code"] == "not_found"
        assert run("rollback", "9" * 30, "--reason", "x")[0]["error"]["code"] == "not_found"
