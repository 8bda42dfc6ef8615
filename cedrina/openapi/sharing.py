"""What several operations of the document have in common is in its components once, and each operation refers to it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]
VERBS = ("get", "post", "put", "patch", "delete")


def operations(paths: Part) -> Iterator[Part]:
    """Yield the operations of a document, in its order."""
    for item in paths.values():
        yield from (item[verb] for verb in VERBS if verb in item)


def share_parameters(paths: Part) -> Part:
    """Return the parameters that several operations have, as components, and let the operations refer to them.

    A component has the name of its parameter. If there are several of a name, the less used ones have that of their
    first operation before it: ``list_sessions.cursor``.
    """
    return _shared(
        [
            (operation["parameters"], index, parameter["name"], operation["operationId"])
            for operation in operations(paths)
            for index, parameter in enumerate(operation.get("parameters", ()))
        ],
        kind="parameters",
    )


def share_bodies(paths: Part) -> Part:
    """Return the bodies that several operations take, as components, and let the operations refer to them.

    A component has the name of its schema, without the ending that says that it is sent.
    """
    return _shared(
        [
            (operation, "requestBody", name.removesuffix("Request"), operation["operationId"])
            for operation in operations(paths)
            if "requestBody" in operation and (name := _name_of_schema(operation["requestBody"]))
        ],
        kind="requestBodies",
    )


def share_headers(paths: Part) -> Part:
    """Return the headers of responses that several operations describe alike, and let the operations refer to them."""
    return _shared(
        [
            (response["headers"], name, name, operation["operationId"])
            for operation in operations(paths)
            for response in operation["responses"].values()
            for name, header in response.get("headers", {}).items()
            if "$ref" not in header
        ],
        kind="headers",
    )


def share_successes(paths: Part) -> Part:
    """Return the successes that several operations have, as components, and let the operations refer to them.

    A component has the name of the schema of its body.
    """
    return _shared(
        [
            (operation["responses"], status, _name_of_schema(response) or "NoContent", operation["operationId"])
            for operation in operations(paths)
            for status, response in operation["responses"].items()
            if status.startswith("2")
        ],
        kind="responses",
    )


def rename_problems(paths: Part, responses: Part) -> Part:
    """Return the responses of errors by short names, and let the operations refer to these.

    The one that most operations have for a status has the status as its name, since such references are a fifth of the
    document. The others have the name of an operation that has them, the shortest: ``422.register``.
    """
    prefix = "#/components/responses/"
    uses: Counter[tuple[str, str]] = Counter()
    operation_of: dict[str, str] = {}
    for operation in operations(paths):
        for status, response in operation["responses"].items():
            if "$ref" in response:
                name = response["$ref"].removeprefix(prefix)
                uses[status, name] += 1
                known = operation_of.setdefault(name, operation["operationId"])
                operation_of[name] = min(known, operation["operationId"], key=len)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for (status, name), _count in uses.most_common():
        if status not in taken:
            taken.add(status)
            names[name] = status
        else:
            names[name] = f"{status}.{operation_of[name]}"
    for operation in operations(paths):
        for response in operation["responses"].values():
            if "$ref" in response:
                response["$ref"] = prefix + names[response["$ref"].removeprefix(prefix)]
    return {names.get(name, name): response for name, response in responses.items()}


def _shared(places: list[tuple[Any, Any, str, str]], *, kind: str) -> Part:
    """Move what stands at several places to components.

    A place is what holds the part, the key of the part in it, the name that its component should have, and another
    name, which is put before it if the first is taken.
    """
    uses = Counter(_text(holder[key]) for holder, key, _name, _other in places)
    components: Part = {}
    names: dict[str, str] = {}
    # The most used first, so that it has the short name.
    for holder, key, name, other in sorted(places, key=lambda place: -uses[_text(place[0][place[1]])]):
        text = _text(holder[key])
        if uses[text] > 1 and text not in names:
            names[text] = name if name not in components else f"{other}.{name}"
            components[names[text]] = holder[key]
    for holder, key, _name, _other in places:
        if found := names.get(_text(holder[key])):
            holder[key] = {"$ref": f"#/components/{kind}/{found}"}
    return components


def _name_of_schema(body: Part) -> str:
    """Return the name of the schema of a body, nothing if there is none."""
    for content in body.get("content", {}).values():
        reference = content["schema"].get("$ref", "")
        return str(reference.rpartition("/")[2] or content["schema"].get("type", "Content"))
    return ""


def _text(part: Any) -> str:
    return json.dumps(part, sort_keys=True, default=str)
