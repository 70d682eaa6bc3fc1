"""What charge points may tell otherwise than most do, and a backend may not expect: other units, a word of the whole box."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any

from cpo.central_system import CentralSystem
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.events import ChargePointEvents
from cpo.evse_status import OUT_OF_SERVICE
from cpo.fleet_data import ChargePoint, Evse
from cpo.metering import kwh
from cpo.ocpp16 import ChargePoint16
from cpo.ocpp201 import ChargePoint201
from cpo.pushes import EvseStatusPush
from cpo.records import Session, Transaction
from oicp.wire_json import Json
from tests.broken_cpos.variant import Variant

_UNITS = "charge_detail_record.other_units"
_OUT, _CONTROLLER = "evse_status.charge_point_out_of_service", "evse_status.controller_faults"


# --- units ------------------------------------------------------------------------------------------------------------


class _Bare16(ChargePoint16):
    """Readings of 1.6 are read without their unit."""

    async def _take_sample(self, transaction: Transaction, sample: dict[str, Any], at: datetime) -> None:
        await super()._take_sample(transaction, {k: v for k, v in sample.items() if k != "unit"}, at)


class _OneUnit16(ChargePoint16):
    """A charge point that once told kWh is taken to tell all in kWh."""

    kwh = False

    async def _take_sample(self, transaction: Transaction, sample: dict[str, Any], at: datetime) -> None:
        if "Energy" in str(sample.get("measurand")):
            self.kwh |= sample.get("unit") == "kWh"
            sample = sample | {"unit": "kWh" if self.kwh else "Wh"}
        await super()._take_sample(transaction, sample, at)


class _Bare201(ChargePoint201):
    """Readings of 2.0.1 are read without some of what their unit says. Subclasses say which."""

    left_out: tuple[str, ...] = ("unit", "multiplier")

    async def _transaction(self, information: dict[str, Any], rest: dict[str, Any], *more: Any, **how: Any) -> Any:
        rest = rest | {"meter_value": self._bare(rest.get("meter_value") or [])}
        return await super()._transaction(information, rest, *more, **how)

    async def _take(self, transaction: Transaction, meter_values: list[dict[str, Any]]) -> Decimal | None:
        return await super()._take(transaction, self._bare(meter_values))

    def _bare(self, meter_values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            value | {"sampled_value": [self._sample(sample) for sample in value["sampled_value"]]}
            for value in meter_values
        ]

    def _sample(self, sample: dict[str, Any]) -> dict[str, Any]:
        unit = {k: v for k, v in (sample.get("unit_of_measure") or {}).items() if k not in self.left_out}
        return sample | {"unit_of_measure": unit}


class _NoMultiplier201(_Bare201):
    """The unit is read, the power of ten is not."""

    left_out = ("multiplier",)


def _central(**versions: Any) -> type[CentralSystem]:
    named = {f"ocpp{version.strip('_').replace('_', '.')}": kind for version, kind in versions.items()}
    return type("Central", (CentralSystem,), {"versions": CentralSystem.versions | named})


class RawReadings(ChargeDetailRecords):
    """Readings in between go into the record as they were read."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> dict[str, Json]:
        record = super().of_charging(session, transaction, evse, now)
        between = [kwh(wh) for wh in transaction.meter.in_between_wh][-8:]
        return record | ({"MeterValueInBetween": {"meterValues": between}} if between else {})


class EndsWithItsReadings(ChargePointEvents):
    """The last reading is the end of the energy, not the meterStop."""

    async def ended(self, transaction: Transaction, meter_wh: Decimal | None, at: datetime, reason: str | None) -> None:
        last = transaction.meter.last_wh
        await super().ended(transaction, meter_wh if last is None else last, at, reason)


# --- the charge point as a whole --------------------------------------------------------------------------------------


class ZeroIsEverybody(ChargePointEvents):
    """What connector 0 says is set for each connector."""

    async def connector_status(self, charge_point: ChargePoint, connector_id: int, connector_status: str) -> None:
        for evse in charge_point.evses if connector_id == 0 else ():
            evse.connector_status = connector_status
            self._register.on_change(evse)
        if connector_id:
            await super().connector_status(charge_point, connector_id, connector_status)


class ZeroStaysDown(ChargePointEvents):
    """Connector 0 once out of service is never in service again."""

    async def connector_status(self, charge_point: ChargePoint, connector_id: int, connector_status: str) -> None:
        if connector_id or connector_status in OUT_OF_SERVICE:
            await super().connector_status(charge_point, connector_id, connector_status)


class DeafToZero(ChargePointEvents):
    """Connector 0 is none of its EVSEs."""

    async def connector_status(self, charge_point: ChargePoint, connector_id: int, connector_status: str) -> None:
        if connector_id:
            await super().connector_status(charge_point, connector_id, connector_status)


class HearsZeroLate(ChargePointEvents):
    """What connector 0 says is worked off by a job, three seconds later."""

    async def connector_status(self, charge_point: ChargePoint, connector_id: int, connector_status: str) -> None:
        if connector_id:
            return await super().connector_status(charge_point, connector_id, connector_status)
        self._background.spawn(self._later(charge_point, connector_status), f"status of {charge_point.charge_point_id}")
        return None

    async def _later(self, charge_point: ChargePoint, connector_status: str) -> None:
        await asyncio.sleep(3.0)
        await super().connector_status(charge_point, 0, connector_status)


class OneForAll(EvseStatusPush):
    """A charge point that goes out of service is told by its first EVSE alone."""

    def changed(self, evse: Evse) -> None:
        first, *others = self._fleet.charge_point_of(evse).evses
        down = all(e.connector_status == "Unavailable" for e in (first, evse))
        if not (down and evse in others):
            super().changed(evse)


_TWO = {"charge_points": 3, "evses_per_charge_point": 2}
_NEW = _TWO | {"ocpp_version": "2.0.1"}
_SOME = (
    f"{_OUT}, {_CONTROLLER}, evse_status.disabled_evse, evse_status.faulted_evse, evse_status.status_follows_a_session"
)


def _innocent(name: str, sentence: str, **more: Any) -> Variant:
    return Variant(f"innocent-{name}", sentence, **more)


VARIANTS = (
    Variant("station-units-unread", "The unit of readings in between is not read: kWh are taken for Wh", ("CDR-025",), only=_UNITS, parts={"central_system": _central(_1_6=_Bare16), "records": RawReadings}),
    Variant("station-units-unread-at-the-end", "The last reading ends the energy, and its unit is not read", ("CDR-024",), only=_UNITS, parts={"central_system": _central(_1_6=_Bare16), "events": EndsWithItsReadings}),
    Variant("station-one-unit-for-all", "A charge point of which one EVSE tells kWh is taken to tell all in kWh: a thousandfold is billed", ("CDR-021",), only=_UNITS, parts={"central_system": _central(_1_6=_OneUnit16)}, fleet=_TWO),
    Variant("station-units-unread-2.0.1", "OCPP 2.0.1: the unit of readings is not read, a thousandth is billed", ("CDR-024",), only=_UNITS, parts={"central_system": _central(_2_0_1=_Bare201)}, fleet=_NEW),
    Variant("station-multiplier-unread", "OCPP 2.0.1: the multiplier of readings is not read", ("CDR-024",), only=_UNITS, parts={"central_system": _central(_2_0_1=_NoMultiplier201)}, fleet=_NEW),
    Variant("station-zero-is-everybody", "Available of connector 0 clears the fault of a connector", ("STAT-012",), only=_CONTROLLER, parts={"events": ZeroIsEverybody}, fleet=_TWO),
    Variant("station-zero-stays-down", "A charge point that was out of service as a whole stays OutOfService for good", ("STAT-005",), only=_SOME, parts={"events": ZeroStaysDown}, fleet=_TWO),
    Variant("station-one-for-all", "Of a charge point that goes out of service only the first EVSE is told", ("STAT-012",), only=_SOME, parts={"status_push": OneForAll}, fleet=_TWO),
    _innocent("ends-with-its-readings", "The last reading ends the energy, in whatever unit it came", only=_UNITS, parts={"events": EndsWithItsReadings}, fleet=_TWO),
    _innocent("deaf-to-connector-0", "What connector 0 says is of no interest", only=_SOME, parts={"events": DeafToZero}, fleet=_TWO),
    _innocent("hears-connector-0-late", "What connector 0 says is heard three seconds late", only=_CONTROLLER, parts={"events": HearsZeroLate}, fleet=_TWO),
)  # fmt: skip
