"""Messages the models write fit Hubject's own OpenAPI schemas."""

from random import Random
from typing import Any

import jsonschema
import pytest

from oicp.messages import model_of
from oicp.wire_json import dump, parse_text
from tests.oicp.generators import KINDS, valid
from tests.oicp.shared import count, read_json

_SCHEMAS = {
    "Acknowledgement": "eRoamingAcknowledgment",
    "PullEvseData": "eRoamingPullEVSEData",
    "PullEvseStatus": "eRoamingPullEVSEStatus",
    "PullEvseStatusByID": "eRoamingPullEVSEStatusByID",
    "PullEvseStatusByOperatorID": "eRoamingPullEVSEStatusByOperatorID",
}
# Here the OpenAPI differs from the specification: it takes a single OperatorID only.
_OWN_DEFECTS = {"GetChargeDetailRecords": {"OperatorID"}}


def _validator(document: Any, name: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_what_models_write_fits_openapi(kind: str) -> None:
    """`to_wire` of every kind of message validates against the published schema."""
    name = _SCHEMAS.get(kind, f"eRoaming{kind}")
    documents = [read_json("openapi-cpo.json"), read_json("openapi-emp.json")]
    document = next(d for d in documents if name in d["components"]["schemas"])
    validator = _validator(document, name)
    for seed in range(min(count(25), 200)):
        message = valid(kind, Random(seed))
        model = model_of(KINDS[kind].operation, message, answer=KINDS[kind].answer)
        assert model is not None
        written = parse_text(dump(model.model_validate(message).to_wire())).value
        sent = {k: v for k, v in written.items() if k not in _OWN_DEFECTS.get(kind, ())}
        assert [error.message for error in validator.iter_errors(sent)] == []
