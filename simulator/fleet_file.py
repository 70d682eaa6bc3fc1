"""Reading a fleet file: every fault named with file, place, value and mend."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from oicp.ids import EVSE_ID_ANY_CASE, is_operator_id
from simulator.modem import VERSIONS


class FleetFileError(ValueError):
    """A fleet file that cannot be used; the message names file, JSON pointer, value and mend."""


def load_fleet(path: Path | str, ocpp_version: str = "1.6") -> dict[str, Any]:
    """The content of a fleet file, checked; missing `connector_id` and `ocpp_version` (of all that say nothing) are filled in.

    Raises `FleetFileError` for the first fault.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise FleetFileError(f"{path}: cannot be read ({fault.strerror}); give the path of a fleet file") from None
    except UnicodeDecodeError as fault:
        raise FleetFileError(f"{path}: not UTF-8 (byte {fault.start}); save it as UTF-8") from None
    except (ValueError, RecursionError) as fault:
        raise FleetFileError(f"{path}: not JSON: {fault}; mend it there") from None
    return _Reader(str(path), ocpp_version).fleet(content)


class _Reader:
    """Goes through the file with its name at hand for the faults."""

    def __init__(self, file: str, ocpp_version: str) -> None:
        self._file, self._version = file, ocpp_version

    def _fail(self, pointer: str, value: Any, mend: str) -> FleetFileError:
        shown = json.dumps(value, ensure_ascii=False)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return FleetFileError(f"{self._file}: {pointer or '/'}: {shown}; {mend}")

    def fleet(self, content: Any) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise self._fail("", content, "a fleet file is an object with operator_id, operator_name and charge_points")
        if not is_operator_id(content.get("operator_id")):
            raise self._fail("/operator_id", content.get("operator_id"), "write an OperatorID such as DE*ABC")
        self._text(content, "", "operator_name", "the name of the operator, up to 100 characters", most=100)
        entries = self._list(content, "", "charge_points", "list at least one charge point")
        stations = [self._charge_point(entry, f"/charge_points/{i}") for i, entry in enumerate(entries)]
        self._unique("charge point id", [str(station["id"]) for station in stations], "/charge_points")
        evse_ids = [str(evse["evse_id"]) for station in stations for evse in station["evses"]]
        self._unique("evse_id", evse_ids, "/charge_points")
        return {**content, "charge_points": stations}

    def _charge_point(self, entry: Any, at: str) -> dict[str, Any]:
        if not isinstance(entry, dict):
            raise self._fail(at, entry, "a charge point is an object with id and evses")
        self._text(entry, at, "id", "the id the charge point connects with, up to 48 characters", most=48)
        version = entry.get("ocpp_version", self._version)
        if not isinstance(version, str) or version not in VERSIONS:
            raise self._fail(f"{at}/ocpp_version", version, f"write one of {', '.join(VERSIONS)}")
        items = self._list(entry, at, "evses", "list at least one EVSE")
        evses = [self._evse(item, f"{at}/evses/{i}", i + 1) for i, item in enumerate(items)]
        self._unique("connector_id", [str(evse["connector_id"]) for evse in evses], f"{at}/evses")
        return {**entry, "ocpp_version": version, "evses": evses}

    def _evse(self, item: Any, at: str, number: int) -> dict[str, Any]:
        if not isinstance(item, dict):
            raise self._fail(at, item, "an EVSE is an object with evse_id, connector_id and data_record")
        evse_id = item.get("evse_id")
        if not isinstance(evse_id, str) or not EVSE_ID_ANY_CASE.fullmatch(evse_id):
            raise self._fail(f"{at}/evse_id", evse_id, "write an EvseID such as DE*ABC*E1001*1 or +49*810*1001*1")
        connector_id = item.get("connector_id", number)
        if not isinstance(connector_id, int) or isinstance(connector_id, bool) or connector_id < 1:
            raise self._fail(f"{at}/connector_id", connector_id, "write a whole number from 1 on")
        record = item.get("data_record")
        if record is not None and not isinstance(record, dict):
            raise self._fail(f"{at}/data_record", record, "write an EvseDataRecord object or leave it out")
        if record is not None and record.get("EvseID", evse_id) != evse_id:
            raise self._fail(f"{at}/data_record/EvseID", record["EvseID"], f"write {evse_id} as in evse_id")
        return {**item, "connector_id": connector_id}

    def _text(self, holder: dict[str, Any], at: str, name: str, mend: str, *, most: int) -> None:
        value = holder.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > most:
            raise self._fail(f"{at}/{name}", value, f"write {mend}")

    def _list(self, holder: dict[str, Any], at: str, name: str, mend: str) -> list[Any]:
        value = holder.get(name)
        if not isinstance(value, list) or not value:
            raise self._fail(f"{at}/{name}", value, mend)
        return value

    def _unique(self, what: str, values: list[str], at: str) -> None:
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise self._fail(at, twice[0], f"this {what} is there more than once; give each its own")
