"""Judges what the CPO sent by the message laws of `oicp.messages`."""

from oicp.messages import validate
from oicp.rulebook import Grade
from tests.cpo.doubles import HubDouble

_IMPATIENT = {"CDR-039"}
"""These charge points deliver in no time, which is not plausible for a real one."""


def faults_of(hub: HubDouble) -> list[str]:
    """Everything the message laws have against the messages that came, one line each."""
    found = [(got.operation, fault) for got in hub.got for fault in validate(got.operation, got.body)]
    return [
        f"{operation}: {fault}"
        for operation, fault in found
        if fault.requirement not in _IMPATIENT and fault.grade is not Grade.INFO
    ]
