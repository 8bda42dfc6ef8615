"""The calls as the generated OpenAPI document describes them, so that tests of all calls include new ones."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

SOME_ID = "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11"
VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Call:
    """One method of one path, with a body that fits as far as the shape goes."""

    method: str
    template: str
    is_public: bool
    example: dict[str, Any] | None
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)
    query: tuple[str, ...] = ()

    @property
    def name(self):
        return f"{self.method} {self.template}"

    @property
    def path(self):
        return re.sub(r"\{\w+_id\}", SOME_ID, self.template)

    def strings(self):
        """Return the names of the members that take a string."""
        return [name for name, schema in self.members.items() if schema.get("type") == "string"]


@cache
def document():
    """Return the document as the code describes it now."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def calls():
    """Return all calls, with the ones that take a body first."""
    found = []
    for template, methods in document()["paths"].items():
        for verb, operation in methods.items():
            if verb in VERBS:
                found.append(_call(verb, template, operation))
    return sorted(found, key=lambda call: (call.example is None, call.name))


def with_body():
    return [call for call in calls() if call.example is not None]


def _call(verb, template, operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(content.get("schema", {}))
    examples = [example["value"] for example in content.get("examples", {}).values()]
    # The fullest example: what it leaves out is not tried.
    example = max(examples, key=len) if examples else ({} if content else None)
    parameters = operation.get("parameters", [])
    return Call(
        method=verb.upper(),
        template=template,
        is_public={} in operation.get("security", [{}]),
        example=example,
        members={name: _resolved(member) for name, member in schema.get("properties", {}).items()},
        required=frozenset(schema.get("required", ())),
        headers={item["name"]: "*" for item in parameters if item["in"] == "header" and item.get("required")},
        query=tuple(item["name"] for item in parameters if item["in"] == "query"),
    )


def _resolved(schema):
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return document()["components"]["schemas"][reference.rsplit("/", 1)[1]]
