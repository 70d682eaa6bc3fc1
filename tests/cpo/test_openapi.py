"""What the CPO puts on the wire fits Hubject's own OpenAPI schemas."""

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest

from oicp.wire_json import dump
from tests.cpo.doubles import charge_point, fleet, running_cpo, stage
from tests.cpo.lawful import faults_of

EVSE = "DE*ABC*E1001*1"


def schemas() -> Any:
    """Hubject's description of the CPO role; the test is skipped where it is not at hand."""
    shared = Path(os.environ.get("OICP_BENCH_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
    file = shared / "spec/openapi-cpo.json"
    if not file.is_file():
        pytest.skip(f"{file.name} is not there; set OICP_BENCH_SHARED")
    return json.loads(file.read_text("utf-8"))


async def test_messages_and_answers_fit_openapi_and_the_message_laws(tmp_path: Path) -> None:
    """A session with a fault, notifications, prices, a refusal: every message and answer validates."""
    document = schemas()
    session_id = str(uuid4())
    options = ("--notifications", "--pricing")
    async with stage(tmp_path, fleet(1), *options) as where, running_cpo(where), charge_point(where) as box:
        await where.hub.receives("PushEVSEPricing")
        answers = [await where.start(EVSE, session_id, PartnerProductID="AC3"), await where.start(EVSE)]
        await box.started.wait()
        box.meter_wh += 900
        await box.reading()
        await box.status("Faulted", "OtherError")
        await box.status("Charging")
        answers.append(await where.stop(EVSE, session_id))
        await where.hub.receives("ChargeDetailRecord")
    kinds = [got.body.get("Type") for got in where.hub.of("ChargingNotifications")]
    assert kinds == ["Start", "Error", "End"]
    assert [answer["StatusCode"]["Code"] for answer in answers] == ["000", "602", "000"]
    assert faults_of(where.hub) == []
    for got in where.hub.got:
        fits(document, got.operation, got.body)
    for answer in answers:
        fits(document, "Acknowledgment", answer)


def fits(document: Any, name: str, message: Any) -> None:
    """The message validates against the schema of that name."""
    kind = message.get("Type")
    wanted = f"eRoamingChargingNotification{kind}" if name == "ChargingNotifications" else f"eRoaming{name}"
    names = {schema.lower(): schema for schema in document["components"]["schemas"]}
    schema = names.get(wanted.lower()) or names[f"eRoaming{name}".lower()]
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(json.loads(dump(message)))
