"""docs/schemas, as a test asks them. `x-ours` marks what Statuspage does not send."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "docs" / "schemas").glob("*.json"))
}


def is_ours(schema):
    return isinstance(schema, dict) and schema.get("x-ours") is True


def theirs(schema):
    """The schema without what is ours: what Statuspage itself sends."""
    if isinstance(schema, list):
        return [theirs(one) for one in schema if not is_ours(one)]
    if not isinstance(schema, dict):
        return schema
    return {key: theirs(value) for key, value in schema.items() if not is_ours(value)}


def faults(value, name, schemas=SCHEMAS):
    """Every place where the document is not what its schema says."""
    registry = Registry().with_resources(
        (f"{one}.json", Resource.from_contents(schema)) for one, schema in schemas.items()
    )
    found = Draft202012Validator(schemas[name], registry=registry).iter_errors(value)
    return [f"{one.json_path}: {one.message[:200]}" for each in found for one in _causes(each)]


def _causes(error):
    """Of several shapes that may be, what keeps it from the one it is nearest to."""
    if not error.context:
        return [error]
    by_shape = {}
    for one in error.context:
        by_shape.setdefault(one.schema_path[0], []).extend(_causes(one))
    return min(by_shape.values(), key=len)
