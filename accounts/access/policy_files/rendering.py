"""Write the policy as a file that people read and review."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from accounts.access import rule_documents
from accounts.access.policy_files.strict_yaml import plain_value

_HEAD = """\
# The access policy: roles, rules, and tests of the rules. Who has which role is not part of it.
#
#   manage.py policies test FILE                          run the tests against the rules of this file
#   manage.py policies import FILE --reason WHY --dry-run say what would change; without --dry-run: change it
#
# Nothing that matches is deny, and one rule that denies wins over all that allow. `*` is one segment of a path, and
# `**` at its end one or more. Leave the id of a new rule out. A time in `from` and `until` is that of the time zone.
"""
_TESTS = """
# given: subject, roles and attributes (subject, resource, action, context), and at, the time; now if it is left out.
"""
_WIDTH = 110


def render(*, version: int, roles: Mapping[str, Any], rules: Mapping[str, Any], tests: Sequence[Any] = ()) -> bytes:
    """Return a policy as YAML in UTF-8: roles by name, rules by subject, object and action, members left out if empty.

    What is read from it by ``documents.parse`` is equal to what was given.
    """
    ordered = sorted(rules.items(), key=lambda item: (*(item[1][name] for name in rule_documents.REQUIRED), item[0]))
    parts = [
        _HEAD,
        _dump({"version": version}),
        "\n",
        _dump({"roles": {name: _filled(document) for name, document in sorted(roles.items())}}),
        "\n",
        _dump({"rules": [{"id": rule_id, **_rule(document)} for rule_id, document in ordered]}),
        _TESTS,
        _dump({"tests": list(tests)}),
    ]
    return "".join(parts).encode()


def _rule(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: document[name]
        for name in rule_documents.MEMBERS
        if name in rule_documents.REQUIRED or document[name] != rule_documents.DEFAULTS[name]
    }


def _filled(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value}


# The emitter of libyaml is several times as fast.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]  # as above
    """Quotes the texts that a plain scalar would make something else of, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: _Dumper, text: str) -> Any:
    style = '"' if not isinstance(plain_value(text), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _dump(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text
