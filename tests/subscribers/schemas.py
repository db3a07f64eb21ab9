"""As much of JSON Schema as the vendors' limits need, and where their schemas lie.

Lengths are counted in UTF-16 units, the strictest of the vendors' ways.

Each schema says in its `$comment` with which package and version it was compared.
On 21 November 2026 every message of test_formats.STORIES was compiled, too, as a
value of those packages' types (and of @googleapis/chat 45.0.0), by TypeScript
5.9.3 without a fault; for cards the names of sizes and weights had their first
letter raised, as the types have them: the schema 1.4 takes either case.
"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "schemas"
TYPES = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip


def schema_of(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def faults(  # noqa: PLR0912 - one keyword of the schema a branch
    value, schema, at="$", root=None
):
    """Every place where the value is not what the schema says."""
    root = root or schema
    if "$ref" in schema:
        schema = root.get("$defs", root.get("definitions"))[schema["$ref"].rpartition("/")[2]]
    for one in schema.get("allOf", ()):
        yield from faults(value, one, at, root)
    if "anyOf" in schema:
        tried = [list(faults(value, one, at, root)) for one in schema["anyOf"]]
        if all(tried):
            yield f"{at}: none of {len(tried)} fit: {min(tried, key=len)}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{at}: {type(value).__name__} is no {kinds}"
        return
    if isinstance(value, str):
        length = len(value.encode("utf-16-le")) // 2
        if not schema.get("minLength", 0) <= length <= schema.get("maxLength", length):
            yield f"{at}: {length} characters"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value[:60]!r} is not like {schema['pattern']}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for place, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), f"{at}[{place}]", root)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value)
        for name, one in value.items():
            if name in known:
                yield from faults(one, known[name], f"{at}.{name}", root)
            elif schema.get("additionalProperties") is False:
                yield f"{at}: {name} is unknown"
    if "maxBytes" in schema and len(json.dumps(value, ensure_ascii=False).encode()) > schema["maxBytes"]:
        yield f"{at}: more than {schema['maxBytes']} bytes"
