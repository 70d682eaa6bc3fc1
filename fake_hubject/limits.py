"""Rate limits of the Acceptable Use Policy: calls per clock minute, partner and operation."""

from oicp.services import Operation


class RateLimits:
    """Counts calls; one number per partner and operation, so it does not grow with the calls."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], tuple[int, int]] = {}

    def exceeded(self, operation: Operation, partner: str, now: float, scale: float | None) -> bool:
        """Count a call at second `now` (Unix time); True if it is one too many. `scale` 0 or None: there is no limit."""
        if not scale or operation.per_minute is None:
            return False
        minute, key = int(now // 60), (operation.name, partner)
        last, count = self._counted.get(key, (minute, 0))
        count = count + 1 if last == minute else 1
        if key not in self._counted and len(self._counted) > 10_000:
            self._counted = {k: v for k, v in self._counted.items() if v[0] == minute}
        self._counted[key] = (minute, count)
        return count > max(1, round(operation.per_minute * scale))
