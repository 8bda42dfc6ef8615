"""The calls as the generated OpenAPI document describes them, so that tests of all calls include new ones."""

import copy
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from cedrina.openapi.headers import ON_EVERY_RESPONSE, component_name
from ratelimiting.api.headers import IETF_NAMES

SOME_ID = "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11"
VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Call:
    """One method of one path, with a body that fits as far as the shape goes."""

    method: str
    template: str
    is_public: bool
    takes_token: bool
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
        filled = {"{provider}": "google"}
        return re.sub(r"\{\w+\}", lambda found: filled.get(found.group(), SOME_ID), self.template)

    def strings(self):
        """Return the names of the members that take a string."""
        return [name for name, schema in self.members.items() if schema.get("type") == "string"]


@cache
def document():
    """Return the document as the code describes it now."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def plain():
    """Return the document as it is sent: texts instead of what stands for them."""
    return json.loads(OpenApiJsonRenderer().render(document()))


def json_schema():
    """Return the class that validates by a schema."""
    # Here, since jsonschema takes a second of CPU to import, which each worker would do when it collects.
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def operations():
    """Return all operations, by their method and path."""
    return {
        f"{verb.upper()} {path}": operation
        for path, methods in document()["paths"].items()
        for verb, operation in methods.items()
        if verb in VERBS
    }


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
    content = body_of(operation).get("content", {}).get("application/json", {})
    schema = resolved(content.get("schema", {}))
    examples = examples_of(content)
    # The fullest example: what it leaves out is not tried.
    example = max(examples, key=len) if examples else ({} if content else None)
    parameters = [resolved(parameter) for parameter in operation.get("parameters", [])]
    security = security_of(operation)
    return Call(
        method=verb.upper(),
        template=template,
        is_public=is_public(operation),
        takes_token=any(security),
        example=example,
        members={name: resolved(member) for name, member in schema.get("properties", {}).items()},
        required=frozenset(schema.get("required", ())),
        headers={item["name"]: "*" for item in parameters if item["in"] == "header" and item.get("required")},
        query=tuple(item["name"] for item in parameters if item["in"] == "query"),
    )


def is_public(operation):
    """Return whether an operation may be called without a token: none is described for it, or also none."""
    return not security_of(operation) or {} in security_of(operation)


def security_of(operation):
    """Return the security requirements of an operation: its own, or those of the whole document."""
    return operation.get("security", document()["security"])


def resolved(part, whole=None):
    """Return a part of the document, or the component that it refers to."""
    reference = part.get("$ref")
    if reference is None:
        return part
    kind, name = reference.removeprefix("#/components/").split("/")
    return (whole or document())["components"][kind][name]


def body_of(operation, whole=None):
    """Return what an operation describes of its body, without a reference; nothing if it takes none."""
    return resolved(operation.get("requestBody", {}), whole)


def responses(operation, whole=None):
    """Return the responses of an operation by status, without references: one for each status of a range."""
    found = {}
    for status, response in operation["responses"].items():
        one = resolved(response, whole)
        found.update(_by_status(one) if status.endswith("XX") else {status: one})
    return found


def _by_status(response):
    """Return the response of a range as one for each status that its description names."""
    found = {}
    for status, text in re.findall(r"(\d{3}) (`\w+`(?:: [^`]+)?\.)", response["description"]):
        headers = {
            name: {**header, "required": True} if "required" in header else header
            for name, header in response.get("headers", {}).items()
            if _has_header(status, header.get("description", ""))
        }
        # A copy, since `narrowed` changes that of one status.
        content = {kind: dict(each) for kind, each in response["content"].items()}
        found[status] = {"description": text, "headers": headers, "content": content}
    return found


def _has_header(status, description):
    """Return whether a status of a range has a header: its description may say "With 503: ..." or "Not with 408."."""
    if description.startswith("With "):
        return description.startswith(f"With {status}:")
    return description != f"Not with {status}."


def examples_of(content, whole=None):
    """Return the examples of a body: its own, or those of its schema."""
    own = [resolved(example, whole)["value"] for example in content.get("examples", {}).values()]
    return own or resolved(content.get("schema", {}), whole).get("examples", [])


def codes_of(operation, whole=None):
    """Return every problem code that an operation's responses name, by status."""
    found = {}
    for status, response in responses(operation, whole).items():
        if "application/problem+json" in response.get("content", {}):
            found[int(status)] = set(re.findall(r"`(\w+)`[:.]", _described(response)[0]))
    return found


def _described(response):
    """Return what the description of an error says about its codes, and about those of its fields."""
    codes, _, fields = response.get("description", "").partition("Codes in `errors`:")
    return codes, fields


def field_codes_of(operation, whole=None):
    """Return the codes that the fields of an operation's validation error may have, as its description lists them."""
    return set(re.findall(r"`(\w+)`", _described(responses(operation, whole).get("422", {}))[1]))


def narrowed(whole):
    """Return a document that says of each response what the document says of several or all of them in one place.

    The schema of each problem allows only the codes that the response names: the document itself has one schema for all
    problems, so that generated clients have one type. Each response has the headers that the document names once.
    """
    of_all = {
        name: {"$ref": f"#/components/headers/{component_name(name)}"}
        for name in ON_EVERY_RESPONSE
        if name not in IETF_NAMES
    }
    whole = copy.deepcopy(whole)
    for methods in whole["paths"].values():
        for operation in methods.values():
            codes, fields = codes_of(operation, whole), field_codes_of(operation, whole)
            operation["responses"] = copy.deepcopy(responses(operation, whole))
            for response in operation["responses"].values():
                response["headers"] = {**response.get("headers", {}), **of_all}
            for status, names in codes.items():
                content = operation["responses"][str(status)]["content"]["application/problem+json"]
                only = {"code": {"enum": sorted(names)}, "status": {"const": status}}
                if fields and status == 422:
                    only["errors"] = {"items": {"properties": {"code": {"enum": sorted(fields)}}}}
                content["schema"] = {"allOf": [content["schema"], {"type": "object", "properties": only}]}
    return whole
