"""The policy as a file: ``version``, ``roles``, ``rules`` and ``tests`` of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.encoding import force_str
from django.utils.translation import gettext as _

from accounts.access import rule_documents
from accounts.access.deciding.attributes import ROOTS
from accounts.access.deciding.rules import Effect
from accounts.access.errors import AccessError, RolesInvalid, RuleInvalid
from accounts.access.policy_files import strict_yaml
from accounts.access.policy_files.strict_yaml import YamlInvalid

Documents = dict[str, dict[str, Any]]
MOST_TESTS = 10_000
_MEMBERS = frozenset({"version", "roles", "rules", "tests"})


class PolicyFileInvalid(AccessError):
    """The file is no policy. ``sentence`` says to people where and why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class FileTest:
    """A test of the rules: what must be decided. ``attributes`` have their roots; ``at`` is the instant, if given."""

    number: int
    subject: str
    object: str
    action: str
    effect: Effect
    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule of a file, with its id if it has one."""

    rule_id: UUID | None
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file says. ``version`` is the one that was exported, ``given_tests`` the tests as they are written."""

    roles: Documents
    rules: Sequence[FileRule]
    tests: Sequence[FileTest]
    version: int | None = None
    given_tests: Sequence[Any] = ()


def parse(data: bytes) -> PolicyFile:
    """Return what a file says. Whether the roles that rules name exist is not looked at.

    Raises: PolicyFileInvalid, for the first mistake.
    """
    try:
        given = strict_yaml.read(data)
    except YamlInvalid as error:
        raise PolicyFileInvalid(_yaml_sentence(error)) from error
    if not isinstance(given, dict):
        raise PolicyFileInvalid(_("The file must be a mapping with roles, rules and tests."))
    for name in given:
        if name not in _MEMBERS:
            raise PolicyFileInvalid(_("%s: the file has no such member.") % name[:100])
    version = given.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 0):
        raise PolicyFileInvalid(_("version: this is the number of a version."))
    tests = _list(given, "tests")
    if len(tests) > MOST_TESTS:
        raise PolicyFileInvalid(_("tests: a file has at most %d tests.") % MOST_TESTS)
    return PolicyFile(
        roles=_roles(given.get("roles")),
        rules=_rules(_list(given, "rules")),
        tests=[_test(number, test) for number, test in enumerate(tests, start=1)],
        version=version,
        given_tests=tests,
    )


def _roles(given: Any) -> Documents:
    found: Documents = {}
    for name, role in _mapping(given, "roles").items():
        place = f"roles.{name[:100]}"
        try:
            found[name] = rule_documents.parse_role(name, _mapping(role, place))
        except (RuleInvalid, RolesInvalid) as error:
            raise PolicyFileInvalid(f"{place}.{error.member}: {force_str(error.sentence)}") from error
    return found


def _rules(given: Sequence[Any]) -> list[FileRule]:
    found: list[FileRule] = []
    digests: dict[bytes, int] = {}
    ids: set[UUID] = set()
    for number, rule in enumerate(given, start=1):
        place = f"rules[{number}]"
        members = dict(_mapping(rule, place))
        rule_id = _id(members.pop("id", None), place)
        try:
            document = rule_documents.parse_rule(members)
        except RuleInvalid as error:
            raise PolicyFileInvalid(f"{place}.{error.member}: {force_str(error.sentence)}") from error
        same = digests.setdefault(rule_documents.digest(document), number)
        if same != number or rule_id in ids:
            raise PolicyFileInvalid(_("%(place)s: another rule says the same or has the same id.") % {"place": place})
        ids |= {rule_id} if rule_id else set()
        found.append(FileRule(rule_id, document))
    return found


def _id(given: Any, place: str) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given if isinstance(given, str) else "")
    except ValueError as error:
        raise PolicyFileInvalid(
            _("%(place)s.id: this is a UUID; leave it out for a new rule.") % {"place": place}
        ) from error


def _test(number: int, test: Any) -> FileTest:
    place = f"tests[{number}]"
    whole = _mapping(test, place)
    _only(whole, place, {"given", "when", "then"})
    given, when = _mapping(whole.get("given"), f"{place}.given"), _mapping(whole.get("when"), f"{place}.when")
    _only(given, f"{place}.given", {"subject", "roles", "attributes", "at"})
    _only(when, f"{place}.when", {"object", "action"})
    subject = _text(given, f"{place}.given", "subject")
    if not rule_documents.is_subject(subject):
        raise PolicyFileInvalid(f"{place}.given.subject: " + _("A subject is user:<id>, client:<id> or role:<name>."))
    roles = given.get("roles") or []
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise PolicyFileInvalid(f"{place}.given.roles: " + _("This is a list of names of roles."))
    if whole.get("then") not in list(Effect):
        raise PolicyFileInvalid(f"{place}.then: " + _("The effect is allow or deny."))
    own = {subject.removeprefix("role:")} if subject.startswith("role:") else set()
    return FileTest(
        number=number,
        subject=subject,
        roles=frozenset(own | set(roles)),
        object=_text(when, f"{place}.when", "object"),
        action=_text(when, f"{place}.when", "action"),
        effect=Effect(whole["then"]),
        attributes=_attributes(given.get("attributes"), f"{place}.given.attributes"),
        at=_instant(given.get("at"), f"{place}.given.at"),
    )


def _attributes(given: Any, place: str) -> dict[str, dict[str, Any]]:
    found = _mapping(given, place)
    _only(found, place, set(ROOTS))
    return {root: _mapping(values, f"{place}.{root}") for root, values in found.items()}


def _instant(given: Any, place: str) -> datetime | None:
    if given is None:
        return None
    try:
        instant = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise PolicyFileInvalid(f"{place}: " + _("This is a time such as 2026-01-31T17:00:00Z."))
    return instant


def _mapping(given: Any, place: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise PolicyFileInvalid(f"{place}: " + _("This is an object with members."))
    return given


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    found = given.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise PolicyFileInvalid(f"{name}: " + _("This is a list."))
    return found


def _text(given: Mapping[str, Any], place: str, name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str) or not found:
        raise PolicyFileInvalid(f"{place}.{name}: " + _("This member is required, and is a text."))
    return found


def _only(given: Mapping[str, Any], place: str, known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise PolicyFileInvalid(f"{place}.{name[:100]}: " + _("There is no such member."))


def _yaml_sentence(error: YamlInvalid) -> str:
    sentences = {
        "too_large": _("The file is larger than %d MiB.") % (strict_yaml.MOST_BYTES // 2**20),
        "encoding": _("The file is not UTF-8."),
        "alias": _("Anchors and aliases are not allowed: write the value out."),
        "tag": _("Tags are not allowed: texts, numbers, true, false, lists and mappings are enough."),
        "depth": _("Values are nested too deeply."),
        "key": _("A key is a text."),
        "duplicate": _("This key stands twice in one mapping."),
    }
    sentence = sentences.get(error.reason, _("This is no YAML."))
    return _("Line %(line)d: %(sentence)s") % {"line": error.line, "sentence": sentence} if error.line else sentence
