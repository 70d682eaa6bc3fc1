"""How charge points behave where the standard leaves it open, and how fast."""

from dataclasses import dataclass, field

from simulator.vehicle import Vehicle


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. Power is scaled, never time: these are what a quick, real charge point could have.

    `call_timeout`: for an answer; `transaction_timeout`: for one
    about a transaction (a charge point that gives up too early makes a slow CPO begin it twice). `connection_timeout`: from an accepted start until the cable must be in. `meter_interval`: between
    sampled meter values. `energy_grace`: how long current waits for the answer to the start. `boot`: a reboot takes. `boot_retry`: when
    the CPO names no interval. `reconnect_first`, `reconnect_most`: back-off. `attempts`, `attempt_pause`: transaction messages that
    fail are repeated so often, after so long times the number of the attempt. `tick`: how often a flowing meter looks at itself.
    """

    call_timeout: float = 10.0
    transaction_timeout: float = 30.0
    connection_timeout: float = 60.0
    meter_interval: float = 2.0
    energy_grace: float = 1.0
    boot: float = 0.3
    boot_retry: float = 5.0
    reconnect_first: float = 0.3
    reconnect_most: float = 10.0
    open_timeout: float = 10.0
    attempts: int = 3
    attempt_pause: float = 1.0
    tick: float = 0.1


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What all charge points of a fleet have in common.

    `vehicle_power_kw`: what a car draws unless a scenario brings its own. `check_schemas`: every message against OCPP's JSON
    schema, both ways. `observe_calls`: whether each OCPP call becomes an observation. `latency`, `jitter`: seconds added before each frame
    a charge point sends. `handshakes`: WebSocket handshakes at a time.
    """

    timing: Timing = field(default_factory=Timing)
    vehicle_power_kw: float = 500.0
    check_schemas: bool = True
    observe_calls: bool = True
    latency: float = 0.0
    jitter: float = 0.0
    handshakes: int = 50

    def vehicle(self) -> Vehicle:
        """The car that comes when a scenario names none."""
        return Vehicle(max_power_kw=self.vehicle_power_kw)
