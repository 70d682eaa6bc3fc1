"""Notifications, reservations, card readers, prices and calibration law done wrong."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cpo.answers import Refused, acknowledgement
from cpo.authorization import RemoteAuthorization
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.fleet_data import Evse
from cpo.notifications import Notices, NotificationSender
from cpo.outbox import CdrSender, Sender
from cpo.records import Session, Transaction, Waiting
from cpo.register import Register
from cpo.reservation import Reservations
from oicp import wire_json
from oicp.wire_json import Json, dump
from tests.broken_cpos.changes import answer, both, drop, put, turn
from tests.broken_cpos.variant import Change, Variant

Message = dict[str, Json]
N, R, P = "charging_notifications.", "reservation.", "dynamic_pricing."
NOTICE, PRODUCTS, PRICES = "ChargingNotifications", "PushPricingProductData", "PushEVSEPricing"
RESERVE = "AuthorizeRemoteReservationStart"
_REFUSED = {"CDR-027": "the hub refuses the message"}


def _of_type(kind: str, *changes: Change) -> Change:
    def change(message: Message) -> None:
        if message.get("Type") == kind:
            for each in changes:
                each(message)

    return change


def _notice(
    name: str, sentence: str, requirement: str, change: Change, only: str = "start_and_end", **more: Any
) -> Variant:
    return Variant(
        f"notice-{name}", sentence, (requirement,), only=N + only, profiles=("notifications",), requests={NOTICE: change},
        collateral=_REFUSED | more.pop("collateral", {}), **more,
    )  # fmt: skip


def _reserve(name: str, sentence: str, requirement: str, only: str, **more: Any) -> Variant:
    values = {"bench": {"tolerances": {"status_missing_s": 6, "reserved_push_s": 3, "cdr_missing_s": 5}}} | more
    return Variant(f"reserve-{name}", sentence, (requirement,), only=only, profiles=("reservation",), **values)


def _price(name: str, sentence: str, requirement: str, operation: str, change: Change, **more: Any) -> Variant:
    return Variant(
        f"price-{name}", sentence, (requirement,), only=P + "prices_at_the_start", profiles=("pricing",),
        requests={operation: change}, **more,
    )  # fmt: skip


class StartWithTheAnswer(RemoteAuthorization):
    """The Start notification goes with the acknowledgement, before anything charges."""

    async def _start(self, request: Any) -> Message:
        message = await super()._start(request)
        session = await self._register.session(request.session_id)
        if session is not None:
            body = {
                "Type": "Start", "SessionID": session.session_id, "OperatorID": self._fleet.operator_id,
                "EvseID": session.evse_id, "ChargingStart": datetime.now().astimezone().replace(microsecond=0).isoformat(),
            }  # fmt: skip
            waiting = Waiting(NOTICE, f"{session.session_id}/early", session.session_id, dump(body))
            self._register.on_message(await self._register._storage.save([], [], [waiting]))
        return message


class EagerRecords(CdrSender):
    """Records do not wait for notifications."""

    def held_back_s(self, message: Waiting) -> float:
        return 0.0

    async def _try(self, message: Waiting) -> bool:
        return await Sender._try(self, message)


class PatientEnds(NotificationSender):
    """End waits until the record has gone."""

    def held_back_s(self, message: Waiting) -> float:
        waits = any(m.session_id == message.session_id for m in self._outbox.of("ChargeDetailRecord"))
        return 1.0 if waits else super().held_back_s(message)


class EndAfterTheRecord(Register):
    """The End notification waits for the record."""

    def _last_words(self, session: Session | None, transaction: Transaction, now: datetime) -> list[Waiting]:
        words = super()._last_words(session, transaction, now)
        if len(words) == 2:
            notice, record = words
            record.after, notice.after = None, -1
            return [record, notice]
        return words


class HalfTheEnergy(Notices):
    """The End notification has more energy than the record."""

    def end(self, session: Session, transaction: Transaction, evse: Evse) -> Waiting | None:
        waiting = super().end(session, transaction, evse)
        if waiting is not None:
            message = wire_json.parse_text(waiting.body).value
            for name in ("MeterValueStart", "MeterValueEnd"):
                message.pop(name, None)
            message["ConsumedEnergy"] = Decimal(message["ConsumedEnergy"]) + 1
            waiting.body = dump(message)
        return waiting


# --- reservation ------------------------------------------------------------------------------------------------------


class YesAndForgets(Reservations):
    """Answers true and reserves nothing."""

    async def _reserve(self, session: Session, evse: Evse, reservation_id: int) -> Message:
        return acknowledgement(session=session)


class KeepsItToItself(Reservations):
    """Holds the reservation in the backend; the charge point never hears of it."""

    async def _ask(self, session: Session, evse: Evse, reservation_id: int) -> None:
        return

    async def stop(self, body: Message) -> Message:
        session = self._register.live_session(str(body.get("SessionID")))
        if session is None or session.kind != "reservation":
            return await super().stop(body)
        await self._register.cancel(session)
        return acknowledgement(session=session)


class NeverReleases(Reservations):
    """A reservation stop is answered true, and the charge point never hears of it."""

    async def stop(self, body: Message) -> Message:
        session = self._register.live_session(str(body.get("SessionID")))
        if session is None or session.kind != "reservation":
            return await super().stop(body)
        await self._register.cancel(session)
        return acknowledgement(session=session)


class ReleasesAnything(Reservations):
    """An unknown SessionID is answered true."""

    async def stop(self, body: Message) -> Message:
        try:
            return await super().stop(body)
        except Refused:
            return acknowledgement(session_id=str(body.get("SessionID")))


class IgnoresReservations(RemoteAuthorization):
    """Any driver may start on a reserved EVSE."""

    def _reservation_for(self, evse: Evse, request: Any) -> Session | None:
        return self._register.reservation_on(evse)


class HolderIsRefused(RemoteAuthorization):
    """Nobody may start on a reserved EVSE, the holder included."""

    def _reservation_for(self, evse: Evse, request: Any) -> Session | None:
        if self._register.reservation_on(evse) is not None:
            raise Refused("601")
        return super()._reservation_for(evse, request)


class NoRecordOfReservation(Register):
    """A reservation that was given back leaves no record."""

    async def cancel(self, session: Session) -> None:
        if session.kind == "reservation":
            before, self._words_without_energy = self._words_without_energy, lambda *_: []  # type: ignore[method-assign]
            await super().cancel(session)
            self._words_without_energy = before  # type: ignore[method-assign]
        else:
            await super().cancel(session)


class RecordAtOnce(Reservations):
    """The record of a reservation is sent when it begins."""

    async def _reserve(self, session: Session, evse: Evse, reservation_id: int) -> Message:
        message = await super()._reserve(session, evse, reservation_id)
        record = self._register._records.without_energy(session, evse, datetime.now(tz=session.created_at.tzinfo))
        waiting = Waiting("ChargeDetailRecord", session.session_id, session.session_id, dump(record))
        self._register.on_message(await self._register._storage.save([], [], [waiting]))
        return message


class RecordOfSomebody(ChargeDetailRecords):
    """The record of a reservation has the EvcoID of nobody in particular."""

    def without_energy(self, session: Session, evse: Evse, end: datetime) -> Message:
        record = super().without_energy(session, evse, end)
        if session.kind == "reservation":
            record["Identification"] = {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}}
        return record


# --- calibration law --------------------------------------------------------------------------------------------------

_LAW = {"calibration_law": "External"}
_SIGNED = "/SignedMeteringValues"


def _signed(name: str, sentence: str, requirement: str, change: Change, **more: Any) -> Variant:
    return Variant(
        f"signed-{name}", sentence, (requirement,), only="authorization.remote_start_and_stop", profiles=("eichrecht",),
        sites=_LAW, requests={"ChargeDetailRecord": change},
        collateral=dict.fromkeys(("CDR-001", "CDR-027", "CDR-030"), "the hub refuses the record") | more.pop("collateral", {}), **more,
    )  # fmt: skip


def _many(values: Any) -> Any:
    return [
        values[0],
        *({"SignedMeteringValue": "OCMF|{}|{}", "MeteringStatus": "Progress"} for _ in range(10)),
        values[-1],
    ]


def _earlier(text: str) -> str:
    return (datetime.fromisoformat(text) - timedelta(hours=1)).isoformat()


VARIANTS = (
    _notice("type-stop", "Type Stop", "NOTIF-001", _of_type("End", put("/Type", "Stop"))),
    _notice("without-session", "SessionID is left out", "NOTIF-002", drop("/SessionID")),
    _notice("without-evse", "EvseID is left out", "NOTIF-003", drop("/EvseID")),
    _notice("without-operator", "OperatorID is left out", "NOTIF-004", drop("/OperatorID")),
    _notice("card-identification", "An RFID card as identification of a remote session", "NOTIF-005", put("/Identification", {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}})),
    _notice("without-start", "A Start notification without ChargingStart", "NOTIF-006", _of_type("Start", drop("/ChargingStart"))),
    _notice("without-end", "An End notification without ChargingEnd", "NOTIF-013", _of_type("End", drop("/ChargingEnd"))),
    _notice("ends-before-it-starts", "ChargingEnd lies an hour before ChargingStart", "NOTIF-014", _of_type("End", turn("/ChargingEnd", _earlier))),
    _notice("energy-in-wh", "Energy in Wh", "NOTIF-014", _of_type("End", drop("/MeterValueStart"), drop("/MeterValueEnd"), turn("/ConsumedEnergy", lambda v: Decimal(v) * 1000)), collateral={"NOTIF-019": "the same value"}),
    _notice("energy-as-text", "Energy is a text", "HTTP-006", _of_type("End", turn("/ConsumedEnergy", str)), collateral={"NOTIF-019": "the same value"}),
    _notice("six-decimals", "Six decimals", "NOTIF-019", _of_type("End", drop("/MeterValueStart"), drop("/MeterValueEnd"), turn("/ConsumedEnergy", lambda v: Decimal(v) - Decimal("0.000123"))), collateral={"NOTIF-014": "the same value"}),
    _notice("error-in-words", "ErrorType with a blank", "NOTIF-017", _of_type("Error", put("/ErrorType", "Connector Error")), "error_in_mid_session", grade="warning"),
    _notice("error-unknown", "ErrorType Fault", "NOTIF-017", _of_type("Error", put("/ErrorType", "Fault")), "error_in_mid_session"),
    _notice("error-log", "A log of 2 kB as ErrorAdditionalInfo", "NOTIF-018", _of_type("Error", put("/ErrorAdditionalInfo", "ground fault; " * 150)), "error_in_mid_session"),
    Variant("notice-start-too-early", "The Start notification goes with the acknowledgement", ("NOTIF-007",), only="authorization.nobody_plugs_in", profiles=("notifications",), parts={"remote": StartWithTheAnswer}),
    Variant("notice-end-too-late", "The End notification comes after the record", ("NOTIF-015",), only=N + "start_and_end", profiles=("notifications",), parts={"register": EndAfterTheRecord, "cdr_sender": EagerRecords, "notification_sender": PatientEnds}, collateral={"NOTIF-002": "the session is closed", "NOTIF-020": "the same order"}),
    Variant("notice-more-than-the-record", "The End notification has more energy than the record", ("NOTIF-014",), only=N + "start_and_end", profiles=("notifications",), parts={"notices": HalfTheEnergy}),
    _reserve("yes-and-forgets", "Answers true and reserves nothing", "RESV-005", R + "reserve_and_give_back", parts={"reservations": YesAndForgets}, collateral={"RESV-004": "the same yes", "RESV-007": "there is nothing to give back"}),
    _reserve("never-releases", "A reservation stop frees nothing", "RESV-007", R + "reserve_and_give_back", parts={"reservations": NeverReleases}, collateral={"RESV-013": "the same stop", "RESV-005": "the EVSE stays reserved", "RESV-009": "the same"}),
    _reserve("releases-anything", "An unknown reservation is given back with success", "RESV-007", R + "end_of_an_unknown_reservation", parts={"reservations": ReleasesAnything}),
    _reserve("anybody-starts", "Anybody may start on a reserved EVSE", "RESV-006", R + "start_on_an_evse_reserved_by_another", parts={"remote": IgnoresReservations}, collateral={"RSTART-008": "the same yes"}),
    _reserve("holder-is-refused", "The holder of a reservation cannot start", "RESV-006", R + "reserve_and_charge", parts={"remote": HolderIsRefused}),
    _reserve("without-record", "A reservation that was given back leaves no record", "RESV-008", R + "reserve_and_give_back", parts={"register": NoRecordOfReservation}),
    _reserve("record-at-once", "The record of a reservation is sent when it begins", "RESV-012", R + "reserve_and_give_back", parts={"reservations": RecordAtOnce}, collateral={"RESV-007": "the hub has closed the session", "RESV-008": "the record came before", "RESV-005": "the hub has closed the session"}),
    _reserve("record-of-somebody", "The record of a reservation has another EvcoID", "RESV-014", R + "reserve_and_give_back", parts={"records": RecordOfSomebody}, collateral={"CDR-012": "the same EvcoID"}),
    _reserve("announced-only", "Reservation is announced, reservation requests are answered 320", "EVSE-041", R + "reserve_and_give_back", sites={"reservation": True}, answers={RESERVE: answer(put("/Result", False), put("/StatusCode", {"Code": "320", "Description": "Service not available."}))}, collateral={"RESV-002": "the same refusal", "RESV-001": "the same refusal", "RESV-011": "the EVSE is held all the same", "RESV-004": "the same"}),
    _price("without-default", "PricingDefaultPrice is left out", "PRICE-001", PRODUCTS, drop("/PricingProductData/PricingDefaultPrice")),
    _price("provider-all", "ProviderID ALL", "PRICE-002", PRODUCTS, put("/PricingProductData/ProviderID", "ALL")),
    _price("without-power", "MaximumProductChargingPower is left out", "PRICE-003", PRODUCTS, drop("/PricingProductData/PricingProductDataRecords/0/MaximumProductChargingPower")),
    _price("twice", "A product has two records", "PRICE-004", PRODUCTS, put("/PricingProductData/PricingProductDataRecords/1/ProductID", "AC1")),
    _price("unit-kwh", "ReferenceUnit KWH", "PRICE-005", PRODUCTS, put("/PricingProductData/PricingProductDataRecords/*/ReferenceUnit", "KWH")),
    _price("currency-euro", "Currency EURO", "PRICE-006", PRODUCTS, put("/PricingProductData/PricingProductDataRecords/*/ProductPriceCurrency", "EURO")),
    _price("parking-fee", "AdditionalReference PARKING_FEE", "PRICE-009", PRODUCTS, put("/PricingProductData/PricingProductDataRecords/0/AdditionalReferences", [{"AdditionalReference": "PARKING_FEE", "AdditionalReferenceUnit": "HOUR", "PricePerAdditionalReferenceUnit": 2}])),
    _price("products-empty", "An EVSE sells nothing", "PRICE-011", PRICES, put("/EVSEPricing/0/EvseIDProductList", [])),
    _price("products-as-objects", "Products are objects", "PRICE-012", PRICES, turn("/EVSEPricing/*/EvseIDProductList", lambda v: [{"ProductID": p} for p in v]), grade="warning"),
    _price("foreign-evse", "Prices for the EVSE of a neighbour", "PRICE-013", PRICES, turn("/EVSEPricing/0/EvseID", lambda v: v.replace("ABC", "XYZ"))),
    _price("power-in-watts", "MaximumProductChargingPower in W", "PRICE-015", PRODUCTS, turn("/PricingProductData/PricingProductDataRecords/*/MaximumProductChargingPower", lambda v: v * 1000), grade="warning"),
    _price("unknown-product", "An EVSE sells a product nobody pushed", "PRICE-016", PRICES, put("/EVSEPricing/0/EvseIDProductList", ["AC-NIGHT"]), grade="warning"),
    _signed("nothing", "Signed values are declared and never sent", "CDR-041", both(drop(_SIGNED), drop("/CalibrationLawVerificationInfo"))),
    _signed("too-many", "Twelve signed values", "CDR-042", turn(_SIGNED, _many), collateral={"CDR-049": "the values in between are empty"}),
    _signed("too-long", "A signed value of 4500 characters", "CDR-043", turn(_SIGNED + "/0/SignedMeteringValue", lambda v: v + " " * 4500), grade="warning"),
    _signed("status-unknown", "MeteringStatus Progress1", "CDR-044", put(_SIGNED + "/0/MeteringStatus", "Progress1")),
    _signed("out-of-order", "End before Start", "CDR-045", turn(_SIGNED, lambda v: v[::-1]), grade="warning"),
    _signed("only-the-end", "Only the End entry", "CDR-046", turn(_SIGNED, lambda v: v[-1:]), grade="warning"),
    _signed("long-key", "A PublicKey of 1200 characters", "CDR-047", put("/CalibrationLawVerificationInfo/PublicKey", "AB" * 600)),
    _signed("without-information", "Signed values without verification information", "CDR-048", drop("/CalibrationLawVerificationInfo"), grade="warning"),
)  # fmt: skip
