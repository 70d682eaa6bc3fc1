"""Small parts by themselves: meter, local time, status mapping, back-off, throttle, settings."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cpo.fleet_data import Evse
from cpo.local_time import read as read_time
from cpo.local_time import written, zone_of
from cpo.metering import Meter, SignedReading, sampled
from cpo.oicp_client import Backoff, Outcome, Reply, Throttle
from cpo.register import id_tag_of
from cpo.settings import BadSettings, read
from cpo.signed_data import signed_reading
from oicp.wire_json import Json

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)


def metered(start: int, readings: list[int], stop: int | None) -> Meter:
    """A meter with these readings, a second apart."""
    meter = Meter()
    meter.starts(Decimal(start), T0)
    for n, wh in enumerate(readings, 1):
        meter.reads(Decimal(wh), T0 + timedelta(seconds=n))
    meter.stops(None if stop is None else Decimal(stop), T0 + timedelta(seconds=len(readings) + 1))
    return meter


@pytest.mark.parametrize(
    ("start", "readings", "stop", "energy"),
    [
        (1000, [], 8312, 7312),
        (1000, [2000, 3000], 3500, 2500),
        (1000, [2000, 0, 500], 700, 1700),  # reset on the way: 1000 before, 700 after
        (1000, [], 300, 300),  # reset, nothing seen in between: what the new register shows
        (1000, [0, 1500], 1600, 600),  # one reading was nonsense; the register as a whole was not reset
        (1000, [1500, 1700], None, 700),  # the end was never reported
        (1000, [1000], 999, 0),  # rounding, never negative
        (5, [], 5, 0),
    ],
)
def test_energy_follows_the_register_and_survives_its_reset(
    start: int, readings: list[int], stop: int | None, energy: int
) -> None:
    """Energy is stop minus start, and the sum of the steps where the register was reset."""
    meter = metered(start, readings, stop)
    assert meter.energy_wh == energy
    assert Meter.from_json(meter.to_json()) == meter


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "wh"),
    [("7.312", "kWh", 0, "7312"), ("7312", "Wh", 0, "7312"), ("7312", None, 0, "7312"), ("7.3", "Wh", 3, "7300"),
     ("nan", "Wh", 0, None), ("12,5", "Wh", 0, None)],
)  # fmt: skip
def test_sampled_values_in_wh(value: str, unit: str | None, multiplier: int, wh: str | None) -> None:
    """Units and multipliers of OCPP lead to Wh; what is no number to nothing."""
    assert sampled(value, unit, multiplier) == (None if wh is None else Decimal(wh))


def test_at_most_ten_signed_values_and_the_end_among_them() -> None:
    """The last progress value gives way to the end."""
    meter = Meter()
    meter.adds_signed(SignedReading("Start", "s"))
    for n in range(30):
        meter.adds_signed(SignedReading("Progress", f"p{n}"))
    meter.adds_signed(SignedReading("End", "e"))
    assert len(meter.signed) == 10
    assert {r.status for r in meter.signed} == {"Start", "Progress", "End"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("OCMF|{}|{}", "OCMF|{}|{}"),
        ('{"signedMeterData":"T0NNRnx7fXx7fQ==","encodingMethod":"OCMF","publicKey":"ab"}', "OCMF|{}|{}"),
        ('{"signedMeterData":"AP8=","encodingMethod":"EDL"}', "AP8="),
    ],
)
def test_signed_records_are_unwrapped_not_changed(value: str, expected: str) -> None:
    """A record that was encoded for transport comes out as it was signed."""
    reading = signed_reading(value, "Transaction.End")
    assert reading is not None
    assert (reading.status, reading.value) == ("End", expected)


def place(country: str, coordinates: str = "", time_zone: str | None = None) -> dict[str, Json]:
    """The parts of a record that tell the time zone."""
    return {
        "Address": {"Country": country, "TimeZone": time_zone},
        "GeoCoordinates": {"Google": {"Coordinates": coordinates}},
    }


@pytest.mark.parametrize(
    ("record", "summer", "winter"),
    [
        (place("DEU", "52.480495 13.356465", "UTC+01:00"), "+02:00", "+01:00"),
        (place("GBR", "51.507351 -0.127758"), "+01:00", "+00:00"),
        (place("FIN", "60.169856 24.938379"), "+03:00", "+02:00"),
        (place("PRT", "38.722252 -9.139337"), "+01:00", "+00:00"),
        (place("PRT", "37.739489 -25.668671"), "+00:00", "-01:00"),  # the Azores
        (place("USA", "34.052235 -118.243683"), "-07:00", "-08:00"),
        (place("USA", "40.712776 -74.005974"), "-04:00", "-05:00"),
        (place("IND", "28.613939 77.209023"), "+05:30", "+05:30"),
        (place("", "", "UTC+03:00"), "+02:00", "+01:00"),  # no country: that of the EvseID
        ({}, "+02:00", "+01:00"),
    ],
)
def test_offset_is_that_of_the_location_summer_time_included(record: dict[str, Json], summer: str, winter: str) -> None:
    """Country, place and TimeZone tell the zone."""
    zone = zone_of(record, "DE*ABC*E1")
    assert written(T0, zone)[19:] == summer
    assert written(datetime(2026, 1, 1, tzinfo=UTC), zone)[19:] == winter


def test_fixed_offset_where_no_country_is_known() -> None:
    """A DIN id and no country leave the TimeZone."""
    assert written(T0, zone_of(place("", "", "UTC-03:30"), "+49*810*1")) == "2026-07-01T08:30:00-03:30"
    assert written(T0.replace(microsecond=999_999), zone_of({}, "+49*810*1")) == "2026-07-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01T14:00:00+02:00", T0),
        ("2026-07-01T12:00:00.000Z", T0),
        ("2026-07-01T12:00:00", T0),
        ("soon", None),
        (7, None),
    ],
)
def test_times_of_charge_points(text: object, expected: datetime | None) -> None:
    """Every notation that occurs is read; one without offset is UTC."""
    assert read_time(text) == expected


def test_waits_grow_and_differ() -> None:
    """Each wait is longer than the one before until the cap, and two workers do not wait alike."""
    one, other = Backoff(1, 60, random.Random(1)), Backoff(1, 60, random.Random(2))
    waits = [one.next_wait() for _ in range(6)]
    assert waits == sorted(waits)
    assert waits != [other.next_wait() for _ in range(6)]
    assert one.next_wait(at_least_s=99) == 99
    one.reset()
    assert one.next_wait() < 1.3


@pytest.mark.parametrize("limit", [6, 50, 350, 2000])
def test_throttle_stays_below_the_limit_in_any_minute(limit: int) -> None:
    """However long a backlog is, no sixty seconds see more calls than allowed."""
    throttle, now, calls = Throttle(limit), 0.0, []
    throttle._at = 0.0
    while now < 200:
        wait = _take(throttle, now)
        if wait <= 0:
            calls.append(now)
        now += max(wait, 1e-6)
    for first in calls:
        assert sum(first <= at < first + 60 for at in calls) <= limit


def _take(throttle: Throttle, now: float) -> float:
    from cpo import oicp_client

    class Clock:
        monotonic = staticmethod(lambda: now)

    real, oicp_client.time = oicp_client.time, Clock  # type: ignore[assignment]
    try:
        return throttle._take()
    finally:
        oicp_client.time = real


@pytest.mark.parametrize(
    ("status", "value", "outcome"),
    [
        (200, {"Result": True, "StatusCode": {"Code": "000"}}, Outcome.DONE),
        (200, {"Result": True}, Outcome.DONE),
        (200, {"StatusCode": {"Code": "000"}}, Outcome.DENIED),
        (200, {"Result": False, "StatusCode": {"Code": "022"}}, Outcome.REFUSED),
        (200, None, Outcome.AGAIN),
        (400, {"message": "Error parsing/validating JSON."}, Outcome.REFUSED),
        (400, None, Outcome.DENIED),
        (404, {"StatusCode": {"Code": "400"}}, Outcome.SESSION_INVALID),
        (404, {"StatusCode": {"Code": "300"}}, Outcome.DENIED),
        (500, {"StatusCode": {"Code": "022"}}, Outcome.AGAIN),
        (503, None, Outcome.AGAIN),
        (408, None, Outcome.AGAIN),
        (429, {}, Outcome.AGAIN),
    ],
)
def test_answers_are_understood_by_status_result_and_code(status: int, value: Any, outcome: Outcome) -> None:
    """No text decides."""
    assert Reply(status, value, "any text").outcome is outcome


def test_tokens_of_sessions_fit_ocpp_and_differ() -> None:
    """20 characters at most, stable, one per session."""
    tags = {id_tag_of(f"session-{n}") for n in range(1000)}
    assert len(tags) == 1000
    assert all(len(tag) == 20 for tag in tags)


def test_evse_past_its_valid_to_date_is_not_published() -> None:
    """What is over does not belong among the records."""
    evse = Evse("DE*ABC*E1", "CP", 1, {}, valid_to=datetime.now(UTC) - timedelta(days=1))
    assert not evse.published


def environment(tmp_path: Path) -> dict[str, str]:
    """An environment that names files which exist."""
    names = ("CA", "CLIENT_CERT", "CLIENT_KEY", "SERVER_CERT", "SERVER_KEY", "FLEET")
    for name in names:
        (tmp_path / name).write_text("{}")
    return {f"OICP_BENCH_{name}_FILE": str(tmp_path / name) for name in names} | {
        "OICP_BENCH_HUB_URL": "https://127.0.0.1:1", "OICP_BENCH_OPERATOR_ID": "DE*ABC",
        "OICP_BENCH_CPO_URL": "https://127.0.0.1:2/tenant", "OICP_BENCH_OCPP_URL": "ws://127.0.0.1:3/ocpp",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HUB_URL", "", "OICP_BENCH_HUB_URL is not set"),
        ("HUB_URL", "hub", "OICP_BENCH_HUB_URL is 'hub'"),
        ("OPERATOR_ID", "*", "no OperatorID"),
        ("CPO_URL", "ftp://x", "OICP_BENCH_CPO_URL is 'ftp://x'"),
        ("CPO_URL", "https://127.0.0.1:99999", "OICP_BENCH_CPO_URL"),
        ("OCPP_URL", "http://x", "OICP_BENCH_OCPP_URL is 'http://x'"),
        ("CA_FILE", "/nowhere.pem", "OICP_BENCH_CA_FILE names /nowhere.pem"),
        ("FLEET_FILE", "", "OICP_BENCH_FLEET_FILE is not set"),
    ],
)
def test_wrong_environment_is_named_with_its_mend(tmp_path: Path, name: str, value: str, says: str) -> None:
    """One sentence that names the variable and the value."""
    with pytest.raises(BadSettings, match=says.replace("*", r"\*")):
        read([], environment(tmp_path) | {f"OICP_BENCH_{name}": value})


def test_right_environment_is_read(tmp_path: Path) -> None:
    """Addresses keep their path, the database stands beside the fleet file."""
    settings = read([], environment(tmp_path))
    assert settings.cpo.path == "/tenant"
    assert settings.database.startswith("sqlite:///")
