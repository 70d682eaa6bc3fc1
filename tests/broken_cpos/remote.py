"""Remote start and stop done wrong: yes where it is no, the wrong EVSE, nobody asked, too late."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

from cpo.answers import Refused, acknowledgement
from cpo.authorization import RemoteAuthorization
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.charge_point_link import Unreachable
from cpo.fleet_data import Evse
from cpo.records import Session, State
from cpo.register import Register
from cpo.requests import RemoteRequest, read_start, read_stop
from oicp.wire_json import Json
from tests.broken_cpos.delivery import NoRecords
from tests.broken_cpos.variant import Variant

A = "authorization."
P = "authorization_by_charge_point."
SESSION = A + "remote_start_and_stop"
Body = dict[str, Json]


def says_yes_to(*codes: str) -> type[RemoteAuthorization]:
    """Answers true where these codes would be due, whatever happens then."""

    class SaysYes(RemoteAuthorization):
        async def start(self, body: Body) -> Body:
            try:
                return await super().start(body)
            except Refused as refused:
                if refused.code in codes:
                    return acknowledgement(session_id=str(body.get("SessionID")))
                raise

    return SaysYes


def stops_yes_to(*codes: str) -> type[RemoteAuthorization]:
    """Answers a stop with true where these codes would be due."""

    class StopsYes(RemoteAuthorization):
        async def stop(self, body: Body) -> Body:
            try:
                return await super().stop(body)
            except Refused as refused:
                if refused.code in codes:
                    return acknowledgement(session_id=str(body.get("SessionID")))
                raise

    return StopsYes


class TrustsTheCharger(RemoteAuthorization):
    """What the charge point answers to the start command is not looked at."""

    async def _ask(self, session: Session, evse: Evse) -> None:
        with contextlib.suppress(Unreachable):
            await self._links.of(evse.charge_point_id).remote_start(evse, session.id_tag)
        await self._register.accept(session)


class AnswersBeforeItAsks(RemoteAuthorization):
    """Answers true at once and asks the charge point afterwards, or not at all."""

    async def _ask(self, session: Session, evse: Evse) -> None:
        await self._register.accept(session)


class StartsAfterAll(RemoteAuthorization):
    """Gives up after half a second with 501; the command was sent, and what comes of it nobody ends."""

    async def start(self, body: Body) -> Body:
        try:
            request = read_start(body)
        except Refused:
            return await super().start(body)
        if self._fleet.evse(request.evse_id) is None:
            raise Refused("603")
        await super().start(body)
        raise Refused("501", "timeout")


class TakesOver(RemoteAuthorization):
    """A start on an EVSE in use replaces the session there."""

    def startable(self, evse_id: str) -> Evse:
        evse = self._fleet.evse(evse_id)
        if evse is not None and self._register.in_use(evse):
            return evse
        return super().startable(evse_id)

    async def _start(self, request: RemoteRequest) -> Body:
        evse = self.startable(request.evse_id)
        if self._register.in_use(evse):
            session = self.session_of(request, evse)
            session.state = State.WAITING
            self._register._add(session)
            await self._register.keep(session)
            return acknowledgement(session=session)
        return await super()._start(request)


class StopsTheOther(TakesOver):
    """To make room for a new driver the session that charges is stopped; then the new one is refused."""

    def startable(self, evse_id: str) -> Evse:
        evse = self._fleet.evse(evse_id)
        transaction = self._register.transaction_on(evse) if evse else None
        if evse is not None and transaction is not None:
            self._task = asyncio.ensure_future(self._links.of(evse.charge_point_id).remote_stop(transaction))
            raise Refused("602")
        return RemoteAuthorization.startable(self, evse_id)


class WrongConnector(RemoteAuthorization):
    """Always starts the connector beside the one that was named."""

    async def _ask(self, session: Session, evse: Evse) -> None:
        point = self._fleet.charge_point_of(evse)
        other = next((each for each in point.evses if each is not evse), evse)
        await super()._ask(session, other)


class FirstFreeEvse(RemoteAuthorization):
    """An EVSE it does not know is replaced by a free one."""

    def startable(self, evse_id: str) -> Evse:
        try:
            return super().startable(evse_id)
        except Refused:
            for evse in self._fleet.evses():
                if evse.connector_status in ("Available", "Preparing") and not self._register.in_use(evse):
                    return evse
            raise


class TakesAnyIdentification(RemoteAuthorization):
    """A UID does as well as an EvcoID."""

    async def start(self, body: Body) -> Body:
        given = body.get("Identification")
        if isinstance(given, dict) and given.get("RemoteIdentification") is None and given:
            body = body | {"Identification": {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}}}
        return await super().start(body)


_LATEST: dict[str, str] = {}


class ByDriver(RemoteAuthorization):
    """Sessions are kept by EvcoID: the second one of a driver overwrites the SessionID of the first."""

    async def _start(self, request: RemoteRequest) -> Body:
        _LATEST[request.evco_id] = request.session_id
        return await super()._start(request)


class RecordsByDriver(ChargeDetailRecords):
    """The SessionID is looked up by EvcoID."""

    def of_charging(self, session: Session, *rest: Any) -> Body:
        record = super().of_charging(session, *rest)
        return record | {"SessionID": _LATEST.get(session.evco_id or "", session.session_id)}


class OneAfterAnother(RemoteAuthorization):
    """A lock over all starts, held while a slow look-up runs."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._lock = asyncio.Lock()

    async def _start(self, request: RemoteRequest) -> Body:
        async with self._lock:
            await asyncio.sleep(0.6)
            return await super()._start(request)


def slow(start_s: float = 0.0, stop_s: float = 0.0) -> type[RemoteAuthorization]:
    """Takes its time to answer."""

    class Slow(RemoteAuthorization):
        async def start(self, body: Body) -> Body:
            answer = await super().start(body)
            await asyncio.sleep(start_s)
            return answer

        async def stop(self, body: Body) -> Body:
            answer = await super().stop(body)
            await asyncio.sleep(stop_s)
            return answer

    return Slow


class HangsWithoutCharger(RemoteAuthorization):
    """Waits for a charge point that is not there."""

    def startable(self, evse_id: str) -> Evse:
        evse = self._fleet.evse(evse_id)
        offline = evse is not None and not self._links.connected(evse.charge_point_id)
        return evse if evse is not None and offline else super().startable(evse_id)

    async def _ask(self, session: Session, evse: Evse) -> None:
        if self._links.connected(evse.charge_point_id):
            return await super()._ask(session, evse)
        await asyncio.sleep(70)
        raise Refused("501")


class NeverGivesUp(Register):
    """An accepted start without a vehicle stays open for ever."""

    async def cancel(self, session: Session) -> None:
        if session.kind != "remote":
            await super().cancel(session)


class SilentlyGivesUp(Register):
    """An accepted start without a vehicle lapses; nobody is told."""

    async def cancel(self, session: Session) -> None:
        session.state = State.ENDED
        self._remove(session)
        await self._save([session], [], [])


# --- stops ------------------------------------------------------------------------------------------------------------


class NeverStops(RemoteAuthorization):
    """Answers true and forgets about it."""

    async def _stop(self, session: Session, evse: Evse) -> None:
        return


class StopsByEvse(RemoteAuthorization):
    """Ends whatever charges on the EVSE that is named; the SessionID is only logged."""

    async def stop(self, body: Body) -> Body:
        request = read_stop(body)
        evse = self._fleet.evse(request.evse_id)
        transaction = self._register.transaction_on(evse) if evse else None
        if evse is None or transaction is None:
            return await super().stop(body)
        await self._links.of(evse.charge_point_id).remote_stop(transaction)
        return acknowledgement(session_id=request.session_id)


class AnyProvider(RemoteAuthorization):
    """Whose session it is does not matter."""

    def check_owner(self, request: RemoteRequest, session: Session) -> None:
        super().check_owner(replace(request, provider_id=session.provider_id), session)


class AnyEvse(RemoteAuthorization):
    """Which EVSE the stop names does not matter."""

    def check_owner(self, request: RemoteRequest, session: Session) -> None:
        super().check_owner(replace(request, evse_id=session.evse_id), session)


class AcceptsFinished(RemoteAuthorization):
    """A stop of a session that is over is a success, for ever."""

    async def stop(self, body: Body) -> Body:
        request = read_stop(body)
        session = await self._register.session(request.session_id)
        if session is not None and session.state is State.ENDED:
            return acknowledgement(session=session)
        return await super().stop(body)


class BreaksItsWord(RemoteAuthorization):
    """A stop before the transaction is answered true, and the vehicle charges all the same."""

    async def _stop(self, session: Session, evse: Evse) -> None:
        if self._register.transaction_of(session) is None:
            return
        await super()._stop(session, evse)


class CrashesNow(RemoteAuthorization):
    """Every stop meets an exception."""

    async def stop(self, body: Body) -> Body:
        raise KeyError("transaction")


_YES = {"RSTART-004": "the same yes", "CDR-027": "such a session is never closed", "RSTART-011": "such a session is never closed", "SESS-007": "the same yes"}  # fmt: skip


def _start(name: str, sentence: str, requirement: str, part: Any, only: str = SESSION, **more: Any) -> Variant:
    collateral = _YES | more.pop("collateral", {})
    return Variant(
        f"remote-{name}",
        sentence,
        (requirement,),
        only=only,
        parts={"remote": part, **more.pop("parts", {})},
        collateral=collateral,
        **more,
    )


_TWO = {"charge_points": 3, "evses_per_charge_point": 2}

VARIANTS = (
    _start("yes-to-unknown", "Answers true for an EVSE it does not know", "RSTART-006", says_yes_to("603"), A + "start_on_an_unknown_evse"),
    _start("yes-to-occupied", "Answers true for an EVSE somebody charges at", "RSTART-007", says_yes_to("602"), A + "start_on_an_occupied_evse"),
    _start("takes-over", "A second start takes over a busy EVSE", "SESS-007", TakesOver, A + "start_on_an_occupied_evse", collateral={"RSTART-007": "the same yes", "CDR-029": "two sessions on one transaction", "CDR-001": "the first session gets no record"}),
    _start("stops-the-other", "Refuses a second start, and stops the session that runs", "RSTART-007", StopsTheOther, A + "start_on_an_occupied_evse"),
    _start("yes-to-reserved", "Answers true for an EVSE reserved for somebody else", "RSTART-008", says_yes_to("601", "501"), A + "start_on_a_reserved_evse"),
    _start("yes-to-faulted", "Answers true for a faulted EVSE", "RSTART-009", says_yes_to("700"), A + "start_on_a_faulted_evse"),
    _start("yes-to-disabled", "Answers true for an EVSE that is switched off", "RSTART-009", says_yes_to("700"), A + "start_on_a_disabled_evse"),
    _start("yes-to-offline", "Answers true for a charge point out of reach", "RSTART-010", says_yes_to("501"), A + "start_at_an_offline_charge_point"),
    _start("hangs-without-charger", "Lets the hub wait for a charge point out of reach", "RSTART-010", HangsWithoutCharger, A + "start_at_an_offline_charge_point", collateral={"RSTART-014": "the same waiting", "HTTP-012": "the hub gave up before the answer"}),
    _start("trusts-the-charger", "Answers true though the charge point rejected the start", "RSTART-004", TrustsTheCharger, A + "charge_point_rejects"),
    _start("answers-before-it-asks", "Answers true and never asks the charge point", "RSTART-004", AnswersBeforeItAsks, SESSION),
    _start("starts-after-all", "Answers 501 after a short wait; the vehicle charges all the same and is billed", "RSTART-005", StartsAfterAll, "transport.start_only_mandatory", collateral={"CDR-026": "it is billed", "CDR-004": "the hub has deleted the session", "RSTART-001": "the refusal has no reason"}),
    _start("keeps-late-start", "Answers 501 after a short wait; the vehicle charges later, unnoticed", "RSTART-005", StartsAfterAll, P + "charge_point_begins_late", parts={"register": NoRecords}, settings={"plug_in_timeout_s": 60.0}, bench={"tolerances": {"refused_charge_s": 5}}),
    _start("wrong-connector", "Starts the connector beside the one that was named", "RSTART-020", WrongConnector, A + "remote_start_and_stop", fleet=_TWO, collateral={"CDR-001": "nobody charges on that session", "CDR-008": "the wrong EVSE", "CDR-024": "the wrong EVSE"}),
    _start("first-free-evse", "An unknown EVSE is replaced by one that is ready", "RSTART-006", FirstFreeEvse, A + "start_on_an_unknown_evse", collateral={"CDR-008": "the record names the EVSE it took"}),
    _start("any-identification", "Starts with an RFID medium in place of RemoteIdentification", "RSTART-003", TakesAnyIdentification, "transport.starts_to_be_refused", collateral={"CDR-012": "the EvcoID is invented"}),
    Variant("remote-by-driver", "The second session of a driver overwrites the SessionID of the first", ("SESS-008",), only=A + "one_driver_at_two_evses", parts={"remote": ByDriver, "records": RecordsByDriver},
            collateral={"CDR-001": "the first session gets no record", "CDR-002": "the same", "CDR-008": "the record has the EVSE of the first session", "CDR-003": "two records with one SessionID", "CDR-024": "the energy is that of the first", "CDR-029": "the same", "CDR-005": "the second session still charges", "SESS-003": "the same", "CDR-016": "the times are those of the first", "CDR-037": "the ids are mixed up", "CDR-027": "the first session stays open"}),
    _start("one-after-another", "A lock over all starts", "RSTART-016", OneAfterAnother, A + "starts_everywhere_at_once", fleet={"charge_points": 12, "evses_per_charge_point": 1}),
    _start("slow-start", "Answers a start after 12 s", "RSTART-013", slow(start_s=12), SESSION),
    _start("very-slow-start", "Answers a start after 64 s", "RSTART-014", slow(start_s=64), "transport.start_only_mandatory", collateral={"HTTP-012": "the hub gave up before the answer", "CDR-004": "the hub has deleted the session", "CDR-026": "the hub takes it as refused", "RSTART-005": "the hub takes it as refused"}),
    _start("slow-stop", "Answers a stop after 12 s", "RSTOP-008", slow(stop_s=12), SESSION),
    _start("very-slow-stop", "Answers a stop after 64 s", "RSTOP-009", slow(stop_s=64), "transport.stop_only_mandatory", collateral={"HTTP-012": "the hub gave up before the answer", "RSTOP-002": "the answer never arrived", "RSTOP-001": "the answer never arrived"}),
    _start("never-stops", "Answers a stop with true and does nothing", "RSTOP-002", NeverStops, "transport.stop_only_mandatory, transport.stop_explicit_nulls", bench={"tolerances": {"stop_effect_s": 2, "stop_effect_short_s": 2}}),
    _start("stops-unknown", "Answers true for a SessionID nobody knows", "RSTOP-003", stops_yes_to("400"), A + "stop_of_an_unknown_session"),
    _start("stops-finished", "Answers true for a session that ended long ago", "RSTOP-004", AcceptsFinished, A + "stop_of_a_finished_session"),
    _start("stops-by-evse", "Ends whatever charges on the EVSE that is named", "RSTOP-005", StopsByEvse, f"{A}stop_of_an_unknown_session, {A}stop_with_a_wrong_evse", collateral={"RSTOP-003": "the same stop", "RSTOP-002": "its own session goes on", "RSTOP-010": "the same stop"}),
    _start("any-provider", "Another provider may end the session", "RSTOP-006", AnyProvider, A + "stop_by_another_provider"),
    _start("any-evse", "A stop that names another EVSE ends the session all the same", "RSTOP-012", AnyEvse, A + "stop_with_a_wrong_evse"),
    _start("stops-offline", "Answers true though the charge point is out of reach", "RSTOP-007", stops_yes_to("501"), A + "stop_at_an_offline_charge_point", collateral={"RSTOP-002": "nothing stops"}),
    _start("stops-refused", "Answers true though the charge point refuses to stop", "RSTOP-007", stops_yes_to("501", "700"), P + "charge_point_rejects_the_stop", collateral={"RSTOP-002": "nothing stops"}),
    _start("breaks-its-word", "A stop before the cable is answered true, then the vehicle charges", "RSTOP-011", BreaksItsWord, f"{A}stop_before_the_energy", collateral={"RSTOP-002": "nothing stops"}),
    _start("stop-crashes", "Every stop meets an exception", "RSTOP-001", CrashesNow, SESSION, collateral={"RSTOP-002": "nothing stops"}),
    Variant("remote-never-gives-up", "A start without a vehicle stays open for ever", ("RSTART-011",), only=A + "nobody_plugs_in", parts={"register": NeverGivesUp}, bench={"tolerances": {"lapsed_session_s": 8}}, collateral={"CDR-027": "the same session"}),
    Variant("remote-silently-gives-up", "A start without a vehicle lapses, and nobody is told", ("CDR-027",), only=f"{A}nobody_plugs_in, {A}stop_before_the_energy", parts={"register": SilentlyGivesUp}, bench={"tolerances": {"lapsed_session_s": 8}}, collateral={"RSTART-011": "the same session"}),
)  # fmt: skip
