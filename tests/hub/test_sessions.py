"""Remote start and stop, reservations and charge detail records: who may, in which order, and what the CPO gets to see."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from fake_hubject.partners import Temper
from oicp.services import Direction
from oicp.variants import VARIANTS
from oicp.wire_json import parse
from tests.hub.coverage import covers
from tests.hub.stage import (
    EMP,
    EMP_2,
    EVCO,
    EVSE,
    EVSE_2,
    OPERATOR,
    Stage,
    accepted,
    cdr,
    data_record,
    declined,
    wire_time,
)


@covers("HUB-025", "HUB-060")
@pytest.mark.parametrize("kind", ["remote", "reservation"])
async def test_order_of_checks_on_a_start(stage: Stage, kind: str) -> None:
    """300, 017, 210, 603, 604 in this order; none of them reaches the CPO."""
    start = stage.hub.remote_start if kind == "remote" else stage.hub.reservation_start
    unknown = "DE*ABC*E404"
    await stage.publish(data_record(), data_record(EVSE_2, IsHubjectCompatible=False))

    async def code(provider: str = EMP, evse_id: str = unknown) -> str:
        return str((await start(provider, evse_id, EVCO)).acknowledgement["StatusCode"]["Code"])

    stage.hub.partners.change(EMP, locked=True, contracts=frozenset())
    assert await code(evse_id="DE*NOB*E1") == await code("DE-NOB") == "300"
    assert await code() == "017"
    stage.hub.partners.change(EMP, locked=False)
    assert await code() == "210"
    stage.hub.partners.change(EMP, contracts=None)
    assert await code() == "603"
    assert await code(evse_id=EVSE_2) == "604"
    assert stage.cpo.requests == []
    assert await code(evse_id=EVSE) == "000"
    assert not [o for o in stage.recorder.observations if o.kind == "hub_session"][1:]


@covers("HUB-026")
async def test_without_uploads_the_evse_is_not_checked(stage: Stage) -> None:
    """A CPO that never uploaded gets every start."""
    assert (await stage.hub.remote_start(EMP, "DE*ABC*EANY", EVCO)).accepted


@covers("HUB-027", "HUB-028")
async def test_form_of_the_forwarded_request(stage: Stage) -> None:
    """Fresh SessionID of the hub, literal asterisk, explicit nulls, keep-alive, JSON in UTF-8."""
    stage.hub.partners.change(EMP, id="DE*DCB")
    body = {
        "SessionID": "11111111-1111-1111-1111-111111111111", "ProviderID": "DE*DCB", "EvseID": EVSE,
        "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, "EMPPartnerSessionID": "émp-1",
    }  # fmt: skip
    reply = await stage.call("AuthorizeRemoteStart", body, partner="DE*DCB")
    assert reply.short == (200, "000"), reply.text
    target, headers, sent = stage.cpo.requests[-1]
    assert target == "/tenant/api/oicp/charging/v21/providers/DE*DCB/authorize-remote/start"
    assert set(sent) == {
        "SessionID", "CPOPartnerSessionID", "EMPPartnerSessionID", "ProviderID", "EvseID", "Identification", "PartnerProductID",
    }  # fmt: skip
    assert sent["SessionID"] == reply.json["SessionID"] != body["SessionID"]
    assert sent["CPOPartnerSessionID"] is sent["PartnerProductID"] is None
    assert sent["EMPPartnerSessionID"] == "émp-1"
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Connection"].lower() == "keep-alive"
    assert stage.recorder.exchanges[-1].direction is Direction.HUB_TO_CPO
    assert stage.recorder.exchanges[-1].request.target == target


@covers("HUB-029", "HUB-030")
async def test_a_refusal_is_handed_back_and_deletes_the_session(stage: Stage) -> None:
    """Code and text of the CPO reach the EMP; later messages of the session are answered 400."""
    stage.cpo.answer = lambda _request, _body: declined("510", "No EV connected to EVSE.")
    result = await stage.hub.remote_start(EMP, EVSE, EVCO)
    assert not result.accepted
    assert result.acknowledgement["StatusCode"] == {"Code": "510", "Description": "No EV connected to EVSE."}
    assert (await stage.call("ChargeDetailRecord", cdr(result.session_id or ""))).short == (404, "400")
    events = [o.data["event"] for o in stage.recorder.observations if o.kind == "hub_session"]
    assert events == ["created", "deleted"]


@covers("HUB-031")
async def test_a_cpo_that_cannot_be_reached(stage: Stage) -> None:
    """The EMP gets Result false with the connection error; the session is gone."""
    stage.hub.partners.change(OPERATOR, url="https://127.0.0.1:1")
    result = await stage.hub.remote_start(EMP, EVSE, EVCO)
    assert result.acknowledgement["StatusCode"]["Code"] == "310"
    assert "refused" in result.acknowledgement["StatusCode"]["AdditionalInfo"]
    assert stage.hub.sessions.get(result.session_id) is None


@covers("HUB-032")
async def test_the_time_to_answer_is_limited(stage: Stage) -> None:
    """After the limit the hub hangs up and reports a timeout; what becomes of the session is an option."""
    never = asyncio.Event()

    async def slow(_request: web.Request, _body: Any) -> web.Response:
        await never.wait()
        return accepted()

    stage.cpo.answer = slow
    stage.hub.change(answer_limit_s=0.15)
    result = await stage.hub.remote_start(EMP, EVSE, EVCO)
    assert "timeout" in result.acknowledgement["StatusCode"]["AdditionalInfo"]
    assert stage.hub.sessions.get(result.session_id) is None
    stage.hub.change(after_timeout="kept")
    kept = await stage.hub.remote_start(EMP, EVSE, EVCO)
    assert stage.hub.sessions.get(kept.session_id) is not None
    never.set()


@covers("HUB-033")
async def test_order_of_checks_on_a_stop(stage: Stage) -> None:
    """300, 320 for a locked partner, 603, 604, then 400 for a session of somebody else."""
    await stage.publish(data_record(), data_record(EVSE_2, IsHubjectCompatible=False))
    session = await stage.started()

    async def code(provider: str = EMP, session_id: str = session, evse_id: str = EVSE) -> str:
        return str((await stage.hub.remote_stop(provider, session_id, evse_id)).acknowledgement["StatusCode"]["Code"])

    stage.hub.partners.change(EMP, locked=True)
    assert await code("DE-NOB") == "300"
    assert await code(evse_id="DE*ABC*E404") == "320"
    stage.hub.partners.change(EMP, locked=False)
    assert await code(evse_id="DE*ABC*E404") == "603"
    assert await code(evse_id=EVSE_2) == "604"
    assert await code(EMP_2) == await code(session_id="00000000-0000-0000-0000-000000000000") == "400"
    assert len(stage.cpo.requests) == 1
    assert await code() == "000"


@covers("HUB-034", "HUB-035")
async def test_stops_before_and_after_the_cdr(stage: Stage) -> None:
    """Until the CDR every stop is forwarded; after it the hub answers 400 itself."""
    session = await stage.started()
    for _ in range(2):
        assert (await stage.hub.remote_stop(EMP, session)).accepted
    assert len(stage.cpo.requests) == 3
    assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"
    late = await stage.hub.remote_stop(EMP, session)
    assert late.acknowledgement["StatusCode"] == {
        "Code": "400",
        "Description": "Session is invalid",
        "AdditionalInfo": None,
    }
    assert late.exchange is None
    assert len(stage.cpo.requests) == 3


@covers("HUB-036")
async def test_the_partner_session_id_is_remembered(stage: Stage) -> None:
    """A CPOPartnerSessionID is tied to the session; captured messages show null, so that is an option."""
    stage.cpo.answer = lambda _request, _body: accepted(CPOPartnerSessionID="cpo-7")
    session = await stage.started()
    await stage.hub.remote_stop(EMP, session)
    assert stage.cpo.requests[-1][2]["CPOPartnerSessionID"] == "cpo-7"
    stage.hub.change(known_partner_session_ids=False)
    await stage.hub.remote_stop(EMP, session)
    assert stage.cpo.requests[-1][2]["CPOPartnerSessionID"] is None
    reply = await stage.call("ChargeDetailRecord", cdr(session))
    assert reply.json["CPOPartnerSessionID"] == "cpo-7"
    assert reply.json["StatusCode"]["Description"] == "SUCCESS"


@covers("HUB-037")
@pytest.mark.parametrize("name", VARIANTS)
async def test_every_variant_can_be_sent(stage: Stage, name: str) -> None:
    """Each deviation reaches the CPO under its name, differs from the plain request, and is no fault."""
    await stage.publish()
    for operation in VARIANTS[name].operations:
        reserving = "Reservation" in operation
        start = stage.hub.reservation_start if reserving else stage.hub.remote_start
        stop = stage.hub.reservation_stop if reserving else stage.hub.remote_stop
        plain = await start(EMP, EVSE, EVCO, product="AC1")
        if "Start" in operation:
            result = await start(EMP, EVSE, EVCO, product="AC1", variant=name)
            usual = plain.exchange
        else:
            usual = (await stop(EMP, plain.session_id or "")).exchange
            result = await stop(EMP, plain.session_id or "", variant=name)
        assert result.exchange is not None
        assert usual is not None
        assert result.exchange.recorder["variant"] == name
        assert result.exchange.faults == ()
        same = name in ("duplicate", "duplicate-stop", "finished-session", "private-evse", "known-partner-session-ids")
        same = same or name in (
            "hyphen-id",
            "upper-case-evse-id",
            "product-null",
            "null-partner-session-ids",
            "odd-session-id",
            "unknown-session",
        )
        same = same or (name == "explicit-nulls" and "Stop" in operation)  # a plain stop has them all already
        assert same or (result.exchange.request.target, _shape(result.exchange.request.body)) != (
            usual.request.target, _shape(usual.request.body),
        )  # fmt: skip


def _shape(body: bytes) -> Any:
    """The message without what differs from one request to the next anyway."""
    value = parse(body).value
    if not isinstance(value, dict):
        return body
    ident = value.get("SessionID")
    return {**value, "SessionID": None if ident is None else type(ident).__name__} if "SessionID" in value else value


@covers("HUB-038", "HUB-039")
async def test_cdrs_of_unknown_foreign_and_closed_sessions(stage: Stage) -> None:
    """404 with 400: unknown, another operator's, or closed by a first CDR."""
    assert (await stage.call("ChargeDetailRecord", cdr("00000000-0000-0000-0000-000000000000"))).short == (404, "400")
    session = await stage.started()
    other = stage.authority.issue_client("DE*XYZ")
    foreign = await stage.call("ChargeDetailRecord", cdr(session, "DE*XYZ*E1"), partner="DE*XYZ", by=other)
    assert foreign.short == (404, "400")
    assert (await stage.call("ChargeDetailRecord", cdr(session))).short == (200, "000")
    again = await stage.call("ChargeDetailRecord", cdr(session))
    assert again.short == (404, "400")
    assert again.json == {
        "StatusCode": {
            "Code": "400",
            "Description": "Session found but status is not valid CLOSED!",
            "AdditionalInfo": None,
        }
    }
    assert again.headers["Connection"] == "close"
    assert len(stage.hub.broker.cdrs) == 1


_IMPLAUSIBLE = {
    "too much": {"ConsumedEnergy": 1000.5},
    "ended before it started": {"ChargingStart": wire_time(-10), "ChargingEnd": wire_time(-50)},
    "in the future": {"SessionEnd": wire_time(3600)},
    "meter ran backwards": {"MeterValueStart": 200, "MeterValueEnd": 100},
}


@covers("HUB-040")
@pytest.mark.parametrize("changes", _IMPLAUSIBLE.values(), ids=_IMPLAUSIBLE)
async def test_implausible_cdrs(stage: Stage, changes: dict[str, Any]) -> None:
    """022, and the session stays open for the corrected record."""
    session = await stage.started()
    reply = await stage.call("ChargeDetailRecord", cdr(session, **changes))
    assert reply.short == (200, "022")
    assert reply.json["Result"] is False
    assert stage.hub.broker.cdrs == []
    assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"


@covers("HUB-040")
async def test_negative_energy(stage: Stage) -> None:
    """Negative consumption is never stored."""
    session = await stage.started()
    reply = await stage.call("ChargeDetailRecord", cdr(session, ConsumedEnergy=-1))
    assert reply.short in ((200, "022"), (400, None))
    assert stage.hub.broker.cdrs == []


@covers("HUB-018", "HUB-041")
async def test_cdrs_of_foreign_and_of_external_evses(stage: Stage) -> None:
    """018 for an EVSE of somebody else; 022 for an External EVSE without signed values."""
    await stage.publish(data_record(CalibrationLawDataAvailability="External"))
    session = await stage.started()
    assert (await stage.call("ChargeDetailRecord", cdr(session, "DE*XYZ*E1"))).short == (200, "018")
    assert (await stage.call("ChargeDetailRecord", cdr(session))).short == (200, "022")
    signed = [{"SignedMeteringValue": "abc", "MeteringStatus": status} for status in ("Start", "End")]
    assert (await stage.call("ChargeDetailRecord", cdr(session, SignedMeteringValues=signed))).code == "000"


@covers("HUB-042", "HUB-043")
async def test_a_cdr_is_stored_and_forwarded_as_it_came(stage: Stage) -> None:
    """Acknowledged whatever the EMP does; the EMP gets the very bytes, unless it is locked or offline."""
    first = await stage.started()
    reply = await stage.call("ChargeDetailRecord", cdr(first))
    assert reply.json["Result"] is True
    await stage.hub.broker.tasks_done()
    received = stage.hub.emps.received(EMP, "ChargeDetailRecord")
    assert [r.sent for r in received] == [stage.recorder.exchanges[-1].request.body]
    for temper in (Temper(offline=True), Temper(wrong=True), Temper(code="022")):
        stage.hub.partners.change(EMP, temper=temper)
        session = await stage.started()
        assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"
    stage.hub.partners.change(EMP, temper=Temper())
    session = await stage.started()
    stage.hub.partners.change(EMP, locked=True)
    assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"
    await stage.hub.broker.tasks_done()
    assert len(stage.hub.broker.cdrs) == 5
    assert session not in {r.body["SessionID"] for r in stage.hub.emps.received(EMP)}


@covers("HUB-066")
async def test_reservation_stop_and_its_cdr(stage: Stage) -> None:
    """300, 017, 603, 604, 400, no contract needed; the CDR closes the reservation like any session."""
    await stage.publish(data_record(), data_record(EVSE_2, IsHubjectCompatible=False))
    charging = await stage.started()
    reserved = await stage.hub.reservation_start(EMP, EVSE, EVCO, duration=15)
    assert reserved.accepted
    target, _, sent = stage.cpo.requests[-1]
    assert target.endswith(f"/api/oicp/reservation/v11/providers/{EMP}/reservation-start-request")
    assert sent["Duration"] == 15

    async def code(provider: str = EMP, session_id: str = reserved.session_id or "", evse_id: str = EVSE) -> str:
        result = await stage.hub.reservation_stop(provider, session_id, evse_id)
        return str(result.acknowledgement["StatusCode"]["Code"])

    assert await code("DE-NOB") == "300"
    stage.hub.partners.change(EMP, locked=True)
    assert await code() == "017"
    stage.hub.partners.change(EMP, locked=False, contracts=frozenset())
    assert await code(evse_id="DE*ABC*E404") == "603"
    assert await code(evse_id=EVSE_2) == "604"
    assert await code(session_id=charging) == await code(EMP_2) == "400"
    assert await code() == "000"
    assert (await stage.call("ChargeDetailRecord", cdr(reserved.session_id or ""))).code == "000"
    assert await code() == "400"


@covers("HUB-064")
async def test_an_emp_of_the_bench_drives_a_whole_session(stage: Stage) -> None:
    """An EMP starts and stops over the hub's own API and receives the charge detail record."""
    await stage.publish()
    body = {"ProviderID": EMP, "EvseID": EVSE, "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}}
    started = await stage.call("AuthorizeRemoteStart", body)
    session = started.json["SessionID"]
    stopped = await stage.call("AuthorizeRemoteStop", {"ProviderID": EMP, "EvseID": EVSE, "SessionID": session})
    assert (started.code, stopped.code) == ("000", "000")
    await stage.call("ChargeDetailRecord", cdr(session))
    await stage.hub.broker.tasks_done()
    assert [r.body["SessionID"] for r in stage.hub.emps.received(EMP)] == [session]


async def test_paths_of_the_cpo_can_be_replaced(stage: Stage) -> None:
    """A CPO that answers elsewhere is called there."""
    stage.hub.partners.change(OPERATOR, paths={"authorize-remote/start": "/authorizeremotestartv21"})
    await stage.started()
    assert stage.cpo.requests[-1][0] == "/tenant/authorizeremotestartv21"


async def test_an_unreadable_answer_of_the_cpo_is_no_success(stage: Stage) -> None:
    """HTML, an empty body, or HTTP 500: the EMP gets Result false and the session is gone."""
    for text, status in (("<html>", 200), ("", 200), ('{"Result": true}', 500), ("[1]", 200)):
        stage.cpo.answer = lambda _r, _b, text=text, status=status: web.Response(text=text, status=status)
        result = await stage.hub.remote_start(EMP, EVSE, EVCO)
        assert not result.accepted
        assert result.acknowledgement["Result"] is False
        assert stage.hub.sessions.get(result.session_id) is None
