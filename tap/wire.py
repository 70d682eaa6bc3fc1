"""mitmproxy in process, as a reverse proxy in both directions between a CPO and a hub, with TLS client certificates on both sides.

It asks a partner for its certificate, records what was presented, and presents upstream the identity it was given for it. What
it hears becomes the same evidence that a hub of ours records.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from mitmproxy import connection, http, tls
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, save, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy import server_hooks

from fake_hubject.recorder import Recorder
from oicp.evidence import Answer, Exchange, Tls
from oicp.services import Direction
from tap.between import Between
from tap.breaking import Breaker
from tap.faults import Armed, WireFault
from tap.flows import answer_of, certificate_of, request_of, tls_of
from tap.mapping import located

BODY_LIMIT = "64m"


class TapError(Exception):
    """The tap cannot listen or start; the message names the address and the mend."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One direction of the tap: it listens on `host:port` (0: a free one) and passes on to `upstream`.

    `identity`: PEM file with certificate and key presented upstream, whoever calls. `identities`: by SHA-256 fingerprint of what the
    caller presented, preferred; a caller that presented none is passed on without one if `mirror` is set.
    """

    direction: Direction
    upstream: str
    host: str = "127.0.0.1"
    port: int = 0
    identity: Path | None = None
    identities: Mapping[str, Path] = field(default_factory=dict)
    mirror: bool = False
    partner_id: str | None = None

    @property
    def spec(self) -> str:
        """mitmproxy's name of the mode."""
        parts = urlsplit(self.upstream)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"reverse:{parts.scheme}://{parts.hostname}:{port}@{self.host}:{self.port}"


class Tap:
    """The running tap; use as `async with`. `url(direction)` is where to call it.

    `between`: a hub of ours stands upstream, in this process; it is told who calls, it records the exchanges, and is trusted whatever
    it shows. Without it the tap records them itself.
    """

    def __init__(
        self, legs: tuple[Leg, ...], recorder: Recorder | None, server_cert: Path, ca_file: Path | None, *,
        faults: tuple[WireFault, ...] = (), flow_file: Path | None = None, between: Between | None = None,
        pace: Any = None,
    ) -> None:  # fmt: skip
        self.legs = tuple(leg if leg.port else replace(leg, port=_free_port(leg.host)) for leg in legs)
        self.recorder = recorder
        self.breaker = Breaker(faults, recorder)
        self.between, self.pace = between, pace
        self._server_cert, self._ca_file, self._flow_file = server_cert, ca_file, flow_file
        self._exchanges: dict[str, Exchange] = {}
        self._legs = {leg.port: leg for leg in self.legs}
        self._master: Master | None = None
        self._store = tempfile.TemporaryDirectory(prefix="oicp-bench-tap-")

    def url(self, direction: Direction) -> str:
        """Base URL of the listener of one direction, with the path of its upstream."""
        leg = next(leg for leg in self.legs if leg.direction is direction)
        parts = urlsplit(leg.upstream)
        return f"{parts.scheme}://{leg.host}:{leg.port}{parts.path.rstrip('/')}"

    def arm(self, fault: WireFault, scenario: str | None = None) -> Armed:
        """Arm a fault while the tap runs."""
        return self.breaker.arm(fault, scenario)

    def serve_with(self, server_cert: Path) -> None:
        """Show another certificate (PEM with key, in a file of its own) to callers from now on."""
        self._server_cert = server_cert
        if self._master is not None:
            self._master.options.update(certs=[f"*={server_cert}"])

    async def pause(self) -> None:
        """Accept no connection and drop those that are open."""
        server = self._proxyserver()
        await server.servers.update([])
        for handler in list(server.connections.values()):
            with contextlib.suppress(Exception):
                handler.close_connection(handler.client)

    async def resume(self) -> None:
        """Accept connections again, on the same ports. Raises `TapError`."""
        await self._listen(self._proxyserver())

    def _proxyserver(self) -> Any:
        if self._master is None:
            raise TapError("the tap is not up")
        return self._master.addons.get("proxyserver")

    async def _listen(self, server: Any) -> None:
        await server.setup_servers()
        if sum(bool(instance.is_running) for instance in server.servers) < len(self.legs):
            places = ", ".join(f"{leg.host}:{leg.port}" for leg in self.legs)
            raise TapError(f"the tap cannot listen on {places}; choose another port with --listen")

    # --- up and down --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        # mitmproxy's own CA is never used; it must not be put into the home folder either
        options = Options(confdir=self._store.name)
        master = Master(options, event_loop=asyncio.get_running_loop())
        # of some forty addons only these: every event asks all there are, which takes most of a message's time
        master.addons.add(
            core.Core(), disable_h2c.DisableH2C(), proxyserver.Proxyserver(), next_layer.NextLayer(), save.Save(),
            tlsconfig.TlsConfig(),
        )  # fmt: skip
        self._master = master
        master.options.update(**self._options())
        hearing = _Hearing(self)
        master.addons.register(hearing)
        master.addons.chain.insert(0, hearing)  # before mitmproxy chooses certificates
        server = master.addons.get("proxyserver")
        self.breaker.attach(server)
        if self.between is not None:
            self.breaker.on_copy = self.between.copying
            self.between.stands_before(self._before_cpos(), self.breaker.wants_calls)
        try:
            await self._listen(server)
        except TapError:
            await self._end()
            raise
        await master.running()
        return self

    def _before_cpos(self) -> dict[str, str]:
        """Base of every CPO's URL and of the listener that stands before it."""
        found = {}
        for leg in self.legs:
            if leg.direction is Direction.HUB_TO_CPO:
                parts = urlsplit(leg.upstream)
                found[f"{parts.scheme}://{parts.netloc}"] = f"{parts.scheme}://{leg.host}:{leg.port}"
        return found

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "mode": [leg.spec for leg in self.legs], "certs": [f"*={self._server_cert}"], "request_client_cert": True,
            "http2": False, "connection_strategy": "lazy", "upstream_cert": False, "body_size_limit": BODY_LIMIT,
            "tls_version_client_min": "TLS1_2", "tls_version_server_min": "TLS1_2", "validate_inbound_headers": False,
            "ssl_insecure": self.between is not None, "keep_host_header": self.between is not None,
        }  # fmt: skip
        if self._ca_file is not None:
            options["ssl_verify_upstream_trusted_ca"] = str(self._ca_file)
        if self._flow_file is not None:
            options["save_stream_file"] = str(self._flow_file)
        return options

    async def __aexit__(self, *exc: object) -> None:
        await self._end()

    async def _end(self) -> None:
        await self.breaker.end()
        if self._master is None:
            return
        with contextlib.suppress(Exception):
            await self.pause()
        await self._master.done()
        self._master = None
        self._store.cleanup()
        for exchange in self._exchanges.values():
            if self.recorder is not None:
                self.recorder.closed(exchange, None, error="the tap ended before the answer")
        self._exchanges.clear()

    # --- what is heard ------------------------------------------------------------------------------------------------

    def leg_of(self, client: connection.Client) -> Leg:
        """The leg a caller came in by."""
        return self._legs[client.sockname[1]]

    def identity_for(self, client: connection.Client) -> Path | None:
        """What to present upstream for this caller."""
        leg = self.leg_of(client)
        if client.certificate_list:
            known = leg.identities.get(certificate_of(client.certificate_list[0]).fingerprint)
            if known is not None:
                return known
        return None if leg.mirror and not client.certificate_list else leg.identity

    def heard(self, flow: http.HTTPFlow) -> None:
        """A request is complete."""
        if self.recorder is None or self.between is not None:
            return
        leg = self.leg_of(flow.client_conn)
        operation, partner_id = located(flow.request.path)
        facts = tls_of(flow)
        same = [e for e in self._exchanges.values() if (e.operation, e.partner_id) == (operation, partner_id)]
        self._exchanges[flow.id] = self.recorder.opened(
            leg.direction, request_of(flow), operation=operation, partner_id=partner_id,
            url=flow.request.pretty_url, tls=replace(facts, partner_id=leg.partner_id) if facts else Tls(),
            connection=flow.client_conn.id,
            overlaps=tuple(e.number for e in same) if leg.direction is Direction.CPO_TO_HUB else (),
        )  # fmt: skip

    def answered(self, flow: http.HTTPFlow, sent: Answer | None = None) -> None:
        """An answer is complete, or will never be. Recorded is what the CPO saw of it or, where the CPO answers, what it `sent`."""
        exchange = self._exchanges.pop(flow.id, None)
        if exchange is None or self.recorder is None:
            return
        fault: WireFault | None = flow.metadata.get("oicp_fault")
        answer, error = answer_of(flow), flow.error.msg if flow.error else None
        facts: dict[str, Any] = {"http_version": flow.request.http_version}
        if fault is not None and fault.loses_answer:
            answer, error = None, f"no answer: {fault.what} on the wire (fault {fault.name})"
        elif fault is not None and exchange.direction is not Direction.CPO_TO_HUB:
            answer = sent
            if "oicp_original" in flow.metadata:
                facts["arrived"] = (flow.request.raw_content or b"").decode("utf-8", "backslashreplace")
        faults = (fault.name,) if fault else ()
        self.recorder.closed(exchange, answer, error=error, faults=faults, **facts)

    def passes(self, flow: http.HTTPFlow, leg: Leg) -> None:
        """Tell a hub of ours what happens to a request."""
        if self.between is None:
            return
        original, fault = flow.metadata.get("oicp_original"), flow.metadata.get("oicp_fault")
        if leg.direction is Direction.HUB_TO_CPO:
            body = flow.request.raw_content if original is not None else None
            self.between.called_by_hub(flow.client_conn, body, fault)
        else:
            self.between.passes(flow.client_conn, original, fault)

    def came_back(self, flow: http.HTTPFlow, sent: Answer | None) -> None:
        """Tell a hub of ours what the CPO answered, before anything happens to it."""
        if self.between is not None and self.leg_of(flow.client_conn).direction is Direction.HUB_TO_CPO:
            self.between.answered_by_cpo(flow.client_conn, flow.server_conn, sent, flow.metadata.get("oicp_fault"))

    def handshake_failed(self, direction: Direction, conn: connection.Connection, error: str | None = None) -> None:
        """A handshake failed at either side, or nobody tried one."""
        if self.recorder is not None:
            certificate = certificate_of(conn.certificate_list[0]) if conn.certificate_list else None
            self.recorder.observe(
                "tls_handshake", direction=str(direction), error=_plain(error or conn.error or "failed"),
                version=conn.tls_version, server_name=conn.sni,
                certificate={n: getattr(certificate, n) for n in certificate.__slots__} if certificate else None,
            )  # fmt: skip


def _plain(error: str) -> str:
    """mitmproxy's words for what OpenSSL said, back in OpenSSL's."""
    for word, plain in (
        ("agree on a TLS version", "unsupported protocol"),
        ("does not speak TLS", "wrong version number"),
    ):
        if word in error:
            return plain
    return error


class _Hearing:
    """mitmproxy addon: hands every event to the tap."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap

    def tls_start_server(self, data: tls.TlsData) -> None:
        """Choose what is presented upstream, just before mitmproxy makes the context of this connection."""
        from mitmproxy import ctx

        identity = self.tap.identity_for(data.context.client)
        ctx.options.update(client_certs=str(identity) if identity else None)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """The caller refused the tap's certificate or offered nothing that fits."""
        client = data.context.client
        self.tap.handshake_failed(self.tap.leg_of(client).direction, data.conn)

    def tls_failed_server(self, data: tls.TlsData) -> None:
        """Upstream refused what the tap presented, or could not be trusted."""
        leg = self.tap.leg_of(data.context.client)
        self.tap.handshake_failed(leg.direction, data.conn)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Tell who stands behind a connection of the tap, before anything is sent over it."""
        if self.tap.between is not None:
            self.tap.between.connected(data.server.sockname, data.client)

    def server_disconnected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection of the tap is over."""
        if self.tap.between is not None:
            self.tap.between.gone(data.server.sockname)

    def client_disconnected(self, client: connection.Client) -> None:
        """A caller is gone."""
        if self.tap.between is not None:
            self.tap.between.left(client)

    async def request(self, flow: http.HTTPFlow) -> None:
        """A request came."""
        leg = self.tap.leg_of(flow.client_conn)
        if leg.upstream.startswith("https:") and not flow.client_conn.tls_established:
            self.tap.handshake_failed(leg.direction, flow.client_conn, "HTTP_REQUEST: http request")
            self.tap.breaker.hang_up(flow.client_conn)
            flow.kill()
            return
        operation, _ = located(flow.request.path)
        if self.tap.pace is not None and leg.direction is Direction.CPO_TO_HUB:
            await self.tap.pace(operation)
        self.tap.heard(flow)
        await self.tap.breaker.request(flow, leg, operation)
        self.tap.passes(flow, leg)

    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The head of an answer came."""
        await self.tap.breaker.head(flow)

    async def response(self, flow: http.HTTPFlow) -> None:
        """An answer came."""
        self.tap.breaker.complete(flow)
        sent = answer_of(flow)
        self.tap.came_back(flow, sent)
        await self.tap.breaker.answer(flow, self.tap.identity_for(flow.client_conn))
        self.tap.answered(flow, sent)

    def error(self, flow: http.HTTPFlow) -> None:
        """No answer will come: the caller sees what the tap saw, a connection that ends, and no answer of the tap's making."""
        self.tap.answered(flow)
        self.tap.breaker.hang_up(flow.client_conn)


def _free_port(host: str) -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
