"""Writes TOML: just what a configuration needs (tables, text, numbers, booleans, lists)."""

import json
import re
from collections.abc import Mapping
from typing import Any


def dump(tables: Mapping[str, Any]) -> str:
    """A nested mapping as TOML text; None is left out."""
    return "\n".join(_table(tables, ())).strip() + "\n"


def _table(table: Mapping[str, Any], name: tuple[str, ...]) -> list[str]:
    values = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    rows = [f"{_key(k)} = {_value(v)}" for k, v in values.items()]
    if name and (rows or not table):
        rows = ["", f"[{'.'.join(_key(part) for part in name)}]", *rows]
    for key, inner in table.items():
        if isinstance(inner, Mapping):
            rows += _table(inner, (*name, key))
    return rows


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
