"""The examples of the document: each once, beside the schema that it is an example of."""

from typing import Any

from cedrina.http.problems import CONTENT_TYPE
from cedrina.openapi.sharing import Part, operations

_REFERENCE = "#/components/schemas/"


def place_examples(paths: Part, schemas: Part) -> None:
    """Move the examples of bodies to the schemas of these, but leave those of errors.

    The schema of a request has those of all its operations, that of a response the first one: readers and programs find
    them wherever the schema is used. Where a body has several, they show which members go together; they stay in the
    operation, under the names that a page shows them by. A list of things that have an example needs none, nor does
    an object that consists of such things.
    """
    for operation in operations(paths):
        request = operation.get("requestBody", {})
        for part in (request, *operation["responses"].values()):
            for kind, content in part.get("content", {}).items():
                if kind != CONTENT_TYPE and len(content.get("examples", {})) <= 1:
                    _move(content, schemas, are_all_kept=part is request)
                elif "examples" in content:
                    _name_by_summaries(content)
    for schema in schemas.values():
        if "examples" in schema and (_is_list_of_shown(schema, schemas) or _consists_of_shown(schema, schemas)):
            del schema["examples"]


def _move(content: Part, schemas: Part, *, are_all_kept: bool) -> None:
    for example in content.pop("examples", {}).values():
        component = schemas.get(content["schema"].get("$ref", "").removeprefix(_REFERENCE))
        shown = (content["schema"] if component is None else component).setdefault("examples", [])
        if not shown or (are_all_kept and example["value"] not in shown):
            shown.append(example["value"])


def _name_by_summaries(content: Part) -> None:
    """Name examples as their views do: drf-spectacular makes a key in camel case, and keeps the name as a summary."""
    named = content["examples"].items()
    content["examples"] = {example.pop("summary", key): example for key, example in named}


def _is_list_of_shown(schema: Part, schemas: Part) -> bool:
    """Return whether the first list of an object holds components that have an example."""
    for member in schema.get("properties", {}).values():
        reference: Any = member.get("items", {}).get("$ref")
        if reference is not None:
            return "examples" in schemas[reference.removeprefix(_REFERENCE)]
    return False


def _consists_of_shown(schema: Part, schemas: Part) -> bool:
    """Return whether each member of an object is a component that has an example."""
    names = [member.get("$ref", "").removeprefix(_REFERENCE) for member in schema.get("properties", {}).values()]
    return bool(names) and all("examples" in schemas.get(name, {}) for name in names)
