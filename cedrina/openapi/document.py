"""What the document has as a whole: components that no view declares, the health calls, and the order of all calls."""

import re
from typing import Any

from cedrina.openapi.examples import place_examples
from cedrina.openapi.headers import HEADERS, NAMED_ONCE, component_name, rate_limit_headers
from cedrina.openapi.problem_responses import (
    codes_by_response,
    limit_codes,
    problem_response,
    problem_schemas,
    response_name,
)
from cedrina.openapi.reading_order import TAGS, place_of
from cedrina.openapi.schema import ACCESS_TOKEN
from cedrina.openapi.schema_variants import merge_variants
from cedrina.openapi.sharing import (
    VERBS,
    operations,
    rename_problems,
    share_bodies,
    share_headers,
    share_parameters,
    share_successes,
)

# A list of choices of which each one's label is its value.
_REPEATED = re.compile(r"\n*(?:^\* `([^`\n]*)` - \1(?:\n|\Z))+(?!\*)", re.MULTILINE)
_OF_HEALTH = ("internal_error", "service_unavailable")


def complete_document(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Add to drf-spectacular's document what no view declares, and order its calls. A postprocessing hook."""
    info = result.setdefault("info", {})
    info["description"] = f"{info.get('description', '')} {NAMED_ONCE}".strip()
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(problem_schemas())
    components.setdefault("securitySchemes", {})[ACCESS_TOKEN] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of a sign-in, a registration or a refresh.",
    }
    components["headers"] = {component_name(name): header for name, header in HEADERS.items()}
    shared = components.setdefault("responses", {})
    for path, summary, description in (
        ("/livez", "Check that the process runs", "Is the process alive?"),
        ("/readyz", "Check that calls can be answered", "Can it do its work?"),
    ):
        result["paths"][path] = {"get": _health_operation(path, summary, description, shared)}
    result["paths"] = paths = dict(sorted(result["paths"].items(), key=lambda item: _place_of_path(*item)))
    _shorten_choices([paths, components["schemas"]])
    merge_variants(result)
    place_examples(paths, components["schemas"])
    components["requestBodies"] = share_bodies(paths)
    components["headers"].update(share_headers(paths))
    components["parameters"] = share_parameters(paths)
    components["responses"] = {**rename_problems(paths, shared), **share_successes(paths)}
    for kind in ("schemas", "parameters", "requestBodies", "responses"):
        components[kind] = dict(sorted(components[kind].items()))
    result["tags"] = _tags(paths)
    result["security"] = [{ACCESS_TOKEN: []}]
    for operation in operations(paths):
        if operation.get("security") == result["security"]:
            del operation["security"]
    return result


def _shorten_choices(part: Any) -> None:
    """Leave out what drf-spectacular adds to a choice for itself, and descriptions that only repeat the values."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        if "enum" in part:
            part.pop("minLength", None)
        description = part.get("description")
        if isinstance(description, str) and (left := _REPEATED.sub("", description)) != description:
            part["description"] = left.strip()
            if not part["description"]:
                del part["description"]
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _shorten_choices(item)


def _tags(paths: dict[str, Any]) -> list[dict[str, str]]:
    """Return the tags that are used, in reading order; those that are not in it come last."""
    used = [tag for item in paths.values() for verb in VERBS if verb in item for tag in item[verb].get("tags", ())]
    described = {tag.name: tag.description for tag in TAGS}
    ordered = [name for name in described if name in used] + [name for name in used if name not in described]
    return [
        {"name": name, **({"description": described[name]} if name in described else {})}
        for name in dict.fromkeys(ordered)
    ]


def _place_of_path(path: str, item: dict[str, Any]) -> tuple[tuple[int, int], str]:
    places = [place_of(item[verb].get("tags", ()), item[verb]["operationId"]) for verb in VERBS if verb in item]
    return min(places), path


def _health_operation(path: str, summary: str, description: str, shared: dict[str, Any]) -> dict[str, Any]:
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string", "const": "ok"}}}
    content = {"application/json": {"schema": status, "examples": {"ok": {"value": {"status": "ok"}}}}}
    headers = rate_limit_headers()
    success = {"description": "Yes", **({"headers": headers} if headers else {}), "content": content}
    responses: dict[str, Any] = {"200": success}
    for key, codes in codes_by_response([*_OF_HEALTH, *limit_codes()]).items():
        name = response_name(codes)
        shared.setdefault(name, problem_response(codes))
        responses[key] = {"$ref": f"#/components/responses/{name}"}
    return {
        "operationId": path.strip("/"),
        "summary": summary,
        "description": description,
        "tags": ["system"],
        "security": [],
        "responses": responses,
    }
