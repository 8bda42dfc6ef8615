"""One schema for what is read and sent in the same form.

drf-spectacular makes two schemas of a serializer that responses and requests have: that of requests, whose name ends in
`Request`, forbids empty texts. Where nothing else differs, the latter is right for both, since what is read was sent.
"""

from typing import Any

from cedrina.openapi.sharing import Part

_SUFFIX = "Request"
_SCHEMAS = "#/components/schemas/"


def merge_variants(document: Part) -> None:
    """Leave one schema of each pair that differs by `minLength` only, under the shorter name."""
    schemas = document["components"]["schemas"]
    pairs = {f"{name}{_SUFFIX}": name for name in schemas if f"{name}{_SUFFIX}" in schemas}
    while differing := {long for long, short in pairs.items() if not _are_equal(schemas[long], schemas[short], pairs)}:
        # Another pair may contain this one, and differs then, too.
        pairs = {long: short for long, short in pairs.items() if long not in differing}
    for long, short in pairs.items():
        schemas[short] = schemas.pop(long)
    _refer(document, pairs)


def _are_equal(sent: Any, read: Any, pairs: dict[str, str]) -> bool:
    if isinstance(sent, dict) and isinstance(read, dict):
        names = {*sent, *read} - ({"minLength"} if "type" in sent else set())
        return all(name in sent and name in read and _are_equal(sent[name], read[name], pairs) for name in names)
    if isinstance(sent, list) and isinstance(read, list):
        return len(sent) == len(read) and all(_are_equal(*both, pairs) for both in zip(sent, read, strict=True))
    return bool(sent == read or (isinstance(sent, str) and _short(sent, pairs) == read))


def _refer(part: Any, pairs: dict[str, str]) -> None:
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        part["$ref"] = _short(part["$ref"], pairs)
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _refer(item, pairs)


def _short(reference: str, pairs: dict[str, str]) -> str:
    name = reference.removeprefix(_SCHEMAS)
    return f"{_SCHEMAS}{pairs[name]}" if name != reference and name in pairs else reference
