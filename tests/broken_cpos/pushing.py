"""Pushes of data and status done wrong: too many, too few, out of order, at the wrong time, lost."""

import asyncio
import copy
from collections.abc import Iterable
from typing import Any

from cpo.evse_status import OICP_STATUS, EvseStatuses
from cpo.fleet_data import Evse
from cpo.oicp_client import NoAnswer, Outcome, Reply
from cpo.pushes import EvseDataPush, EvseStatusPush
from oicp.wire_json import Json
from tests.broken_cpos.changes import MARKED
from tests.broken_cpos.patched import Client
from tests.broken_cpos.variant import Variant

DATA, STATUS = "PushEvseData", "PushEvseStatus"
D, S, F = "evse_data.", "evse_status.", "faults."
LOAD_DATA, LOAD_STATUS = D + "full_load_of_data_on_request", S + "full_load_of_status_on_request"
EVERY = "evse_status."
"""All scenarios of the service: how quick the CPO is as a rule shows only there."""
QUICK = {"tolerances": {"status_missing_s": 6, "repeat_s": 6, "static_change_s": 6, "quiet_after_outage_s": 6}}
Message = dict[str, Json]


# --- data -------------------------------------------------------------------------------------------------------------


class Pages(EvseDataPush):
    """One fullLoad per site: each wipes out what the one before brought."""

    async def _push_all(self) -> bool:
        for point in self._fleet.charge_points.values():
            await self._send(self.message("fullLoad", point.evses))
        self._full, self._changed = False, {}
        self._at_hub = {evse.key for evse in self._fleet.published()}
        self._full_load_done()
        self.on_loaded()
        return True


class EmptyFirst(EvseDataPush):
    """Before the fleet is read from the database an empty fullLoad goes out."""

    _emptied = False

    async def _push_all(self) -> bool:
        if not self._emptied:
            self._emptied = True
            await self._send(self.message("fullLoad", []))
        return await super()._push_all()


class OneByOne(EvseDataPush):
    """A backend that knows no fullLoad."""

    action = "insert"

    async def _push_all(self) -> bool:
        for evse in self._fleet.published():
            reply = await self._send(self.message("update" if evse.key in self._at_hub else self.action, [evse]))
            if reply is not None and reply.outcome is Outcome.DONE:
                self._at_hub.add(evse.key)
        self._full, self._changed = False, {}
        self._full_load_done()
        self.on_loaded()
        return True


class UpdatesFirst(OneByOne):
    """The first upload is an update, which the hub refuses as a whole; after that it does what works."""

    async def _push_all(self) -> bool:
        if not self._at_hub:
            await self._send(self.message("update", self._fleet.published()))
        return await EvseDataPush._push_all(self)


class AlwaysInserts(EvseDataPush):
    """A changed record is inserted again; a full load has to repair that."""

    def _action(self, evse: Evse) -> str | None:
        return "insert" if evse.published else super()._action(evse)


class KeepsTheGone(EvseDataPush):
    """An EVSE that left the fleet stays at the hub."""

    def _action(self, evse: Evse) -> str | None:
        return super()._action(evse) if evse.published else None


class WaitsForTheWeek(EvseDataPush):
    """A changed record goes with the next regular full load, in a week."""

    def changed(self, evse: Evse) -> None:
        return


class GivesUpOnRefusal(EvseDataPush):
    """A push that was refused is logged."""

    def _isolate(self, reply: Reply, evses: list[Evse]) -> bool:
        return True


class Chatty(EvseDataPush):
    """Every EVSE is pushed again with every heartbeat of every charge point."""

    async def run(self) -> None:
        await self.step()
        evses = list(self._fleet.published())
        for number in range(380):
            await self._send(self.message("update", [evses[number % len(evses)]]))
        await super().run()


class Unthrottled(Client):
    """Sends as fast as it can."""

    async def post(self, operation: str, body: str, *rest: Any) -> Reply:
        self._throttles.pop(operation, None)
        return await super().post(operation, body, *rest)


class Ping(EvseDataPush):
    """An empty insert now and then tells whether the hub is there."""

    async def _woken_or_due(self) -> None:
        await asyncio.sleep(0.5)
        await self._send(self.message("insert", []))
        await super()._woken_or_due()


def _moves(message: Message) -> None:
    """The first record gets the place of another town on the second and every later push."""
    records = message["OperatorEvseData"]["EvseDataRecord"]
    for record in records:
        if MARKED in record["EvseID"] and record["EvseID"] in _SEEN:
            record["Address"] = {"Country": "DEU", "City": "Hamburg", "Street": "Rathausmarkt", "PostalCode": "20095", "HouseNum": "1", "TimeZone": "UTC+01:00"}  # fmt: skip
            record["GeoCoordinates"] = {"Google": {"Coordinates": "53.550341 9.993620"}}
        _SEEN.add(record["EvseID"])


_SEEN: set[str] = set()


class Moves(EvseDataPush):
    """An EvseID is used again for a station in another town."""

    def message(self, action: str, evses: Iterable[Evse]) -> Message:
        message = copy.deepcopy(super().message(action, evses))
        _moves(message)
        return message


class OfSubOperator(Client):
    """Pushes for a sub-operator under the sub-operator's id."""

    def __init__(self, hub_url: str, operator_id: str, *rest: Any) -> None:
        super().__init__(hub_url, "DE*SUB", *rest)


def _names_sub_operator(envelope: str) -> Any:
    def change(message: Message) -> None:
        message[envelope]["OperatorID"] = "DE*SUB"

    return change


# --- status -----------------------------------------------------------------------------------------------------------


class Overlapping(Client):
    """A new push does not wait for the answer to the last one."""

    parallel = frozenset({DATA, STATUS, "AuthorizeStart", "AuthorizeStop"})


class Parallel(EvseStatusPush):
    """Every change is pushed in a task of its own."""

    async def _push_change(self) -> bool:
        pending, self._changed = self._changed, {}
        await asyncio.gather(*(self._one(key, evse) for key, evse in pending.items()))
        return True

    async def _one(self, key: str, evse: Evse) -> None:
        status = self._statuses.of(evse)
        if self._relevant(evse) and self._pushed.get(key) != status:
            self._pushed[key] = status
            await self._send(self.message("update", [evse], {key: status}))


class DataLater(EvseDataPush):
    """The data take their time."""

    async def run(self) -> None:
        await asyncio.sleep(2)
        await super().run()


class BeforeData(EvseStatusPush):
    """The status goes out at once, whether the data are there or not."""

    async def run(self) -> None:
        evses = list(self._fleet.published())
        await self._send(self.message("fullLoad", evses, {evse.key: "Available" for evse in evses}))
        await super().run()


class EveryQuarter(EvseStatusPush):
    """A job sends statuses every 15 minutes."""

    def changed(self, evse: Evse) -> None:
        return


class Collects(EvseStatusPush):
    """Collects changes for five seconds and sends them in one update."""

    async def _push_change(self) -> bool:
        await asyncio.sleep(5)
        pending, self._changed = self._changed, {}
        now = {key: self._statuses.of(evse) for key, evse in pending.items()}
        await self._send(self.message("update", pending.values(), now))
        self._pushed |= now
        return True


class Overtakes(EvseStatusPush):
    """Two workers: the status of a moment ago arrives after the present one."""

    async def _push_change(self) -> bool:
        before = dict(self._pushed)
        keys = dict(self._changed.items())
        done = await super()._push_change()
        for key, evse in keys.items():
            if key in before and before[key] != self._pushed.get(key):
                await self._send(self.message("update", [evse], {key: before[key]}))
        return done


class SaysItAgain(EvseStatusPush):
    """Every report of a charge point is pushed, whether its status is another one or not."""

    def changed(self, evse: Evse) -> None:
        if self._relevant(evse):
            self._changed.setdefault(evse.key, evse)
            self._stir()

    async def _push_change(self) -> bool:
        key, evse = next(iter(self._changed.items()))
        del self._changed[key]
        if self._relevant(evse):
            await self._send(self.message("update", [evse], {key: self._statuses.of(evse)}))
        return True


class OnlyTheChanged(EvseStatusPush):
    """Every change is sent as a fullLoad with the one EVSE that changed."""

    async def _push_change(self) -> bool:
        key, evse = next(iter(self._changed.items()))
        del self._changed[key]
        status = self._statuses.of(evse)
        if self._relevant(evse):
            await self._send(self.message("fullLoad", [evse], {key: status}))
            self._pushed[key] = status
        return True


class InsertsAlways(EvseStatusPush):
    """A change of status is an insert, also where there is a status."""

    async def _send(self, message: Message) -> Reply | None:
        if message["ActionType"] == "update":
            message["ActionType"] = "insert"
        return await super()._send(message)


def mapped(**other: str) -> type[EvseStatuses]:
    """OCPP states mapped otherwise; a running transaction does not matter."""
    table = OICP_STATUS | other

    class Mapped(EvseStatuses):
        def of(self, evse: Evse) -> str:
            point = self._fleet.charge_point_of(evse)
            if point.silent:
                return "Unknown"
            return table.get(evse.connector_status or "", "Unknown")

    return Mapped


class ForgetsTheEnd(EvseStatuses):
    """Once Reserved it stays Reserved until somebody charges."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._reserved: set[str] = set()

    def of(self, evse: Evse) -> str:
        status = super().of(evse)
        if status == "Reserved":
            self._reserved.add(evse.key)
        return "Reserved" if evse.key in self._reserved and status == "Available" else status


class NeverRepeats(EvseStatusPush):
    """A status push that failed is gone."""

    async def _push_change(self) -> bool:
        key, evse = next(iter(self._changed.items()))
        del self._changed[key]
        status = self._statuses.of(evse)
        if self._relevant(evse) and self._pushed.get(key) != status:
            await self._send(self.message("update", [evse], {key: status}))
            self._pushed[key] = status
        return True


class DiesOnHtml(EvseStatusPush):
    """The parser throws on a page, and the worker is never started again."""

    async def _send(self, message: Message) -> Reply | None:
        reply = await super()._send(message)
        if self._last_reply is not None and self._last_reply.value is None:
            await asyncio.Event().wait()
        return reply


class DiesOnOutage(Client):
    """After the first refused connection the client is broken, for everything."""

    _broken = False

    async def _exchange(self, operation: str, body: str) -> Reply:
        if self._broken:
            await asyncio.sleep(3600)
        try:
            return await super()._exchange(operation, body)
        except NoAnswer:
            self._broken = True
            raise


class GoesByText(Client):
    """Success is an answer whose Description says Success; anything else comes again, ten times."""

    async def _exchange(self, operation: str, body: str) -> Reply:
        for _ in range(10):
            reply = await super()._exchange(operation, body)
            if "uccess" in reply.text:
                break
            await asyncio.sleep(0.2)
        return reply


class TakesAnythingForSuccess(Client):
    """HTTP is all that is looked at (or not even that): the body does not matter."""

    below = 300

    async def _exchange(self, operation: str, body: str) -> Reply:
        reply = await super()._exchange(operation, body)
        return (
            Reply(200, {"Result": True, "StatusCode": {"Code": "000"}}, "") if reply.http_status < self.below else reply
        )


class TakesErrorsForSuccess(TakesAnythingForSuccess):
    """An answer without Result is no refusal."""

    async def _exchange(self, operation: str, body: str) -> Reply:
        reply = await Client._exchange(self, operation, body)
        refused = isinstance(reply.value, dict) and reply.value.get("Result") is not None
        known = isinstance(reply.value, dict) and not refused
        return Reply(200, {"Result": True, "StatusCode": {"Code": "000"}}, "") if known else reply


def _status(name: str, sentence: str, requirement: str, only: str, **more: Any) -> Variant:
    return Variant(f"push-{name}", sentence, (requirement,), only=only, **more)


_TWELVE = {"charge_points": 12, "evses_per_charge_point": 1}
_FEW = {"charge_points": 8, "evses_per_charge_point": 1}

VARIANTS = (
    _status("pages", "One fullLoad per site", "PUSH-004", LOAD_DATA, parts={"data_push": Pages}, collateral={"EVSE-057": "only the last site is left", "STAT-004": "the others are gone", "STAT-009": "the others are gone"}),
    _status("empty-first", "An empty fullLoad at every start, before the fleet is read", "PUSH-006", LOAD_DATA, parts={"data_push": EmptyFirst}, collateral={"PUSH-004": "it is not complete", "RATE-010": "it holds nothing"}),
    _status("one-by-one", "The first upload is a series of inserts", "PUSH-014", LOAD_DATA, parts={"data_push": OneByOne}),
    _status("updates-first", "The first upload is an update", "PUSH-008", LOAD_DATA, parts={"data_push": UpdatesFirst}),
    _status("inserts-known", "A changed record is inserted again", "PUSH-007", D + "data_record_changes", parts={"data_push": AlwaysInserts}),
    _status("keeps-the-gone", "An EVSE that left the fleet stays at the hub", "PUSH-005", D + "evse_leaves_the_fleet", parts={"data_push": KeepsTheGone}, bench=QUICK),
    _status("waits-for-the-week", "A changed record waits for the next regular full load", "PUSH-016", D + "data_record_changes", parts={"data_push": WaitsForTheWeek}, bench=QUICK),
    _status("gives-up-on-refusal", "A refused push is logged and forgotten", "PUSH-013", D + "data_push_refused_by_validation", parts={"data_push": GivesUpOnRefusal}, bench=QUICK, collateral={"HTTP-017": "the same push"}),
    _status("chatty", "Pushes the data with every heartbeat", "RATE-001", LOAD_DATA, parts={"data_push": Chatty, "client": Unthrottled}, bench={"limits": {"settle": 60}}, grade="warning"),  # an error only if the burst lies in one minute of the clock
    _status("ping", "Empty inserts to see whether the hub is there", "RATE-010", LOAD_DATA, parts={"data_push": Ping}),
    _status("id-moves", "An EvseID is given to a station in another town", "ID-010", LOAD_DATA, parts={"data_push": Moves}),
    _status("as-sub-operator", "Pushes for a sub-operator under the sub-operator's id, in path and body", "PUSH-011", LOAD_DATA, parts={"client": OfSubOperator}, cpo={"sub_operators": ("DE*SUB",)},
            requests={DATA: _names_sub_operator("OperatorEvseData"), STATUS: _names_sub_operator("OperatorEvseStatus")},
            collateral={"EVSE-057": "the hub takes nothing", "TLS-004": "the certificate is that of the partner", "PUSH-010": "the EVSEs are the partner's", "STAT-009": "the hub takes nothing"}),
    # status
    _status("parallel", "Every change is pushed in a task of its own", "PUSH-002", S + "many_changes_at_a_slow_hub", parts={"status_push": Parallel, "client": Overlapping}, fleet=_FEW, collateral={"STAT-005": "pushes in flight are refused with 009", "STAT-007": "the same", "STAT-010": "the same", "STAT-012": "the same", "STAT-011": "the same"}),
    _status("before-data", "The status goes out before the data", "STAT-004", LOAD_STATUS, parts={"status_push": BeforeData, "data_push": DataLater}, collateral={"STAT-009": "the hub knows no EVSE yet", "STAT-011": "nobody knows yet how they are"}),
    _status("every-quarter", "A job sends statuses every 15 minutes", "STAT-005", EVERY, fleet=_TWELVE, parts={"status_push": EveryQuarter}, bench=QUICK, collateral={"STAT-012": "the fault is never told", "STAT-010": "never told", "STAT-007": "never told", "STAT-013": "never told"}),
    _status("collects", "Changes of five seconds go in one update", "STAT-006", f"{S}faulted_evse, authorization.driver_unplugs, authorization.remote_start_and_stop", parts={"status_push": Collects}, fleet=_TWELVE),
    _status("overtakes", "An older status arrives after the newer one", "STAT-007", EVERY, fleet=_TWELVE, parts={"status_push": Overtakes}, bench=QUICK, collateral={"STAT-012": "the last word is the wrong one", "STAT-011": "the last word is the wrong one", "STAT-005": "the last word is the wrong one", "STAT-010": "the same", "STAT-013": "the same"}),
    _status("only-the-changed", "A change goes as a fullLoad with one EVSE", "STAT-009", S + "faulted_evse", parts={"status_push": OnlyTheChanged}, collateral={"STAT-005": "the status of all others is gone"}),
    _status("inserts-status", "A change of status is an insert", "STAT-016", S + "faulted_evse", parts={"status_push": InsertsAlways}, grade="info"),
    _status("suspended-is-available", "Available while the vehicle pauses", "STAT-010", "all", parts={"statuses": mapped(SuspendedEV="Available", SuspendedEVSE="Available", Charging="Available")}, collateral={"STAT-011": "the same status"}),
    _status("pausing-is-available", "Available while the vehicle has enough and stays", "STAT-010", "charge_detail_record.vehicle_pauses", parts={"statuses": mapped(SuspendedEV="Available")}, fleet=_FEW, collateral={"STAT-011": "the same status"}),
    _status("occupied-never", "Unknown in place of Occupied", "STAT-010", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Charging="Unknown", Preparing="Unknown", Finishing="Unknown")}, bench=QUICK),
    _status("faulted-is-available", "Faulted is Available", "STAT-012", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Faulted="Available")}, bench=QUICK, collateral={"STAT-011": "the same status", "STAT-005": "the same status"}),
    _status("disabled-is-available", "Unavailable is Available", "STAT-012", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Unavailable="Available")}, bench=QUICK, collateral={"STAT-011": "the same status", "STAT-005": "the same status"}),
    _status("reserved-is-available", "Reserved is Available, and said once more", "STAT-011", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Reserved="Available"), "status_push": SaysItAgain}, bench=QUICK),
    _status("faulted-is-unknown", "Faulted is Unknown", "STAT-012", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Faulted="Unknown")}, bench=QUICK, grade="warning"),  # contested
    _status("reserved-for-ever", "Reserved stays after the reservation is over", "STAT-013", EVERY, fleet=_TWELVE, parts={"statuses": ForgetsTheEnd}, bench=QUICK, collateral={"STAT-005": "the same status", "STAT-007": "the same status"}),
    _status("available-is-reserved", "Available and Reserved are mixed up in the mapping", "STAT-013", EVERY, fleet=_TWELVE, parts={"statuses": mapped(Available="Reserved", Reserved="Available")}, bench=QUICK, collateral={"STAT-005": "Available is never told"}),
    _status("never-repeats", "A status push that failed is never repeated", "STAT-015", F + "hub_down_when_records_are_due", parts={"status_push": NeverRepeats}, bench=QUICK, fleet=_FEW, collateral={"STAT-005": "the same push", "STAT-012": "the same push"}),
    _status("dies-on-html", "A page instead of an answer stops the worker", "HTTP-019", S + "html_instead_of_an_answer", parts={"status_push": DiesOnHtml}, bench=QUICK, collateral={"STAT-005": "nothing is pushed any more", "STAT-012": "nothing is pushed any more", "HTTP-020": "nothing is pushed any more"}),
    _status("dies-on-outage", "After an outage nothing is sent until a restart", "HTTP-020", F + "hub_down_when_records_are_due", parts={"client": DiesOnOutage}, fleet=_FEW, bench=QUICK, collateral=dict.fromkeys(("CDR-001", "CDR-002", "CDR-030", "STAT-005", "STAT-010", "STAT-011", "STAT-007", "CDR-027"), "nothing is sent any more")),
    _status("goes-by-text", "Success is what says Success", "ACK-012", S + "faulted_evse", parts={"client": GoesByText}, collateral={"STAT-007": "the repeats go on when the status is another one"}),
    _status("ignores-result", "HTTP 200 with Result false is taken for success", "HTTP-018", F + "cdr_meets_001, " + D + "data_push_meets_a_busy_hub", parts={"client": TakesAnythingForSuccess}, bench=QUICK | {"tolerances": QUICK["tolerances"] | {"cdr_repeat_s": 6}}, collateral={"CDR-030": "the record counts as delivered", "CDR-001": "the record counts as delivered"}),
    _status("ignores-missing-result", "An error body without Result is taken for success", "HTTP-017", F + "cdr_meets_error_without_result", parts={"client": TakesErrorsForSuccess}, bench=QUICK | {"tolerances": QUICK["tolerances"] | {"cdr_repeat_s": 6}}, collateral={"CDR-030": "the record counts as delivered", "CDR-001": "the record counts as delivered"}),
)  # fmt: skip
