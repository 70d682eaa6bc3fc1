"""An index of the recording while it grows, so that waiting scenarios need not read it from the start again."""

from collections import defaultdict

from oicp.evidence import Exchange, Observation
from oicp.services import Direction
from oicp.sessions import folded


class Journal:
    """Finished messages of the CPO by session, transactions that are open; fed by `Recorder.listening`."""

    def __init__(self) -> None:
        self._by_session: defaultdict[str, list[Exchange]] = defaultdict(list)
        self.open_transactions: dict[str, Observation] = {}
        self.undelivered: dict[str, Observation] = {}
        self.asked: list[Observation] = []
        """What the operator of the CPO was asked for by a hook, and did."""
        self._untold: dict[str, str] = {}
        self._connected: set[str] = set()

    def __call__(self, item: Exchange | Observation) -> None:
        """Take in what was recorded."""
        if isinstance(item, Observation):
            self._observed(item)
        elif item.t_end is not None and item.direction is Direction.CPO_TO_HUB and item.session_id:
            self._by_session[folded(item.session_id)].append(item)

    def _observed(self, item: Observation) -> None:
        evse_id = item.evse_id or ""
        if item.kind == "charge_point_connected" and item.charge_point:
            self._connected.add(item.charge_point)
        if item.kind == "connector_status":
            self._untold[evse_id] = str(item.data.get("connector_status"))
        elif item.kind == "connector_status_delivered" and self._untold.get(evse_id) == item.data.get(
            "connector_status"
        ):
            self._untold.pop(evse_id, None)
        if item.kind == "hook" and item.data.get("outcome") == "done":
            self.asked.append(item)
        reference = str(item.data.get("transaction"))
        if item.kind == "transaction_started":
            self.open_transactions[reference] = self.undelivered[reference] = item
        elif item.kind == "transaction_stopped":
            self.open_transactions.pop(reference, None)
        elif item.kind == "transaction_stop_delivered":
            self.undelivered.pop(reference, None)

    def told(self, evse_id: str) -> bool:
        """The CPO answered the report of the latest connector status."""
        return evse_id not in self._untold

    def was_connected(self, charge_point: str) -> bool:
        """The CPO has let that charge point in at least once."""
        return charge_point in self._connected

    def messages(self, session_id: str, operation: str) -> list[Exchange]:
        """Finished messages of the CPO with that SessionID."""
        return [e for e in self._by_session[folded(session_id)] if e.operation == operation] if session_id else []
