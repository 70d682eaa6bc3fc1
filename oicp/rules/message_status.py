"""Status pushes: one change per request (STAT-006), by update or insert (STAT-016)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.repeats import records_of
from oicp.rulebook import INFO, Checked, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import end_of
from oicp.services import CPO_TO_HUB
from oicp.sessions import folded

whole = rules_about_evidence()
_TOGETHER_S = 1.0
_CATCHING_UP_S = 900.0


def _records(e: Exchange) -> list[str]:
    """EvseIDs of a status push."""
    rows = wire_json.at(e.body, "OperatorEvseStatus", "EvseStatusRecord")
    found = [wire_json.at(row, "EvseID") for row in rows] if isinstance(rows, list) else []
    return [i for i in found if isinstance(i, str)]


def _action(e: Exchange) -> str | None:
    action = e.body.get("ActionType")
    return action if isinstance(action, str) else None


@whole.rule("STAT-006")
def one_change_per_request(evidence: Evidence) -> Iterator[Yield]:
    """A status change is sent in a request of its own."""
    for e, before in _with_the_one_before(evidence):
        ids = _records(e)
        if _action(e) not in ("update", "insert") or not ids:
            continue
        if len(ids) == 1:
            yield Checked("STAT-006", "PushEvseStatus")
            continue
        why = _excuse(evidence, e, before, ids)
        sentence = f"{len(ids)} changes in one request" + (f" ({why})" if why else "")
        at = wire_json.pointer("OperatorEvseStatus", "EvseStatusRecord")
        yield finding(sentence, on=e, pointer=at, requirement="STAT-006", grade=INFO if why else None)


def _with_the_one_before(evidence: Evidence) -> Iterator[tuple[Exchange, Exchange | None]]:
    found = evidence.about("PushEvseStatus", direction=CPO_TO_HUB)
    return zip(found, (None, *found), strict=False)


def _excuse(evidence: Evidence, e: Exchange, before: Exchange | None, ids: list[str]) -> str | None:
    """Why several changes may share this request, which came after the push `before`."""
    if e.number in _first_words(evidence):
        return "first status of these EVSEs"
    if _after_trouble(evidence, e, ids):
        return "catching up"
    if not evidence.run.truth:
        return None if e.number in _collected(evidence) else "when they happened is not known"
    moments = [_last_change(evidence, ident, e.t) for ident in ids]
    known = [t for t in moments if t is not None]
    if len(known) == len(ids) and max(known) - min(known) <= _TOGETHER_S:
        return "they happened within a second"
    if before is not None and len(known) == len(ids) and min(known) >= before.t and e.t <= end_of(before) + _TOGETHER_S:
        return "they happened while the push before was on its way"
    return None


_VEHICLES = 3
_OFTEN = 3
_SLOW_S = 1.0


@lru_cache(maxsize=8)
def _collected(evidence: Evidence) -> frozenset[int]:
    """Updates in which several EVSEs become Occupied, where that is the habit of the backend: so many vehicles do not come at once.

    What came while a slow hub answered the push before had to wait for that.
    """
    shown: dict[str, object] = {}
    arrivals: dict[int, int] = {}
    for e, before in _with_the_one_before(evidence):
        rows = {folded(ident): record.get("EvseStatus") for _, ident, record in records_of(e)}
        came = [k for k, status in rows.items() if status == "Occupied" and shown.get(k) == "Available"]
        waited = before is not None and end_of(before) - before.t > _SLOW_S and e.t <= end_of(before) + _TOGETHER_S
        if came and _action(e) == "update" and not waited:
            arrivals[e.number] = len(came)
        if e.accepted and _action(e) == "fullLoad":
            shown = dict(rows)
        elif e.accepted and _action(e) != "delete":
            shown.update(rows)
    many = [number for number, came in arrivals.items() if came >= _VEHICLES]
    return frozenset(many) if len(many) >= _OFTEN and 2 * len(many) > len(arrivals) else frozenset()


def _last_change(evidence: Evidence, evse_id: str, t: float) -> float | None:
    """Second of the last thing that may have changed the status: the connector, or the connection of its charge point."""
    fleet = chargers(evidence)
    known = fleet.of("connector_status", evse_id).times, _links(evidence).get(fleet.points.get(folded(evse_id)), [])
    return max((times[at - 1] for times in known if (at := bisect_right(times, t))), default=None)


@lru_cache(maxsize=8)
def _links(evidence: Evidence) -> dict[str | None, list[float]]:
    """Seconds at which the connection of each charge point came or went."""
    found: dict[str | None, list[float]] = {}
    for o in evidence.seen("charge_point_connected", "charge_point_disconnected"):
        found.setdefault(o.charge_point, []).append(o.t)
    return found


@lru_cache(maxsize=8)
def _troubles(evidence: Evidence) -> tuple[list[float], list[float], tuple[Exchange, ...]]:
    """Seconds at which hub or CPO went down or up, seconds of failed pushes, and the accepted pushes; all in order of time."""
    steps = [o.t for o in evidence.seen("hub_down", "hub_up", "cpo_started", "cpo_restarted", "cpo_exited")]
    pushes = sorted(evidence.about("PushEvseStatus", direction=CPO_TO_HUB), key=lambda p: p.t)
    return sorted(steps), [p.t for p in pushes if not p.accepted], tuple(p for p in pushes if p.accepted)


def _last(times: list[float], at: int) -> list[float]:
    return times[max(0, at - 1) : at]


def _after_trouble(evidence: Evidence, e: Exchange, ids: list[str]) -> bool:
    """A status push failed, the hub was down, or the CPO started, not long ago, and since then one of these had not been told."""
    steps, failed, accepted = _troubles(evidence)
    last = max([*_last(steps, bisect_right(steps, e.t)), *_last(failed, bisect_left(failed, e.t))], default=None)
    if last is None or last < e.t - _CATCHING_UP_S:
        return False
    untold = {folded(i) for i in ids}
    for at in range(bisect_left(accepted, e.t, key=lambda p: p.t) - 1, -1, -1):
        p = accepted[at]
        if p.t < last or not untold:
            break
        untold -= {folded(i) for i in _records(p)}
    return bool(untold)


@lru_cache(maxsize=8)
def _first_words(evidence: Evidence) -> frozenset[int]:
    """Inserts none of whose EVSEs had a status at the hub when they came."""
    known: set[str] = set()
    found = set[int]()
    for p in evidence.about("PushEvseStatus", direction=CPO_TO_HUB):
        ids = set(map(folded, _records(p)))
        if _action(p) == "insert" and known.isdisjoint(ids):
            found.add(p.number)
        if p.accepted:
            _learn(known, _action(p), ids)
    return frozenset(found)


def _learn(known: set[str], action: str | None, ids: set[str]) -> None:
    """What the hub knows the status of, after a push that it took."""
    if action == "fullLoad":
        known.clear()
    (known.difference_update if action == "delete" else known.update)(ids)


@whole.rule("STAT-016")
def single_changes_by_update_or_insert(evidence: Evidence) -> Iterator[Yield]:
    """Changes come as update, or as insert for an EVSE without status; another insert is noted."""
    known: set[str] = set()
    for e in evidence.about("PushEvseStatus", direction=CPO_TO_HUB):
        ids, action = _records(e), _action(e)
        if action in ("update", "insert"):
            again = [i for i in ids if folded(i) in known]
            if action == "insert" and again:
                sentence = f"insert for {', '.join(again[:3])}, which had a status already"
                yield finding(sentence, on=e, pointer="/ActionType", requirement="STAT-016", grade=INFO)
            else:
                yield Checked("STAT-016", "PushEvseStatus")
        if e.accepted:
            _learn(known, action, set(map(folded, ids)))
