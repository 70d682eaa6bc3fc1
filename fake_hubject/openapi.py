"""The hub's own description in OpenAPI 3.1: made from its operations, the message models and the shapes of its answers."""

import re
from typing import Any

from fake_hubject.gate import INCOMING
from oicp.messages import ANSWERS, MESSAGES, NOTIFICATIONS
from oicp.messages.described import Described, Schema
from oicp.services import OPERATIONS, PREFIX, Direction, Operation
from oicp.wire_json import Json

_NOTE = "What the fake hub of oicp-bench takes and how it answers. Made from the models of the bench, not a document of Hubject."
_REFUSED: dict[str, tuple[str, str]] = {
    "400": ("Invalid", "no certificate, no JSON, or fields that break the schema"),
    "401": ("Refusal", "017: the certificate is not that of the partner, or not valid now"),
    "403": ("Refusal", "210: no subscription; or the address is not allowed"),
    "404": ("Refusal", "300: unknown partner; 400: unknown or closed session; 001: no such service"),
    "408": ("", "the body did not arrive in time"),
    "413": ("", "the body is too large"),
    "415": ("", "the body is no JSON by its content type"),
    "429": ("Invalid", "more calls a minute than the Acceptable Use Policy allows"),
    "500": ("Refusal", "001: a notification without OperatorID"),
    "503": ("", "maintenance"),
}
_PAGED = ("PullEvseData", "GetChargeDetailRecords")
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_SHAPES: dict[str, Schema] = {
    "Refusal": {
        "type": "object", "required": ["StatusCode"], "description": "A refusal before the data level.",
        "properties": {"StatusCode": {"$ref": "#/components/schemas/StatusCode"}},
    },
    "Invalid": {
        "type": "object", "required": ["message"], "description": "What is wrong with the body.",
        "properties": {
            "message": {"type": "string"}, "extendedInfo": {"type": "null"},
            "validationErrors": {
                "type": "array", "items": {
                    "type": "object", "required": ["fieldReference", "errorMessage"],
                    "properties": {"fieldReference": {"type": "string"}, "errorMessage": {"type": "string"}},
                },
            },
        },
    },
    "AuthenticationData": {
        "type": "object", "required": ["AuthenticationData", "StatusCode"],
        "properties": {
            "AuthenticationData": {"type": "object"}, "StatusCode": {"$ref": "#/components/schemas/StatusCode"},
        },
    },
    "PullAuthenticationData": {
        "type": "object", "properties": {"OperatorID": _TEXT_OR_NULL}, "description": "eRoamingPullAuthenticationData.",
    },
}  # fmt: skip


def description(url: str) -> dict[str, Json]:
    """The whole document. `url`: where the hub listens, without `/api/oicp`."""
    words = Described()
    words.of(ANSWERS["Acknowledgement"])
    paths = {
        PREFIX + operation.path: {"post": _operation(operation, words)}
        for operation in OPERATIONS.values()
        if INCOMING[operation.name] is not None
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "oicp-bench fake hub", "version": "OICP 2.3", "description": _NOTE},
        "servers": [{"url": url}],
        "security": [{"certificate": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted((words.schemas | _SHAPES).items())),
            "securitySchemes": {"certificate": {"type": "mutualTLS", "description": "the client certificate of the partner"}},
            "responses": {status: _response(shape, why) for status, (shape, why) in _REFUSED.items()},
        },
    }  # fmt: skip


def _operation(operation: Operation, words: Described) -> dict[str, Any]:
    answer = ANSWERS.get(operation.answer)
    shown = words.of(answer) if answer else {"$ref": f"#/components/schemas/{operation.answer}"}
    cpo = INCOMING[operation.name] is Direction.CPO_TO_HUB
    limit = f"; at most {operation.per_minute} calls a minute" if operation.per_minute else ""
    return {
        "operationId": operation.name,
        "summary": f"{operation.wire_name}, sent by {'CPOs' if cpo else 'EMPs'}{limit}",
        "tags": ["CPO" if cpo else "EMP"],
        "parameters": [*_in_path(operation), *(_page(name) for name in ("page", "size") if operation.name in _PAGED)],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _body(operation, words)}}},
        "responses": {
            "200": {
                "description": "taken, or refused on data level",
                "content": {"application/json": {"schema": shown}},
            },
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _refused(operation)},
        },
    }


def _refused(operation: Operation) -> list[str]:
    """Server errors are no answer, but for the one the live platform was seen to give."""
    return [status for status in _REFUSED if status != "500" or operation.name == "ChargingNotifications"]


def _body(operation: Operation, words: Described) -> Schema:
    if operation.name == "ChargingNotifications":
        return {"oneOf": [_notification(kind, words) for kind in NOTIFICATIONS]}
    model = MESSAGES.get(operation.name)
    return words.of(model) if model else {"$ref": f"#/components/schemas/{operation.name}"}


def _notification(kind: str, words: Described) -> Schema:
    model = NOTIFICATIONS[kind]
    reference = words.of(model)
    words.schemas[model.__name__]["properties"]["Type"] = {"enum": [kind]}
    return reference


def _in_path(operation: Operation) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "id of the direct partner",
        }
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]


def _page(name: str) -> Schema:
    least = {"page": 0, "size": 1}[name]
    return {"name": name, "in": "query", "required": False, "schema": {"type": "integer", "minimum": least}}


def _response(shape: str, why: str) -> Schema:
    html: Schema = {"text/html": {"schema": {"type": "string"}}}
    known: Schema = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}} if shape else {}
    return {"description": why, "content": known | html}
