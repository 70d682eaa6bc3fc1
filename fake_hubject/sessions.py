"""Sessions as the hub keeps them: created by the hub alone, deleted by a refusal, closed by the charge detail record."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeAlias

from fake_hubject.journal import Journal
from oicp.wire_json import Json

State: TypeAlias = Literal["open", "closed", "deleted"]


@dataclass(slots=True)
class HubSession:
    """One SessionID. `kind`: remote, rfid or reservation. `offline`: authorized by uploaded data, without asking the EMP."""

    session_id: str
    kind: str
    operator_id: str
    provider_id: str | None
    evse_id: str | None
    created_at: str
    state: State = "open"
    identification: Json = None
    product: str | None = None
    cpo_partner_session_id: str | None = None
    emp_partner_session_id: str | None = None
    offline: bool = False
    last_progress_at: float | None = None
    cdr_at: str | None = None

    @property
    def open(self) -> bool:
        """True until a charge detail record came or the session was deleted."""
        return self.state == "open"


_NAMES = frozenset(field.name for field in fields(HubSession))


class Sessions:
    """All sessions by SessionID. Deleted ones are gone."""

    def __init__(self, observe: Callable[..., object], journal: Journal, now: Callable[[], datetime]) -> None:
        self._sessions: dict[str, HubSession] = {}
        self._observe, self._journal, self._now = observe, journal, now

    def create(
        self, kind: str, operator_id: str, provider_id: str | None, evse_id: str | None, **more: Any
    ) -> HubSession:
        """Open a session with a fresh SessionID."""
        session = HubSession(
            more.pop("session_id", None) or new_session_id(), kind, operator_id, provider_id, evse_id,
            self._now().isoformat(), **more,
        )  # fmt: skip
        self._sessions[session.session_id.lower()] = session
        self.keep(session)
        self._tell(session, "created", kind)
        return session

    def get(self, session_id: object) -> HubSession | None:
        """The session of that id, closed ones included; ids are compared without case."""
        if not isinstance(session_id, str):
            return None
        return self._sessions.get(session_id.lower())

    def delete(self, session: HubSession, reason: str) -> None:
        """Forget a session."""
        if self._sessions.pop(session.session_id.lower(), None) is None:
            return
        session.state = "deleted"
        self._journal.write("session_deleted", session_id=session.session_id, reason=reason)
        self._tell(session, "deleted", reason)

    def close(self, session: HubSession, reason: str) -> None:
        """A charge detail record came: the session stays, but takes nothing more."""
        session.state, session.cdr_at = "closed", self._now().isoformat()
        self.keep(session)
        self._tell(session, "closed", reason)

    def keep(self, session: HubSession) -> None:
        """Write the present state of a session to the journal."""
        if self._journal.kept:
            facts = asdict(session)
            self._journal.write("session", session_kind=facts.pop("kind"), **facts)

    def restore(self, row: dict[str, Any]) -> None:
        """Take over a session an earlier hub wrote down."""
        if row["kind"] == "session":
            facts = {name: row[name] for name in _NAMES if name in row} | {"kind": row["session_kind"]}
            session = HubSession(**facts)
            self._sessions[session.session_id.lower()] = session
        else:
            self._sessions.pop(row["session_id"].lower(), None)

    def __iter__(self) -> Iterator[HubSession]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def _tell(self, session: HubSession, event: str, reason: str) -> None:
        self._observe("hub_session", evse_id=session.evse_id, session_id=session.session_id, event=event, reason=reason)


def new_session_id() -> str:
    """A GUID in lower case, as Hubject gives them out."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]))
