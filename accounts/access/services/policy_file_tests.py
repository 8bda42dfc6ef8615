"""Run the tests of a policy file against the rules of the same file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.access.deciding.attributes import Attributes
from accounts.access.deciding.index import Decision
from accounts.access.errors import RolesInvalid
from accounts.access.policy_files.documents import FileTest, PolicyFile, PolicyFileInvalid
from accounts.access.services.compiling import compile_policy


@dataclass(frozen=True, slots=True)
class FileTestResult:
    """What was decided in a test. ``rule`` is what decided: a rule of the file by its number, or a permission."""

    test: FileTest
    decision: Decision
    rule: str

    @property
    def is_passed(self) -> bool:
        """Return whether the decision is the expected one."""
        return self.decision.is_allowed is (self.test.effect == "allow")


def run(file: PolicyFile, *, now: datetime) -> Sequence[FileTestResult]:
    """Decide each test by the file's own rules and roles; ``now`` counts for tests without an instant.

    Raises: PolicyFileInvalid.
    """
    # Numbers with leading zeros: of several rules that match, the first one in the file is named.
    rules = {f"{number:06}": rule.document for number, rule in enumerate(file.rules, start=1)}
    try:
        policy = compile_policy(rules=rules, roles=file.roles, version=file.version or 0)
    except RolesInvalid as error:
        raise PolicyFileInvalid(f"roles.{error.role}.{error.member}: {error.sentence}") from error
    found = []
    for test in file.tests:
        decision = policy.decide(
            subject=test.subject,
            roles=test.roles,
            object_path=test.object,
            action=test.action,
            attributes=_with_id(test),
            at=test.at or now,
        )
        rule = decision.rule or ""
        found.append(FileTestResult(test, decision, f"rules[{int(rule)}]" if rule in rules else rule))
    return found


def _with_id(test: FileTest) -> Attributes:
    """Return the attributes of a test; the id of a person or a service client stands in its name."""
    kind, _, key = test.subject.partition(":")
    known = {} if kind == "role" else {"id": key}
    return {**test.attributes, "subject": {**known, **test.attributes.get("subject", {})}}
