"""A made-up recording that looks like a real one: a few sessions with OCPP, faults and violations. Times are invented."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from oicp.catalogue import catalogue
from oicp.evidence import Answer, Certificate, Evidence, Exchange, Observation, Request, Run, Tls
from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict, Verdict
from oicp.services import OPERATIONS, Direction
from oicp.wire_json import dump
from reports.report import Report, ScenarioResult

ZERO = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OPERATOR, PROVIDER = "DE*ABC", "DE-EMP"
EVCO = "DE-EMP-C7A2F41B9-3"
CERTIFICATE = Certificate(
    "CN=cpo.example,O=ABC technologies", "CN=OICP bench CA", "41af09", "c0ffee" * 10 + "beef", "2026-03-01T00:00:00Z",
    "2027-03-01T00:00:00Z", "EC P-256",
)  # fmt: skip
_JSON = (("Content-Type", "application/json;charset=UTF-8"), ("Host", "cpo.example:9443"))
SUCCESS = {"Result": True, "StatusCode": {"Code": "000", "Description": "Success.", "AdditionalInfo": None}}
STREET, STATION, PHONE, CITY = "Torstrasse 49", "Torhaus Nord", "+4930901820", "Fürstenwalde"


@dataclass
class Tape:
    """Writes exchanges and observations at made-up seconds."""

    exchanges: list[Exchange] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)

    def at(self, t: float) -> datetime:
        """Wall clock of a second."""
        return ZERO + timedelta(seconds=t)

    def iso(self, t: float) -> str:
        """Wall clock as a CPO in Berlin would send it."""
        return (self.at(t) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+01:00")

    def call(
        self, operation: str, body: Any, t: float, took: float = 0.02, answer: Any = None, http: int | None = 200,
        direction: Direction = Direction.CPO_TO_HUB, error: str | None = None, **more: Any,
    ) -> Exchange:  # fmt: skip
        """One exchange of an operation."""
        partner = OPERATOR if direction is Direction.CPO_TO_HUB else PROVIDER
        raw = body if isinstance(body, bytes) else dump(body).encode("utf-8", "backslashreplace")
        reply = None if http is None else Answer(http, _JSON[:1], dump(SUCCESS if answer is None else answer).encode())
        exchange = Exchange(
            number=len(self.exchanges) + 1, direction=direction, operation=operation, partner_id=partner,
            request=Request("POST", OPERATIONS[operation].url_path(partner), _JSON, raw), answer=reply,
            started_at=self.at(t), t=t, t_end=t + took, error=error, url="https://127.0.0.1:9443",
            tls=Tls("TLSv1.3", CERTIFICATE, True, OPERATOR), connection="c1", **more,
        )  # fmt: skip
        self.exchanges.append(exchange)
        return exchange

    def see(self, kind: str, t: float, evse_id: str | None = None, **data: Any) -> Observation:
        """One observation."""
        box = f"CP-{evse_id[-4]}" if evse_id and kind not in ("evse_leased", "evse_released") else None
        observation = Observation(len(self.observations) + 1, kind, self.at(t), t, evse_id, box, data)
        self.observations.append(observation)
        return observation

    def ocpp(self, t: float, evse_id: str, sender: str, action: str, payload: Any, answer: Any = None) -> None:
        """One OCPP call, seen when its answer came."""
        self.see("ocpp", t + 0.004, evse_id, charge_point="CP", sender=sender, action=action, payload=payload,
                 answer=answer or {}, error=None, duration_s=0.004)  # fmt: skip

    def evidence(self) -> Evidence:
        """The recording."""
        run = Run("run", ZERO, (OPERATOR,), ("remote-only",), ("restart",), 7, True, False, None, {})
        seen = sorted(self.observations, key=lambda o: (o.t, o.number))
        return Evidence(run, tuple(self.exchanges), tuple(seen))


def evse(number: int) -> str:
    """An EvseID of the sample fleet."""
    return f"DE*ABC*E{1000 + number}*1"


def record(number: int, **changes: Any) -> dict[str, Any]:
    """An EvseDataRecord."""
    return {
        "EvseID": evse(number), "ChargingPoolID": "DE*ABC*P1000", "ChargingStationID": f"S{number}",
        "ChargingStationNames": [{"lang": "en", "value": f"{STATION} {number}"}],
        "Address": {"Country": "DEU", "City": CITY, "Street": STREET, "PostalCode": "10119", "HouseNum": "49",
                    "TimeZone": "UTC+01:00"},
        "GeoCoordinates": {"Google": {"Coordinates": f"52.52{number % 10}311 13.40{number % 7}954"}}, "Plugs": ["Type 2 Outlet"],
        "ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Power": 22, "Voltage": 230, "Amperage": 32}],
        "RenewableEnergy": True, "CalibrationLawDataAvailability": "Not Available",
        "AuthenticationModes": ["REMOTE"], "PaymentOptions": ["No Payment"], "ValueAddedServices": ["None"],
        "Accessibility": "Free publicly accessible", "HotlinePhoneNumber": PHONE, "IsOpen24Hours": True,
        "IsHubjectCompatible": True, "DynamicInfoAvailable": "true", **changes,
    }  # fmt: skip


def session_id(number: int) -> str:
    """A SessionID of the hub."""
    return f"b2688855-7f00-0002-6d8e-48d883f6{number:04x}"


def play(
    tape: Tape, number: int, t: float, *, reported: str = "3.012", start_takes: float = 0.21, ocpp: bool = True
) -> None:
    """One remote session: plug in, start, charge, stop, charge detail record, unplug."""
    place, ident, name = evse(number), session_id(number), f"remote_start_and_stop_{number}"
    identification = {"RemoteIdentification": {"EvcoID": EVCO}}
    tape.see("scenario_started", t, scenario=name, exclusive=False, evse_ids=[place])
    tape.see("evse_leased", t, place, scenario=name)
    tape.see("plugged", t + 0.1, place)
    status(tape, t + 0.12, place, "Preparing", ocpp)
    tape.see(
        "driver", t + 0.4, action="remote_start", provider_id=PROVIDER, evco_id=EVCO, session_id=ident, answer=True
    )
    begin = t + 0.41
    start = {"SessionID": ident, "CPOPartnerSessionID": None, "EMPPartnerSessionID": None, "ProviderID": PROVIDER,
             "EvseID": place, "Identification": identification, "PartnerProductID": None}  # fmt: skip
    tape.call("AuthorizeRemoteStart", start, begin, start_takes, direction=Direction.HUB_TO_CPO)
    if ocpp:
        tape.ocpp(
            begin + 0.03,
            place,
            "cpo",
            "RemoteStartTransaction",
            {"connectorId": 1, "idTag": EVCO},
            {"status": "Accepted"},
        )
    tape.see("remote_start_received", begin + 0.035, place, id_tag=EVCO, connector_id=1, answer="Accepted")
    begin += start_takes
    tape.see(
        "transaction_started", begin + 0.1, place, transaction=f"t{number}", id_tag=EVCO, meter_wh=1000, cause="remote"
    )
    if ocpp:
        tape.ocpp(
            begin + 0.1,
            place,
            "charge_point",
            "StartTransaction",
            {"connectorId": 1, "meterStart": 1000, "idTag": EVCO},
            {"transactionId": number, "idTagInfo": {"status": "Accepted"}},
        )
    tape.see("energy_started", begin + 0.2, place, meter_wh=1000)
    status(tape, begin + 0.22, place, "Charging", ocpp)
    push_status(tape, begin + 0.26, place, "Occupied")
    for i in range(1, 31):
        tape.see("meter", begin + 0.2 + i * 0.2, place, meter_wh=1000 + i * 100)
        if ocpp and i % 3 == 0:
            tape.ocpp(
                begin + 0.2 + i * 0.2, place, "charge_point", "MeterValues", {"connectorId": 1, "transactionId": number}
            )
    over = begin + 6.4
    tape.see("driver", over, action="remote_stop", provider_id=PROVIDER, evco_id=EVCO, session_id=ident, answer=True)
    stop = {
        "SessionID": ident,
        "CPOPartnerSessionID": None,
        "EMPPartnerSessionID": None,
        "ProviderID": PROVIDER,
        "EvseID": place,
    }
    tape.call("AuthorizeRemoteStop", stop, over + 0.01, 0.18, direction=Direction.HUB_TO_CPO)
    if ocpp:
        tape.ocpp(over + 0.03, place, "cpo", "RemoteStopTransaction", {"transactionId": number}, {"status": "Accepted"})
    tape.see("energy_stopped", over + 0.3, place, meter_wh=4012)
    tape.see("transaction_stopped", over + 0.31, place, transaction=f"t{number}", meter_wh=4012, reason="Remote")
    if ocpp:
        tape.ocpp(
            over + 0.31,
            place,
            "charge_point",
            "StopTransaction",
            {"transactionId": number, "meterStop": 4012},
            {"idTagInfo": {"status": "Accepted"}},
        )
    tape.see("transaction_stop_delivered", over + 0.33, place, transaction=f"t{number}")
    status(tape, over + 0.34, place, "Finishing", ocpp)
    cdr = {"SessionID": ident, "CPOPartnerSessionID": f"abc-{number:05d}", "EMPPartnerSessionID": None, "EvseID": place,
           "Identification": identification, "ChargingStart": tape.iso(begin + 0.2), "ChargingEnd": tape.iso(over + 0.3),
           "SessionStart": tape.iso(begin), "SessionEnd": tape.iso(over + 0.3), "MeterValueStart": 1.000}  # fmt: skip
    raw = dump(cdr)[:-1].replace(
        '"MeterValueStart":1.0',
        f'"MeterValueStart":1.000,"MeterValueEnd":{float(reported) + 1:.3f},"ConsumedEnergy":{reported}',
    )
    tape.call("ChargeDetailRecord", (raw + "}").encode(), over + 0.9, 0.03)
    tape.see("hub_session", over + 0.93, session_id=ident, event="closed", reason="charge detail record")
    tape.see("unplugged", over + 1.6, place)
    status(tape, over + 1.62, place, "Available", ocpp)
    push_status(tape, over + 1.66, place, "Available")
    tape.see("evse_released", over + 1.9, place, scenario=name)
    tape.see("scenario_ended", over + 1.9, scenario=name, outcome="reached", reason=None)


def status(tape: Tape, t: float, place: str, state: str, ocpp: bool) -> None:
    """A charge point tells its connector's state."""
    tape.see("connector_status", t, place, connector_status=state, error_code="NoError")
    if ocpp:
        tape.ocpp(
            t, place, "charge_point", "StatusNotification", {"connectorId": 1, "status": state, "errorCode": "NoError"}
        )


def push_status(tape: Tape, t: float, place: str, evse_status: str) -> None:
    """The CPO tells the hub."""
    body = {"ActionType": "update", "OperatorEvseStatus": {"OperatorID": OPERATOR, "OperatorName": "ABC technologies",
            "EvseStatusRecord": [{"EvseID": place, "EvseStatus": evse_status}]}}  # fmt: skip
    tape.call("PushEvseStatus", body, t)


def tape_of(sessions: int = 4, station: str | None = None, ocpp: bool = True) -> Tape:
    """Data push, then sessions with some mistakes in them; `station` replaces the name of the first station."""
    tape = Tape()
    tape.see("cpo_started", 0.0, pid=4711)
    records = [record(n) for n in range(1, 5)]
    records[1]["HotlinePhoneNumber"] = "030/901820"
    if station is not None:
        records[0]["ChargingStationNames"][0]["value"] = station
    body = {
        "ActionType": "fullLoad",
        "OperatorEvseData": {"OperatorID": OPERATOR, "OperatorName": "ABC technologies", "EvseDataRecord": records},
    }
    tape.call("PushEvseData", body, 0.5, 0.06)
    tape.see("tls_handshake", 0.8, direction="cpo_to_hub", error="no certificate presented", version=None)
    for n in range(1, sessions + 1):
        play(tape, n, 1.5 + 2.1 * n, reported="7.400" if n == 2 else "3.0120000000000005" if n == 4 else "3.012",
             start_takes=13.7 if n == 3 else 0.21, ocpp=ocpp)  # fmt: skip
    second = next(e for e in tape.exchanges if e.operation == "ChargeDetailRecord")
    closed = {
        "Result": False,
        "StatusCode": {"Code": "400", "Description": "Session is invalid.", "AdditionalInfo": "CLOSED"},
    }
    tape.call("ChargeDetailRecord", second.request.body, second.t + 0.5, 0.02, closed, 404)
    tape.exchanges.sort(key=lambda e: e.t)
    tape.exchanges[:] = [replace(e, number=i) for i, e in enumerate(tape.exchanges, 1)]
    return tape


def report(sessions: int = 4, station: str | None = None, evidence: Evidence | None = None, **more: Any) -> Report:
    """A report with findings of every grade; `station`: see `tape_of`."""
    evidence = evidence or tape_of(sessions, station).evidence()
    scenarios = [
        ScenarioResult(str(o.data["scenario"]), "reached", None, 8.3, o.t, o.t + 8.3, (str(o.data["evse_ids"][0]),))
        for o in evidence.seen("scenario_started")
    ]
    scenarios.append(
        ScenarioResult("status_after_restart", "blocked", "PushEvseStatus did not come within 10 s", 10.2, 4.0, 14.2)
    )
    scenarios.append(
        ScenarioResult("decommission", "skipped", "needs the hook `decommission_evse`", needs=("decommission_evse",))
    )
    settings = {"seed": 7, "duration_s": 31.2, "command": "oicp-bench run --seed 7"} | more
    return Report(verdict_of(evidence, station), evidence, tuple(scenarios), **settings)


def verdict_of(evidence: Evidence, station: str | None = None) -> Verdict:
    """A verdict with some findings, put together by hand so that the tests of reports need no rules."""
    cdrs = evidence.about("ChargeDetailRecord")
    push = evidence.about("PushEvseData")[0]
    starts = evidence.about("AuthorizeRemoteStart")
    found = list(_findings(cdrs, push, starts, station))
    exercised = {"ChargeDetailRecord": len(cdrs), "PushEvseData": 1, "AuthorizeRemoteStart": len(starts), "AuthorizeRemoteStop": len(starts),
                 "PushEvseStatus": len(evidence.about("PushEvseStatus"))}  # fmt: skip
    verdicts = []
    for r in (r for r in catalogue().values() if r.subject == "cpo"):
        own = tuple(f for f in found if f.requirement == r.id)
        verdicts.append(_verdict(r, own, exercised))
    return Verdict("violations", tuple(verdicts))


def _verdict(r: Any, own: tuple[Finding, ...], exercised: dict[str, int]) -> RequirementVerdict:
    name = r.operation.removeprefix("eRoaming")
    if r.profile != "remote-only":
        return RequirementVerdict(r, Outcome.NOT_APPLICABLE, (), (), f"profile {r.profile} not chosen")
    checked = (
        ((name, exercised[name]),)
        if name in exercised
        else ((("PushEvseData", 1), ("ChargeDetailRecord", 4)) if name == "any" else ())
    )
    if any(f.grade is Grade.ERROR for f in own):
        return RequirementVerdict(r, Outcome.VIOLATED, own, checked)
    if own and own[0].grade is Grade.WARNING:
        return RequirementVerdict(r, Outcome.WARNED, own, checked)
    if checked and r.id != "CDR-030":
        return RequirementVerdict(r, Outcome.CONFORMS, own, checked)
    return RequirementVerdict(r, Outcome.NOT_EXERCISED, (), (), f"nothing in this recording exercised it ({name})")


def _findings(cdrs: Any, push: Exchange, starts: Any, station: str | None) -> Iterable[Finding]:
    for cdr in cdrs:
        where = {"exchange": cdr.number, "session_id": cdr.session_id, "evse_id": str(cdr.body.get("EvseID")),
                 "scenario": f"remote_start_and_stop_{int(str(cdr.session_id)[-4:], 16)}"}  # fmt: skip
        if str(cdr.body.get("ConsumedEnergy")).startswith("7.4"):
            yield Finding(
                "CDR-024",
                "ConsumedEnergy is 7.400 kWh, the meter of the charge point counted 3.012 kWh",
                Grade.ERROR,
                pointer="/ConsumedEnergy",
                **where,
            )
        if len(str(cdr.body.get("ConsumedEnergy"))) > 6:
            yield Finding(
                "CDR-018",
                "ConsumedEnergy 3.0120000000000005 has 16 decimals",
                Grade.WARNING,
                pointer="/ConsumedEnergy",
                contested=True,
                **where,
            )
        if not cdr.accepted:
            yield Finding(
                "CDR-003",
                "a second charge detail record for a session that was closed 0.5 s before",
                Grade.ERROR,
                also=("CDR-030",),
                **where,
            )
    yield Finding(
        "EVSE-044",
        'HotlinePhoneNumber is "030/901820"',
        Grade.ERROR,
        push.number,
        "/OperatorEvseData/EvseDataRecord/1/HotlinePhoneNumber",
        evse_id=evse(2),
    )
    if station is not None:
        yield Finding(
            "EVSE-006",
            f"station name {station}",
            Grade.ERROR,
            push.number,
            "/OperatorEvseData/EvseDataRecord/0/ChargingStationNames/0/value",
            evse_id=evse(1),
        )
    for start in starts:
        if (start.duration_s or 0) > 10:
            yield Finding(
                "RSTART-013",
                f"answered after {start.duration_s:.1f} s",
                Grade.WARNING,
                start.number,
                None,
                in_answer=True,
                session_id=start.session_id,
                evse_id=str(start.body["EvseID"]),
                scenario="remote_start_and_stop_3",
            )
