"""Waiting times and tolerances of the judgement where no document gives a number. A recording may carry its own."""

from collections.abc import Mapping
from decimal import Decimal

from oicp.evidence import Evidence

LIMITS: dict[str, float] = {
    "answer_s": 60.0,  # the hub gives up on a remote request
    "answer_soon_s": 10.0,
    "cdr_soon_s": 10.0,  # recommended delay of a CDR
    "cdr_missing_s": 30.0,  # after so long without one a CDR counts as missing; shorter where the CPO is quicker
    "cdr_repeat_s": 900.0,  # time for the repeat of a CDR that could not be delivered
    "lapsed_session_s": 900.0,  # time to close an accepted session in which nobody charged
    "refused_charge_s": 60.0,  # time to end a transaction that began although the start was refused
    "stop_effect_s": 30.0,  # an accepted stop ends the energy within this time
    "stop_effect_short_s": 8.0,  # least time that must have been recorded after a stop to say it had no effect
    "start_effect_s": 30.0,  # an accepted start reaches the charge point within this time
    "time_tolerance_s": 30.0,  # times of a CDR against what the EVSE did
    "time_notice_s": 5.0,
    "reserved_push_s": 10.0,  # a reservation that holds this long shows as Reserved
    "progress_interval_s": 300.0,
    "doubt_s": 20.0,  # after so long without a repeat a warning says so, although the limit is not over
    "repeat_s": 900.0,  # time for the repeat of any other message that could not be delivered
    "quiet_after_outage_s": 60.0,  # a backend with something to say that is silent for longer does not go on working
    "status_soon_s": 5.0,  # target for a status change; states that last shorter may be left out
    "status_late_s": 60.0,
    "status_missing_s": 300.0,
    "status_settles_s": 2.0,  # a push this soon after a change may still tell of the state before
    "lost_evse_s": 900.0,  # a silent charge point may stay Available for so long
    "static_change_s": 60.0,  # a change of EVSE data reaches the hub within this time
    "split_load_s": 600.0,  # fullLoads that follow each other this quickly are taken as parts of one
    "clock_s": 2.0,  # rounding and clock difference
}


def limit(evidence: Evidence, name: str) -> float:
    """The limit of that name in seconds: that of the recording (`settings.limits`), else the default."""
    own = evidence.run.settings.get("limits")
    value = own.get(name) if isinstance(own, Mapping) else None
    usable = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and value >= 0
    return float(value) if usable and value is not None else LIMITS[name]
