"""Evidence by hand: a run, exchanges and observations with explicit seconds, short enough to read in a table.

build = Build()
build.push_data([record("DE*ABC*E1*1")], t=1)
build.charge("DE*ABC*E1*1", t=10)
assert outcome(build.evidence(), "STAT-004") == "conforms"
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from oicp.evidence import Answer, Certificate, Evidence, Exchange, Observation, Request, Run, Tls
from oicp.rulebook import Finding, Rule, Verdict, judge
from oicp.rules import all_rules
from oicp.services import OPERATIONS, Direction
from oicp.wire_json import dump

BEGIN = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
EVSE = "DE*ABC*E1*1"
OTHER = "DE*ABC*E2*1"
EVCO = "DE-DCB-C12345678-9"
PROVIDER = "DE-DCB"
JSON_HEADERS = (("Content-Type", "application/json;charset=UTF-8"), ("Accept", "application/json"))
CERTIFICATE = Certificate(
    "CN=DE*ABC", "CN=test CA", "1", "aa", "2026-01-01T00:00:00+00:00", "2028-01-01T00:00:00+00:00"
)
TLS = Tls("TLSv1.3", CERTIFICATE, True, "DE*ABC")
CPO_TO_HUB, HUB_TO_CPO = Direction.CPO_TO_HUB, Direction.HUB_TO_CPO


def session_id(number: int) -> str:
    """A SessionID of the hub."""
    return f"00000000-0000-4000-8000-{number:012d}"


def ack(code: str = "000", **more: Any) -> dict[str, Any]:
    """An acknowledgement; `Result` true for 000. `more` adds or replaces members."""
    return {"Result": code == "000", "StatusCode": {"Code": code}, **more}


def status_only(code: str) -> dict[str, Any]:
    """An error body of the hub that has a StatusCode and no Result."""
    return {"StatusCode": {"Code": code, "Description": "refused", "AdditionalInfo": None}}


def record(evse_id: str = EVSE, **more: Any) -> dict[str, Any]:
    """A conforming EvseDataRecord of a 22 kW Type 2 outlet in Berlin; a member given as `...` is left out."""
    whole = {
        "EvseID": evse_id, "ChargingStationNames": [{"lang": "en", "value": "Town hall"}],
        "Address": {"Country": "DEU", "City": "Berlin", "Street": "EUREF-Campus", "PostalCode": "10829",
                    "HouseNum": "22", "TimeZone": "UTC+01:00"},
        "GeoCoordinates": {"Google": {"Coordinates": "52.480495 13.356465"}}, "Plugs": ["Type 2 Outlet"],
        "ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Power": 22, "Voltage": 230, "Amperage": 32}],
        "RenewableEnergy": True, "CalibrationLawDataAvailability": "Not Available", "AuthenticationModes": ["REMOTE"],
        "PaymentOptions": ["Contract"], "ValueAddedServices": ["None"], "Accessibility": "Free publicly accessible",
        "HotlinePhoneNumber": "+4930123456", "IsOpen24Hours": True, "IsHubjectCompatible": True,
        "DynamicInfoAvailable": "true", **more,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not ...}


def fleet(*evse_ids: str, **more: Any) -> dict[str, Any]:
    """A fleet.json with one charge point per EVSE."""
    points = [
        {
            "id": f"CP-{at}",
            "ocpp_version": "1.6",
            "evses": [{"evse_id": i, "connector_id": 1, "data_record": record(i)}],
        }
        for at, i in enumerate(evse_ids, 1)
    ]
    return {"operator_id": "DE*ABC", "operator_name": "ABC", "charge_points": points, **more}


class Build:
    """Collects what a recorder would have written. Everything sorts itself by `t` in `evidence()`."""

    def __init__(self, *, evses: Iterable[str] = (EVSE, OTHER), **run: Any) -> None:
        defaults: dict[str, Any] = {"operator_ids": ("DE*ABC",), "truth": True, "started_at": BEGIN}
        self.run = Run(**{**defaults, "fleet": fleet(*evses), **run})
        self.exchanges: list[Exchange] = []
        self.observations: list[Observation] = []

    def evidence(self, *, until: float | None = None) -> Evidence:
        """What was collected. `until`: the recording goes on (silently) up to that second."""
        if until is not None:
            self.observe("note", t=until, text="the recording goes on until here")
        exchanges = sorted(self.exchanges, key=lambda e: e.t)
        observations = sorted(self.observations, key=lambda o: o.t)
        return Evidence(
            self.run,
            tuple(replace(e, number=at) for at, e in enumerate(exchanges, 1)),
            tuple(replace(o, number=at) for at, o in enumerate(observations, 1)),
        )

    # --- the wire

    def exchange(
        self, operation: str | None, body: Any, *, t: float, direction: Direction = CPO_TO_HUB, answer: Any = None,
        http_status: int | None = 200, took: float = 0.05, partner_id: str = "DE*ABC", error: str | None = None,
        method: str = "POST", target: str | None = None, headers: Any = JSON_HEADERS,
        answer_headers: Any = JSON_HEADERS, faults: tuple[str, ...] = (), tls: Tls | None = TLS,
        variant: str | None = None, overlaps: tuple[int, ...] = (), url: str = "https://127.0.0.1:9443",
        **recorder: Any,
    ) -> Exchange:  # fmt: skip
        """Any exchange. `body`, `answer`: JSON value or bytes. `http_status` None: no answer came (`error`)."""
        path = OPERATIONS[operation].url_path(partner_id) if operation else "/"
        reply = (
            None
            if http_status is None
            else Answer(http_status, answer_headers, _bytes(ack() if answer is None else answer))
        )
        made = Exchange(
            number=len(self.exchanges) + 1, direction=direction, operation=operation, partner_id=partner_id,
            request=Request(method, target or path, headers, _bytes(body)), answer=reply,
            started_at=BEGIN + timedelta(seconds=t), t=t, t_end=t + took,
            error=None if reply else error or "timeout after 60.0 s", url=url, tls=tls, overlaps=overlaps,
            faults=faults, recorder={**recorder, **({"variant": variant} if variant else {})},
        )  # fmt: skip
        self.exchanges.append(made)
        return made

    def push_data(self, records: list[dict[str, Any]], *, t: float, action: str = "fullLoad", **more: Any) -> Exchange:
        """An EVSE data push, accepted unless told otherwise."""
        inner = {"OperatorID": "DE*ABC", "OperatorName": "ABC", "EvseDataRecord": records}
        return self.exchange("PushEvseData", {"ActionType": action, "OperatorEvseData": inner}, t=t, **more)

    def push_status(self, statuses: Mapping[str, str], *, t: float, action: str = "update", **more: Any) -> Exchange:
        """A status push, accepted unless told otherwise."""
        records = [{"EvseID": i, "EvseStatus": s} for i, s in statuses.items()]
        inner = {"OperatorID": "DE*ABC", "OperatorName": "ABC", "EvseStatusRecord": records}
        return self.exchange("PushEvseStatus", {"ActionType": action, "OperatorEvseStatus": inner}, t=t, **more)

    def start(
        self, *, t: float, session: int = 1, evse_id: Any = EVSE, evco_id: str = EVCO, provider: str = PROVIDER,
        operation: str = "AuthorizeRemoteStart", body: Mapping[str, Any] | None = None, answer: Any = None, **more: Any,
    ) -> Exchange:  # fmt: skip
        """A remote start by the hub, accepted unless told otherwise. `body`: members to add, replace or (`...`) drop."""
        sent = {
            "SessionID": session_id(session), "CPOPartnerSessionID": None, "EMPPartnerSessionID": None,
            "ProviderID": provider, "EvseID": evse_id,
            "Identification": {"RemoteIdentification": {"EvcoID": evco_id}}, "PartnerProductID": None, **(body or {}),
        }  # fmt: skip
        return self._to_cpo(operation, sent, provider, t, answer, more)

    def stop(
        self, *, t: float, session: int = 1, evse_id: Any = EVSE, provider: str = PROVIDER,
        operation: str = "AuthorizeRemoteStop", body: Mapping[str, Any] | None = None, answer: Any = None, **more: Any,
    ) -> Exchange:  # fmt: skip
        """A remote stop by the hub, accepted unless told otherwise."""
        sent = {
            "SessionID": session_id(session), "CPOPartnerSessionID": None, "EMPPartnerSessionID": None,
            "ProviderID": provider, "EvseID": evse_id, **(body or {}),
        }  # fmt: skip
        return self._to_cpo(operation, sent, provider, t, answer, more)

    def _to_cpo(
        self, operation: str, sent: Mapping[str, Any], provider: str, t: float, answer: Any, more: Any
    ) -> Exchange:
        body = {name: value for name, value in sent.items() if value is not ...}
        reply = ack(SessionID=sent["SessionID"]) if answer is None and isinstance(sent["SessionID"], str) else answer
        more = {"partner_id": provider, "body": body, **more}
        return self.exchange(operation, more.pop("body"), t=t, direction=HUB_TO_CPO, answer=reply, **more)

    def cdr(
        self, *, t: float, session: int = 1, evse_id: str = EVSE, evco_id: str = EVCO, begin: float | None = None,
        end: float | None = None, meter_start_wh: int = 0, meter_end_wh: int = 3000,
        body: Mapping[str, Any] | None = None, **more: Any,
    ) -> Exchange:  # fmt: skip
        """A charge detail record of a session that ran from second `begin` to `end` (default: the 10 s before `t`)."""
        first, last = clock(t - 10 if begin is None else begin), clock(t - 0.5 if end is None else end)
        sent = {
            "SessionID": session_id(session), "EvseID": evse_id,
            "Identification": {"RemoteIdentification": {"EvcoID": evco_id}}, "ChargingStart": first, "ChargingEnd": last,
            "SessionStart": first, "SessionEnd": last, "MeterValueStart": meter_start_wh / 1000,
            "MeterValueEnd": meter_end_wh / 1000, "ConsumedEnergy": (meter_end_wh - meter_start_wh) / 1000,
            **(body or {}),
        }  # fmt: skip
        sent = {name: value for name, value in sent.items() if value is not ...}
        return self.exchange("ChargeDetailRecord", sent, t=t, **more)

    def notification(self, kind: str, *, t: float, session: int = 1, evse_id: str = EVSE, body: Mapping[str, Any] | None = None, **more: Any) -> Exchange:  # fmt: skip
        """A charging notification (`Start`, `Progress`, `End`, `Error`) with the members every type has."""
        sent = {
            "Type": kind, "SessionID": session_id(session), "EvseID": evse_id, "OperatorID": "DE*ABC",
            "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, **(body or {}),
        }  # fmt: skip
        sent = {name: value for name, value in sent.items() if value is not ...}
        return self.exchange("ChargingNotifications", sent, t=t, partner_id="", **more)

    # --- beside the wire

    def observe(self, kind: str, *, t: float, evse_id: str | None = None, charge_point: str | None = None, **data: Any) -> Observation:  # fmt: skip
        """Any observation."""
        made = Observation(
            len(self.observations) + 1, kind, BEGIN + timedelta(seconds=t), t, evse_id, charge_point, data
        )
        self.observations.append(made)
        return made

    def connector(self, status: str, *, t: float, evse_id: str = EVSE, delivered: float | None = 0.01) -> None:
        """A connector changes; `delivered`: seconds until the CPO answered its StatusNotification, None if never."""
        self.observe("connector_status", t=t, evse_id=evse_id, connector_status=status, error_code="NoError")
        if delivered is not None:
            self.observe("connector_status_delivered", t=t + delivered, evse_id=evse_id, connector_status=status)

    def refuses_nulls(self) -> None:
        """To 10: a start without the optional members is accepted, a plain one with nulls is refused with 022; vehicles wait."""
        bare = {"CPOPartnerSessionID": ..., "EMPPartnerSessionID": ..., "PartnerProductID": ...}
        for at, evse in enumerate((EVSE, OTHER)):
            self.observe("plugged", t=0.1 + at, evse_id=evse)
            self.connector("Preparing", t=0.2 + at, evse_id=evse)
        self.start(t=5, evse_id=OTHER, body=bare)
        self.start(t=10, session=2, answer=ack("022"))

    def transaction(
        self, *, t: float, until: float | None = None, evse_id: str = EVSE, wh: int = 3000, name: str = "",
        cause: str = "remote", id_tag: str = "TAG1", meter_start_wh: int = 0, reason: str = "Remote",
        delivered: float | None = 0.05, id_tag_status: str = "Accepted",
    ) -> str:  # fmt: skip
        """A transaction at an EVSE from `t` to `until` (None: it goes on); energy flows all the time. Returns its name."""
        name = name or f"transaction-{len(self.observations)}"
        started = {"transaction": name, "id_tag": id_tag, "meter_wh": meter_start_wh, "cause": cause}
        self.observe("transaction_started", t=t, evse_id=evse_id, **started, remote_start=None)
        self.observe("transaction_start_delivered", t=t + 0.02, evse_id=evse_id, transaction=name, transaction_id=7, id_tag_status=id_tag_status)  # fmt: skip
        self.observe("energy_started", t=t + 0.05, evse_id=evse_id, meter_wh=meter_start_wh)
        if until is not None:
            self.observe("energy_stopped", t=until - 0.05, evse_id=evse_id, meter_wh=meter_start_wh + wh)
            self.observe("transaction_stopped", t=until, evse_id=evse_id, transaction=name, meter_wh=meter_start_wh + wh, reason=reason)  # fmt: skip
            if delivered is not None:
                self.observe("transaction_stop_delivered", t=until + delivered, evse_id=evse_id, transaction=name)
        return name

    def charge(
        self, evse_id: str = EVSE, *, t: float, session: int = 1, seconds: float = 20.0, wh: int = 3000,
        stop: bool = True, cdr: bool = True, status: bool = True, evco_id: str = EVCO,
    ) -> None:  # fmt: skip
        """A whole conforming session: plugged in, remote start, energy, remote stop, CDR, status pushes; unplugged."""
        end = t + seconds
        self.observe("plugged", t=t, evse_id=evse_id)
        self.connector("Preparing", t=t + 0.1, evse_id=evse_id)
        self.start(t=t + 1, session=session, evse_id=evse_id, evco_id=evco_id)
        self.observe("remote_start_received", t=t + 1.01, evse_id=evse_id, id_tag="TAG1", connector_id=1, answer="Accepted")  # fmt: skip
        self.transaction(t=t + 1.2, until=end, evse_id=evse_id, wh=wh)
        self.connector("Charging", t=t + 1.3, evse_id=evse_id)
        if stop:
            self.stop(t=end - 0.2, session=session, evse_id=evse_id, took=0.1)
            self.observe("remote_stop_received", t=end - 0.15, evse_id=evse_id, transaction_id=7, answer="Accepted")
        self.connector("Finishing", t=end + 0.1, evse_id=evse_id)
        if cdr:
            self.cdr(t=end + 0.6, session=session, evse_id=evse_id, evco_id=evco_id, begin=t + 1.2, end=end, meter_end_wh=wh)  # fmt: skip
        self.observe("unplugged", t=end + 2, evse_id=evse_id)
        self.connector("Available", t=end + 2.1, evse_id=evse_id)
        if status:
            self.push_status({evse_id: "Occupied"}, t=t + 0.4)
            self.push_status({evse_id: "Available"}, t=end + 2.4)


def clock(t: float) -> str:
    """Local time in Berlin (winter) of second `t`, as a CPO writes it."""
    local = (BEGIN + timedelta(seconds=t)).replace(microsecond=0) + timedelta(hours=1)
    return local.strftime("%Y-%m-%dT%H:%M:%S") + "+01:00"


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else dump(copy.deepcopy(_plain(value))).encode()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


# --- judging -------------------------------------------------------------------------------------------------------


@cache
def _rules_for(requirement: str) -> tuple[Rule, ...]:
    found = tuple(rule for rule in all_rules() if requirement in rule.requirements)
    assert found, f"no rule decides {requirement}"
    return found


ALL_PROFILES = ("full", "reservation", "pricing", "notifications", "eichrecht")


def verdict(evidence: Evidence, *requirements: str, strict: bool = False) -> Verdict:
    """The verdict of only those rules that decide these requirements, in all profiles."""
    rules = dict.fromkeys(rule for i in requirements for rule in _rules_for(i))
    return judge(evidence, profiles=ALL_PROFILES, strict=strict, rules=tuple(rules))


def outcome(evidence: Evidence, requirement: str, *, strict: bool = False) -> str:
    """`conforms`, `warned`, `violated`, `not-exercised` or `crashed` (with the reason: our own bug)."""
    own = verdict(evidence, requirement, strict=strict).of(requirement)
    assert own.outcome != "crashed", own.reason
    return str(own.outcome)


def findings(evidence: Evidence, requirement: str) -> tuple[Finding, ...]:
    """The findings of one requirement."""
    return verdict(evidence, requirement).of(requirement).findings
