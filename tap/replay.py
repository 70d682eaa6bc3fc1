"""Plays the hub's side of a recording again and tells where the CPO now behaves differently."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fake_hubject.recorder import NotSeen, Recorder
from oicp.evidence import Evidence, Exchange, Observation
from oicp.services import Direction
from oicp.sessions import folded
from oicp.wire_json import Json, shown
from tap.script import Script, evse_ids_of, said_statuses, script_of, statuses_of
from tap.stand_in import StandIn, until

Act = Callable[[Observation], Awaitable[None]]
_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where old and new differ. `exchange`: number in the new recording, None if it is missing there."""

    where: str
    before: str
    now: str
    exchange: int | None = None

    def __str__(self) -> str:
        place = f" (exchange {self.exchange})" if self.exchange else ""
        return f"{self.where}: was {self.before}, now {self.now}{place}"


async def play(script: Script, hub: StandIn, cpo_url: str, recorder: Recorder, act: Act | None = None) -> None:
    """Play all events at their distance from each other. What the CPO had sent before an event then must have come before it."""
    awaited: set[str] = set()
    shift = -math.inf
    async with asyncio.TaskGroup() as group:
        for event in script.events:
            await until(recorder, event.t + shift)
            for operation in [name for name, t in script.first.items() if t <= event.t and name not in awaited]:
                awaited.add(operation)
                await _comes(operation, recorder)
                shift = max(shift, recorder.now() - event.t)
            if shift == -math.inf:  # the first event
                shift = recorder.now() - event.t
            if isinstance(event, Exchange):
                group.create_task(_call(hub, event, cpo_url))
            elif act is not None:
                group.create_task(_done(act(event)))
    await _settle(script, recorder, shift if script.events else recorder.now())


async def _comes(operation: str, recorder: Recorder) -> None:
    try:
        await recorder.exchange(lambda e: e.by_cpo and e.operation == operation, within=_PATIENCE_S)
    except NotSeen:
        return  # the comparison says that it is missing


async def _call(hub: StandIn, event: Exchange, cpo_url: str) -> None:
    await hub.call(event, cpo_url)


async def _done(act: Awaitable[None]) -> None:
    await act


async def _settle(script: Script, recorder: Recorder, shift: float) -> None:
    """Wait as long as the recording went on after its last event, less if all charge detail records and last statuses came."""
    wanted = sum(
        len(v) for (name, session_id), v in script.answers.items() if name == "ChargeDetailRecord" and session_id
    )
    left = script.t_end + shift + _PATIENCE_S - recorder.now()

    def complete(_: Exchange) -> bool:
        done = [e for e in recorder.exchanges if e.by_cpo and e.t_end is not None]
        pushes = (e for e in done if e.operation == "PushEvseStatus")
        last = {evse_id: status for push in pushes for evse_id, status in statuses_of(push)}
        records = sum(e.operation == "ChargeDetailRecord" for e in done)
        return records >= wanted and script.last.items() <= last.items()

    try:
        await recorder.exchange(complete, within=max(left, 0.1))
    except NotSeen:
        return


# --- old against new -----------------------------------------------------------------------------------------------------


def differences(old: Evidence, new: Evidence, ids: dict[str, str]) -> list[Difference]:
    """Where the CPO of `new` differs: its answers to the hub's calls, and what it sent by itself. Times and readings may differ, how they are written may not."""
    return [*_answers(old, new), *_records(old, new, ids), *_statuses(old, new, ids), *_operations(old, new)]


def _answers(old: Evidence, new: Evidence) -> Iterator[Difference]:
    after = [e for e in new.exchanges if e.direction is Direction.HUB_TO_CPO]
    before = sorted((e for e in old.exchanges if e.direction is Direction.HUB_TO_CPO), key=lambda e: e.t)
    for was, now in zip(before, after, strict=False):
        name = f"answer to {was.operation or was.request.target} of session {was.session_id or '-'}"
        if _outcome(was) != _outcome(now):
            yield Difference(name, _outcome(was), _outcome(now), now.number)


def _outcome(exchange: Exchange) -> str:
    if exchange.answer is None:
        return "no answer"
    return f"HTTP {exchange.answer.http_status}, Result {shown(exchange.answer_body.get('Result'))}, code {exchange.status_code}"


_UNSTEADY = {"MeterValueInBetween", "SignedMeteringValues"}
_VOLATILE = {"ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd", "CPOPartnerSessionID"}
"""Different in every run; how they are written is not."""
_MEASURED = {"ConsumedEnergy", "MeterValueStart", "MeterValueEnd"}
"""A second more or less changes them, their unit stays."""


def _kind(value: Json) -> Json:
    """How a value is written: the digits of a moment are all the same here, other texts are just texts."""
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    return re.sub(r"[0-9]+(\.[0-9]+)?", "0", value) if re.match("[0-9]{4}-", value) else "a text"


def _same(name: str, before: Json, after: Json) -> bool:
    if name not in _MEASURED or not (_is_number(before) and _is_number(after)):
        return bool(before == after)
    small, large = sorted((abs(before), abs(after)))
    return bool(large <= 10 * small or large - small <= 1)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _records(old: Evidence, new: Evidence, ids: dict[str, str]) -> Iterator[Difference]:
    before, after = _by_session(old), _by_session(new)
    for session_id, cdrs in before.items():
        if session_id not in after:
            yield Difference(f"charge detail record of session {session_id}", f"sent {len(cdrs)} times", "not sent")
            continue
        now = after[session_id]
        if len(now) != len(cdrs):
            yield Difference(
                f"charge detail record of session {session_id}", f"sent {len(cdrs)} times", f"{len(now)} times"
            )
        yield from _members(session_id, _steady(cdrs[-1].body, ids), _steady(now[-1].body, {}), now[-1].number)
    for session_id in after.keys() - before.keys():
        yield Difference(
            f"charge detail record of session {session_id}", "not sent", "sent", after[session_id][0].number
        )


def _by_session(evidence: Evidence) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {}
    for exchange in evidence.about("ChargeDetailRecord", direction=Direction.CPO_TO_HUB):
        found.setdefault(exchange.session_id or "-", []).append(exchange)
    return found


def _steady(body: dict[str, Json], ids: dict[str, str]) -> dict[str, Json]:
    by_folded = {folded(k): folded(v) for k, v in ids.items()}
    steady = {k: _kind(v) if k in _VOLATILE else v for k, v in body.items() if k not in _UNSTEADY and v is not None}
    if isinstance(steady.get("EvseID"), str):
        own = folded(steady["EvseID"])
        steady["EvseID"] = by_folded.get(own, own)
    return steady


def _members(session_id: str, before: Json, after: Json, number: int) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        if not _same(name, before.get(name), after.get(name)):
            where = f"/{name} in the charge detail record of session {session_id}"
            yield Difference(where, shown(before.get(name)), shown(after.get(name)), number)


def _statuses(old: Evidence, new: Evidence, ids: dict[str, str]) -> Iterator[Difference]:
    before, after = _status_courses(old, ids), _status_courses(new, {})
    wanted = before.keys() | after.keys()
    if not old.run.fleet:  # another fleet: only what was touched, or has the same name, can be compared
        touched = {folded(i) for i in evse_ids_of(script_of(old, ids).events)}
        wanted = {i for i in wanted if i in touched or (i in before and i in after)}
    for evse_id in sorted(wanted):
        was, now = before.get(evse_id, []), after.get(evse_id, [])
        if was != now:
            yield Difference(f"status of {evse_id}", " ".join(was) or "never pushed", " ".join(now) or "never pushed")


def _status_courses(evidence: Evidence, ids: dict[str, str]) -> dict[str, list[str]]:
    by_folded = {folded(k): folded(v) for k, v in ids.items()}
    courses: dict[str, list[str]] = {}
    for evse_id, status, _ in said_statuses(evidence):
        course = courses.setdefault(by_folded.get(evse_id, evse_id), [])
        if not course or course[-1] != status:
            course.append(status)
    return courses


def _operations(old: Evidence, new: Evidence) -> Iterator[Difference]:
    before, after = _sent(old), _sent(new)
    for name in sorted(before.keys() | after.keys()):
        if bool(before[name]) != bool(after[name]):
            yield Difference(f"messages of {name}", f"{before[name]} sent", f"{after[name]} sent")


def _sent(evidence: Evidence) -> Counter[str]:
    return Counter(e.operation or e.request.target for e in evidence.exchanges if e.by_cpo)
