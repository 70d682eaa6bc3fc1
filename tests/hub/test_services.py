"""Authorization by card, notifications, pulls, pricing, authentication data."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fake_hubject.partners import Partner, Temper
from tests.hub.coverage import covers
from tests.hub.stage import (
    EMP,
    EMP_2,
    EVCO,
    EVSE,
    EVSE_2,
    OPERATOR,
    OTHER,
    Stage,
    cdr,
    data_push,
    data_record,
    status_push,
    wire_time,
)

_CARD, _OTHER_CARD = "1234ABCD", "ABCD1234"


def _auth(identification: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "OperatorID": OPERATOR,
        "EvseID": EVSE,
        "Identification": identification,
        "CPOPartnerSessionID": "cpo-1",
    } | more


def _rfid(uid: str = _CARD) -> dict[str, Any]:
    return {"RFIDMifareFamilyIdentification": {"UID": uid}}


# --- authorization ---------------------------------------------------------------------------------------------------


@covers("HUB-055")
async def test_broadcast_and_what_it_teaches(stage: Stage) -> None:
    """All contracted EMPs are asked; the one that knows the card is remembered; UIDs go out in upper case."""
    stage.hub.partners.change(EMP, temper=Temper(code="102"))
    stage.hub.partners.change(EMP_2, temper=Temper(knows=frozenset({_CARD})))
    reply = await stage.call("AuthorizeStart", _auth(_rfid(_CARD.upper())))
    assert reply.status == 200
    assert (reply.json["AuthorizationStatus"], reply.json["ProviderID"]) == ("Authorized", EMP_2)
    assert reply.json["CPOPartnerSessionID"] == "cpo-1"
    session = stage.hub.sessions.get(reply.json["SessionID"])
    assert session is not None
    assert session.provider_id == EMP_2
    asked = len(stage.hub.emps.received(EMP))
    await stage.call("AuthorizeStart", _auth(_rfid()))
    assert len(stage.hub.emps.received(EMP)) == asked
    assert (await stage.call("ChargeDetailRecord", cdr(session.session_id, Identification=_rfid()))).code == "000"


@covers("HUB-055")
@pytest.mark.parametrize(("code", "answered"), [("102", "102"), ("200", "200"), ("022", "102")])
async def test_nobody_authorizes(stage: Stage, code: str, answered: str) -> None:
    """NotAuthorized with a code of 100 to 200 and SessionID null; the session is gone."""
    for emp in (EMP, EMP_2):
        stage.hub.partners.change(emp, temper=Temper(code=code))
    reply = await stage.call("AuthorizeStart", _auth(_rfid()))
    assert (reply.status, reply.json["AuthorizationStatus"], reply.code) == (200, "NotAuthorized", answered)
    assert reply.json["SessionID"] is None
    assert len(stage.hub.sessions) == 0
    for emp in (EMP, EMP_2):
        stage.hub.partners.change(emp, temper=Temper(offline=True))
    assert (await stage.call("AuthorizeStart", _auth(_rfid()))).code == "106"


@covers("HUB-055")
async def test_the_evco_id_leads_to_its_emp(stage: Stage) -> None:
    """A contract id is asked at its EMP alone; without a contract for the service 210 in an authorization answer."""
    reply = await stage.call("AuthorizeStart", _auth({"PlugAndChargeIdentification": {"EvcoID": EVCO}}))
    assert reply.json["ProviderID"] == EMP
    assert stage.hub.emps.received(EMP_2) == ()
    stage.hub.partners.change(OPERATOR, contracts=frozenset({"EvseData"}))
    none = await stage.call("AuthorizeStart", _auth(_rfid()))
    assert none.short == (200, "210")
    assert (none.json["AuthorizationStatus"], none.json["SessionID"]) == ("NotAuthorized", None)


def _authentication(*identifications: dict[str, Any], action: str = "fullLoad", provider: str = EMP) -> dict[str, Any]:
    rows = [{"Identification": i} for i in identifications]
    return {
        "ActionType": action,
        "ProviderAuthenticationData": {"ProviderID": provider, "AuthenticationDataRecord": rows},
    }


@covers("HUB-056")
async def test_offline_sessions_stop_with_the_same_medium(stage: Stage) -> None:
    """Offline data decide without the EMP; another card or no session is refused."""
    assert (await stage.call("PushAuthenticationData", _authentication(_rfid()))).code == "000"
    started = await stage.call("AuthorizeStart", _auth(_rfid()))
    assert (started.json["AuthorizationStatus"], started.json["ProviderID"]) == ("Authorized", EMP)
    assert stage.hub.emps.received(EMP) == ()
    session = started.json["SessionID"]
    other = await stage.call("AuthorizeStop", _auth(_rfid(_OTHER_CARD), SessionID=session))
    assert (other.json["AuthorizationStatus"], other.code) == ("NotAuthorized", "102")
    pnc = await stage.call("AuthorizeStop", _auth({"PlugAndChargeIdentification": {"EvcoID": EVCO}}, SessionID=session))
    assert pnc.code == "105"
    same = await stage.call("AuthorizeStop", _auth(_rfid(), SessionID=session))
    assert same.json["AuthorizationStatus"] == "Authorized"
    lost = await stage.call("AuthorizeStop", _auth(_rfid(), SessionID="00000000-0000-0000-0000-000000000000"))
    assert lost.short == (404, "400")


@covers("HUB-056")
async def test_online_sessions_are_stopped_by_their_emp(stage: Stage) -> None:
    """The EMP of the session decides."""
    session = (await stage.call("AuthorizeStart", _auth(_rfid()))).json["SessionID"]
    assert (await stage.call("AuthorizeStop", _auth(_rfid(), SessionID=session))).json[
        "AuthorizationStatus"
    ] == "Authorized"
    for emp in (EMP, EMP_2):
        stage.hub.partners.change(emp, temper=Temper(code="102"))
    refused = await stage.call("AuthorizeStop", _auth(_rfid(), SessionID=session))
    assert (refused.json["AuthorizationStatus"], refused.code) == ("NotAuthorized", "102")


@covers("HUB-057")
async def test_authentication_data(stage: Stage) -> None:
    """Four action types, 019 for a foreign EvcoID, PINs only as hashes, 017 for another provider."""
    code = {"QRCodeIdentification": {"EvcoID": EVCO, "PIN": "1234"}}
    assert (await stage.call("PushAuthenticationData", _authentication(_rfid(), code))).code == "000"
    kept = stage.hub.broker.registry.of("authentication", EMP)
    assert len(kept.current) == 2
    assert not any(str(v) == "1234" for e in kept.current.values() for v in _leaves(e.record))
    for pin, status in (("1234", "Authorized"), ("9999", "NotAuthorized")):
        stage.hub.partners.change(EMP, temper=Temper(code="101"))
        reply = await stage.call("AuthorizeStart", _auth({"QRCodeIdentification": {"EvcoID": EVCO, "PIN": pin}}))
        assert reply.json["AuthorizationStatus"] == status
    push = stage.call
    assert (await push("PushAuthenticationData", _authentication(_rfid(), action="insert"))).code == "009"
    assert (await push("PushAuthenticationData", _authentication(_rfid(_OTHER_CARD), action="update"))).code == "009"
    assert (await push("PushAuthenticationData", _authentication(_rfid(_OTHER_CARD), action="insert"))).code == "000"
    assert (await push("PushAuthenticationData", _authentication(_rfid(), action="delete"))).code == "000"
    foreign = _authentication({"RemoteIdentification": {"EvcoID": "NL-TNM-C12345678-9"}})
    assert (await push("PushAuthenticationData", foreign)).code == "019"
    assert (await push("PushAuthenticationData", _authentication(_rfid(), provider=EMP_2))).short == (401, "017")
    pulled = await stage.call("PullAuthenticationData", {"OperatorID": OPERATOR})
    rows = pulled.json["AuthenticationData"]["ProviderAuthenticationData"][0]["AuthenticationDataRecord"]
    assert len(rows) == 2
    assert not any("pin" in str(row) for row in rows)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]


# --- notifications ---------------------------------------------------------------------------------------------------


def _notification(session: str, kind: str = "Start", **changes: Any) -> dict[str, Any]:
    body = {
        "Type": kind, "SessionID": session, "EvseID": EVSE, "OperatorID": OPERATOR,
        "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, "ChargingStart": wire_time(-300),
    } | {
        "Start": {}, "Progress": {"EventOccurred": wire_time(-1), "ChargingDuration": 299_000, "ConsumedEnergyProgress": 1.5},
        "End": {"ChargingEnd": wire_time(-1), "ConsumedEnergy": 2}, "Error": {"ErrorType": "ConnectorError"},
    }[kind]  # fmt: skip
    if kind == "Error":
        del body["ChargingStart"]
    return {k: v for k, v in (body | changes).items() if v is not None}


@covers("HUB-058")
async def test_notifications_are_checked_in_order(stage: Stage) -> None:
    """001 without OperatorID, 400 without session, the gap of Progress, 320 without endpoint, 310 when the EMP fails."""
    nobody = await stage.call("ChargingNotifications", _notification("x", OperatorID=None), partner="")
    assert nobody.short == (500, "001")
    assert nobody.json["StatusCode"]["Description"] == "Unexpected error checking partners: null"
    unknown = "00000000-0000-0000-0000-000000000000"
    assert (await stage.call("ChargingNotifications", _notification(unknown), partner="")).short == (404, "400")
    session = await stage.started()
    for kind in ("Start", "Progress", "End", "Error"):
        reply = await stage.call("ChargingNotifications", _notification(session, kind), partner="")
        assert reply.short == (200, "000"), (kind, reply.text)
    early = await stage.call("ChargingNotifications", _notification(session, "Progress"), partner="")
    assert early.short == (200, "022")
    stage.hub.partners.change(EMP, temper=Temper(offline=True))
    assert (await stage.call("ChargingNotifications", _notification(session), partner="")).code == "320"
    stage.hub.partners.change(EMP, temper=Temper(wrong=True))
    assert (await stage.call("ChargingNotifications", _notification(session), partner="")).code == "310"
    stage.hub.change(emp_limit_s=0.05)
    stage.hub.partners.change(EMP, temper=Temper(delay_s=5))
    assert (await stage.call("ChargingNotifications", _notification(session), partner="")).code == "310"


@covers("HUB-059")
async def test_the_acknowledgement_of_the_emp_is_handed_back(stage: Stage) -> None:
    """Code and text are those of the EMP."""
    session = await stage.started()
    stage.hub.partners.change(EMP, temper=Temper(code="021", additional_info="our database sleeps"))
    reply = await stage.call("ChargingNotifications", _notification(session), partner="")
    assert reply.short == (200, "021")
    assert reply.json["StatusCode"]["AdditionalInfo"] == "our database sleeps"


# --- pulls -----------------------------------------------------------------------------------------------------------


def _pull(**more: Any) -> dict[str, Any]:
    return {"ProviderID": EMP, "GeoCoordinatesResponseFormat": "Google"} | more


@covers("HUB-044", "HUB-045")
async def test_data_are_pulled_in_pages(stage: Stage) -> None:
    """page and size of the query, 20 by default, 2000 at most; every record names its operator."""
    await stage.publish(*(data_record(f"DE*ABC*E{number}") for number in range(45)))
    pages = [(await stage.call("PullEvseData", _pull(), query=f"?page={n}")).json for n in range(3)]
    assert [p["numberOfElements"] for p in pages] == [20, 20, 5]
    assert [(p["first"], p["last"], p["number"]) for p in pages] == [
        (True, False, 0),
        (False, False, 1),
        (False, True, 2),
    ]
    assert {(p["size"], p["totalElements"], p["totalPages"]) for p in pages} == {(20, 45, 3)}
    assert pages[0]["StatusCode"]["Code"] == "000"
    assert {"pageable", "empty"} <= set(pages[0])
    rows = [r for p in pages for r in p["content"]]
    assert len({r["EvseID"] for r in rows}) == 45
    assert {(r["OperatorID"], r["OperatorName"]) for r in rows} == {(OPERATOR, "ABC technologies")}
    assert all(r["lastUpdate"] for r in rows)
    assert (await stage.call("PullEvseData", _pull(), query="?size=9999")).json["size"] == 2000
    assert (await stage.call("PullEvseData", _pull(), query="?page=x")).status == 400


@covers("HUB-046", "HUB-047")
async def test_delta_pull(stage: Stage) -> None:
    """Since LastCall: inserts, updates and deletes, nothing else; with other filters only in lenient mode."""
    await stage.publish(data_record(), data_record(EVSE_2), data_record("DE*ABC*E3"))
    since = datetime.now(UTC).isoformat()
    await stage.publish(data_record(), data_record(EVSE_2, RenewableEnergy=False), data_record("DE*ABC*E4"))
    rows = (await stage.call("PullEvseData", _pull(LastCall=since))).json["content"]
    deltas = {r["EvseID"]: r["deltaType"] for r in rows}
    assert deltas == {EVSE_2: "update", "DE*ABC*E3": "delete", "DE*ABC*E4": "insert"}
    both = _pull(LastCall=since, OperatorIds=[OPERATOR])
    assert (await stage.call("PullEvseData", both)).status == 200
    stage.hub.change(strict=True)
    assert (await stage.call("PullEvseData", both)).status == 400


_FILTERS: dict[str, Any] = {
    "CountryCodes": (["DEU"], ["AUT"]), "OperatorIds": ([OPERATOR], [OTHER]), "AuthenticationModes": (["REMOTE"], ["PnC"]),
    "Accessibility": (["Free publicly accessible"], ["Restricted access"]),
    "CalibrationLawDataAvailability": (["Not Available"], ["Local"]), "RenewableEnergy": (True, False),
    "IsHubjectCompatible": (True, False), "IsOpen24Hours": (True, False),
    "SearchCenter": tuple(
        {"GeoCoordinates": {"Google": {"Coordinates": at}}, "Radius": 5} for at in ("52.48 13.35", "48.1 11.5")
    ),
}  # fmt: skip


@covers("HUB-048")
@pytest.mark.parametrize("name", _FILTERS)
async def test_filters(stage: Stage, name: str) -> None:
    """Each filter lets the fitting record through and keeps the other out; OperatorIDs is ignored."""
    await stage.publish(data_record())
    fits, fits_not = _FILTERS[name]
    assert len((await stage.call("PullEvseData", _pull(**{name: fits}))).json["content"]) == 1
    assert (await stage.call("PullEvseData", _pull(**{name: fits_not}))).json["content"] == []
    assert len((await stage.call("PullEvseData", _pull(OperatorIDs=[OTHER]))).json["content"]) == 1


@covers("HUB-049", "HUB-053")
async def test_notation_and_dynamic_info(stage: Stage) -> None:
    """Coordinates come in the notation asked for; auto becomes true when there is status."""
    await stage.publish(data_record(DynamicInfoAvailable="auto"))

    async def record(notation: str) -> dict[str, Any]:
        reply = await stage.call("PullEvseData", _pull(GeoCoordinatesResponseFormat=notation))
        return dict(reply.json["content"][0])

    assert (await record("Google"))["GeoCoordinates"] == {"Google": {"Coordinates": "52.480495 13.356465"}}
    decimal = {"DecimalDegree": {"Latitude": "52.480495", "Longitude": "13.356465"}}
    assert (await record("DecimalDegree"))["GeoCoordinates"] == decimal
    minutes = (await record("DegreeMinuteSeconds"))["GeoCoordinates"]["DegreeMinuteSeconds"]
    assert minutes == {"Latitude": "52°28'49.8''", "Longitude": "13°21'23.3''"}
    assert (await stage.call("PullEvseData", {"ProviderID": EMP})).status == 400
    assert (await record("Google"))["DynamicInfoAvailable"] == "false"
    await stage.call("PushEvseStatus", status_push((EVSE, "Available")))
    assert (await record("Google"))["DynamicInfoAvailable"] == "true"


@covers("HUB-050", "HUB-051", "HUB-052")
async def test_status_pulls(stage: Stage) -> None:
    """Blocks per operator, filtered; by id with EvseNotFound and at most a hundred; by operator."""
    await stage.publish()
    await stage.call("PushEvseStatus", status_push((EVSE, "Available"), (EVSE_2, "Occupied"), action="fullLoad"))
    other = stage.authority.issue_client(OTHER)
    await stage.call("PushEvseData", data_push(data_record("DE*XYZ*E1"), operator=OTHER), partner=OTHER, by=other)
    await stage.call("PushEvseStatus", status_push(("DE*XYZ*E1", "Reserved"), operator=OTHER), partner=OTHER, by=other)
    everything = (await stage.call("PullEvseStatus", {"ProviderID": EMP})).json["EvseStatuses"]["OperatorEvseStatus"]
    assert {b["OperatorID"]: len(b["EvseStatusRecord"]) for b in everything} == {OPERATOR: 2, OTHER: 1}
    for spelling in ("EVSEStatus", "EvseStatus"):
        some = await stage.call("PullEvseStatus", {"ProviderID": EMP, spelling: "Occupied"})
        assert [r for b in some.json["EvseStatuses"]["OperatorEvseStatus"] for r in b["EvseStatusRecord"]] == [
            {"EvseID": EVSE_2, "EvseStatus": "Occupied"}
        ]
    named = await stage.call("PullEvseStatusByID", {"ProviderID": EMP, "EvseID": [EVSE, "DE*ABC*E404", "DE*NOB*E1"]})
    rows = named.json["EVSEStatusRecords"]["EvseStatusRecord"]
    assert [r["EvseStatus"] for r in rows] == ["Available", "EvseNotFound", "EvseNotFound"]
    many = [f"DE*ABC*E{n}" for n in range(101)]
    assert (await stage.call("PullEvseStatusByID", {"ProviderID": EMP, "EvseID": many})).status == 400
    one = await stage.call("PullEvseStatusByOperatorID", {"ProviderID": EMP, "OperatorID": [OTHER]})
    assert [b["OperatorID"] for b in one.json["EvseStatuses"]["OperatorEvseStatus"]] == [OTHER]
    stage.hub.partners.change(EMP, no_contract_with=frozenset({OTHER}))
    left = (await stage.call("PullEvseStatus", {"ProviderID": EMP})).json["EvseStatuses"]["OperatorEvseStatus"]
    assert [b["OperatorID"] for b in left] == [OPERATOR]


@covers("HUB-054")
async def test_cdr_pull(stage: Stage) -> None:
    """All records of the EMP in the range, delivered ones too; filters; 90 days at most; no contract needed."""
    sessions = [await stage.started() for _ in range(3)]
    for session in sessions[:2]:
        await stage.call("ChargeDetailRecord", cdr(session))
    stage.hub.partners.change(EMP, temper=Temper(offline=True), contracts=frozenset({"RemoteAuthorization"}))
    await stage.call("ChargeDetailRecord", cdr(sessions[2]))
    await stage.hub.broker.tasks_done()
    now = datetime.now(UTC)
    span = {
        "From": (now - timedelta(days=1)).isoformat(),
        "To": (now + timedelta(days=1)).isoformat(),
        "ProviderID": EMP,
    }

    async def found(**more: Any) -> set[str]:
        reply = await stage.call("GetChargeDetailRecords", span | more, query="?page=0&size=50")
        assert reply.code == "000", reply.text
        return {r["SessionID"] for r in reply.json["content"]}

    assert await found() == set(sessions)
    assert await found(SessionID=[sessions[1]]) == {sessions[1]}
    assert await found(CDRForwarded=True) == await found(CDRForwarder=True) == set(sessions[:2])
    assert await found(CDRForwarded=False) == {sessions[2]}
    assert await found(OperatorID=OPERATOR) == await found(OperatorID=[OPERATOR]) == set(sessions)
    assert await found(OperatorID=[OTHER]) == set()
    wide = await stage.call("GetChargeDetailRecords", span | {"From": (now - timedelta(days=100)).isoformat()})
    assert wide.status == 400
    assert "90 days" in wide.json["message"]


def _product(provider: str, price: int, action: str = "fullLoad") -> dict[str, Any]:
    record = {
        "ProductID": "AC1", "ReferenceUnit": "KILOWATT_HOUR", "ProductPriceCurrency": "EUR", "PricePerReferenceUnit": price,
        "MaximumProductChargingPower": 22, "IsValid24hours": True, "ProductAvailabilityTimes": [],
    }  # fmt: skip
    data = {
        "OperatorID": OPERATOR, "OperatorName": "ABC", "ProviderID": provider, "PricingDefaultPrice": 0,
        "PricingDefaultPriceCurrency": "EUR", "PricingDefaultReferenceUnit": "HOUR", "PricingProductDataRecords": [record],
    }  # fmt: skip
    return {"ActionType": action, "PricingProductData": data}


@covers("HUB-061")
async def test_pricing(stage: Stage) -> None:
    """Prices for this EMP or for all, of the named operators; with LastCall only what changed."""
    for provider, price in (("*", 1), (EMP, 2), (EMP_2, 3)):
        reply = await stage.call("PushPricingProductData", _product(provider, price))
        assert reply.code == "000", reply.text
    pulled = await stage.call("PullPricingProductData", {"OperatorIDs": [OPERATOR]})
    prices = [
        r["PricePerReferenceUnit"] for b in pulled.json["PricingProductData"] for r in b["PricingProductDataRecords"]
    ]
    assert sorted(prices) == [1, 2]
    assert (await stage.call("PullPricingProductData", {"OperatorIDs": [OTHER]})).json["PricingProductData"] == []
    assert (await stage.call("PushPricingProductData", _product("*", 9, "insert"))).code == "009"
    rows = [{"EvseID": EVSE, "ProviderID": p, "EvseIDProductList": ["AC1"]} for p in ("*", EMP, EMP_2)]
    assert (await stage.call("PushEVSEPricing", {"ActionType": "fullLoad", "EVSEPricing": rows})).code == "000"
    twice = {"ActionType": "fullLoad", "EVSEPricing": [rows[0], rows[0]]}
    assert (await stage.call("PushEVSEPricing", twice)).code == "018"
    body = {"ProviderID": EMP, "OperatorIDs": [OPERATOR]}
    block = (await stage.call("PullEVSEPricing", body)).json["EVSEPricing"][0]
    assert [r["ProviderID"] for r in block["EVSEPricing"]] == ["*", EMP]
    assert (await stage.call("PullEVSEPricing", body | {"LastCall": datetime.now(UTC).isoformat()})).json[
        "EVSEPricing"
    ] == []


async def test_an_emp_with_an_endpoint_of_its_own(stage: Stage) -> None:
    """Messages go to its URL over TLS, on the published paths, and are recorded."""
    stage.hub.partners.add(Partner(EMP, "emp", url=stage.cpo.url))
    session = await stage.started()
    await stage.call("ChargeDetailRecord", cdr(session))
    await stage.hub.broker.tasks_done()
    assert stage.cpo.requests[-1][0] == f"/tenant/api/oicp/cdrmgmt/v22/operators/{OPERATOR}/charge-detail-record"
    assert str(stage.recorder.exchanges[-1].direction) == "hub_to_emp"
