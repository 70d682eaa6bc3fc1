"""Certificates, methods, paths, headers, encodings: what is wrong below the message."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from cpo.answers import Refused, acknowledgement
from cpo.requests import session_id_in
from cpo.settings import Address
from fake_hubject.certificates import Authority
from oicp import wire_json
from oicp.wire_json import Json
from tests.broken_cpos.changes import turn
from tests.broken_cpos.patched import Client, Server
from tests.broken_cpos.variant import Http, Variant

DATA_ONLY = "evse_data.full_load_of_data_on_request"
SESSION = "authorization.remote_start_and_stop"
REFUSED = "authorization.start_on_an_unknown_evse"
_NOTHING_ARRIVES = dict.fromkeys(
    ("EVSE-057", "STAT-009", "STAT-005", "STAT-010", "HTTP-020", "CDR-001", "CDR-030", "CDR-040"),
    "the hub takes nothing from this CPO",
)


class _OtherContext(Client):
    """Calls the hub with a TLS context of its own."""

    def __init__(self, hub_url: str, operator_id: str, context: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(hub_url, operator_id, self.context(context), timeout_s)

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        """The context in place of the usual one."""
        return usual


class NoCertificate(_OtherContext):
    """The HTTP client of this service was set up without the certificate."""

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        bare = ssl.create_default_context()
        bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
        return bare


class Unverified(_OtherContext):
    """`rejectUnauthorized: false`: whoever answers is the hub."""

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        usual.check_hostname, usual.verify_mode = False, ssl.CERT_NONE
        return usual


class NoHostName(_OtherContext):
    """The chain of the hub is checked, its name is not."""

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        usual.check_hostname = False
        return usual


class OtherCertificate(_OtherContext):
    """Presents the certificate the variant prepared."""

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        usual.load_cert_chain(*_prepared())
        return usual


def _prepared() -> tuple[Path, Path]:
    """Certificate and key the variant had issued."""
    folder = Path(os.environ["OICP_BENCH_CA_FILE"]).parent
    certificate = next(folder.glob("variant-*.pem"))
    return certificate, certificate.with_suffix(".key")


def _issue(folder: Path, partner_id: str, **how: Any) -> None:
    Authority.ensure(folder).issue_client(partner_id, name="variant", **how)


def _expired(folder: Path) -> None:
    day = timedelta(days=1)
    _issue(folder, "DE*ABC", not_before=datetime.now(UTC) - 30 * day, not_after=datetime.now(UTC) - day)


class _OtherServing(Server):
    def __init__(self, address: Address, context: ssl.SSLContext | None, services: dict[str, Any]) -> None:
        super().__init__(address, self.context(context), services)

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        """The context in place of the usual one."""
        return usual


class ServesPlain(_OtherServing):
    """TLS ends at a proxy that was forgotten."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        return None


class ServesStranger(_OtherServing):
    """Serves with a certificate it signed itself."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if usual is not None:
            usual.load_cert_chain(*_prepared())
        return usual


class ServesOldTls(_OtherServing):
    """TLS 1.1 and nothing newer."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if usual is not None:
            usual.set_ciphers("ALL:@SECLEVEL=0")
            usual.minimum_version = ssl.TLSVersion.TLSv1_1
            usual.maximum_version = ssl.TLSVersion.TLSv1_1
        return usual


def _self_signed_server(folder: Path) -> None:
    Authority.ensure(folder).issue_server(["127.0.0.1", "localhost"], self_signed=True, name="variant")


class LiteralRouter(Server):
    """Routes only ids that come percent-encoded, as its own client sends them."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        raw = request.rel_url.raw_path
        if "*" in raw:
            return web.json_response({"error": "not found"}, status=404)
        return await super().handle(request)


class HyphenRouter(Server):
    """Its route takes letters, digits and a hyphen in an id, and nothing else."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        if "%2" in request.rel_url.raw_path or "*" in request.rel_url.raw_path:
            return web.json_response({"error": "not found"}, status=404)
        return await super().handle(request)


class NoPrefix(Server):
    """Serves /charging/v21/... at its root."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        return web.json_response({"error": "not found"}, status=404)


class AcceptedEmpty(Server):
    """Takes a remote stop into a queue and answers an empty 202."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        response = await super().handle(request)
        return web.Response(status=202) if request.path.endswith("/stop") else response


class HtmlErrors(Server):
    """The framework answers for it: 404 and a page for an EVSE it does not know."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        response = await super().handle(request)
        body = wire_json.parse(bytes(response.body or b"")).value  # type: ignore[attr-defined]
        if isinstance(body, dict) and body.get("Result") is False:
            return web.Response(status=404, text="<html><body>Not Found</body></html>", content_type="text/html")
        return response


class _Reader(Server):
    """Looks at a request before it is served."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        """Why it is refused, None if it is not."""
        raise NotImplementedError

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        body = wire_json.parse(await request.read()).value
        refused = self.objection(operation, body) if isinstance(body, dict) else None
        if refused is not None and isinstance(body, dict):
            return acknowledgement(refused.code, refused.information, session_id=session_id_in(body))
        return await super().answer(operation, request)


class NoNulls(_Reader):
    """Its schema takes no null for an optional text."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        null = next((name for name, value in body.items() if value is None), None)
        return Refused("022", f"{null} may not be null") if null else None


class NoNullKinds(_Reader):
    """Its schema takes null for an optional text and not for an object."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        kinds = body.get("Identification")
        null = [name for name, value in kinds.items() if value is None] if isinstance(kinds, dict) else []
        return Refused("022", f"{null[0]} must be an object") if null else None


class NoStrangers(_Reader):
    """Its schema forbids additional members."""

    known = frozenset(
        [
            "SessionID",
            "CPOPartnerSessionID",
            "EMPPartnerSessionID",
            "ProviderID",
            "EvseID",
            "Identification",
            "PartnerProductID",
        ]
    )

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        strange = next((name for name in body if name not in self.known), None)
        return Refused("022", f"{strange} is unknown") if strange else None


class OnlyIsoContracts(_Reader):
    """Takes an EvcoID only in ISO form with hyphens."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        evco = wire_json.at(body, "Identification", "RemoteIdentification", "EvcoID")
        ok = not isinstance(evco, str) or (evco.count("-") == 3 and "C" in evco and evco == evco.upper())
        return None if ok else Refused("022", "no EvcoID")


class OnlyCapitals(_Reader):
    """Takes EvcoIDs in upper case only."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        evco = wire_json.at(body, "Identification", "RemoteIdentification", "EvcoID")
        return Refused("022", "no EvcoID") if isinstance(evco, str) and evco != evco.upper() else None


class WantsProduct(_Reader):
    """A tariff is needed to start."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        missing = operation == "AuthorizeRemoteStart" and not body.get("PartnerProductID")
        return Refused("022", "PartnerProductID is missing") if missing else None


class KnowsItsProducts(_Reader):
    """Starts only with a product of its own price list."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        product = body.get("PartnerProductID")
        unknown = isinstance(product, str) and product not in ("AC1", "AC3", "DC", "Free", "Standard Price")
        return Refused("022", f"no product {product}") if unknown else None


class LooksForCard(_Reader):
    """Knows RFID media only."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        card = wire_json.at(body, "Identification", "RFIDMifareFamilyIdentification", "UID")
        return Refused("022") if operation == "AuthorizeRemoteStart" and card is None else None

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        message = await super().answer(operation, request)
        if operation == "AuthorizeRemoteStart" and message["StatusCode"]["Code"] == "022":
            message["StatusCode"] = {"Code": "102", "Description": "RFID Authentication failed, invalid UID."}
        return message


class StopWantsIdentification(_Reader):
    """Reads start and stop with one class, Identification included."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        missing = operation == "AuthorizeRemoteStop" and not body.get("Identification")
        return Refused("022", "Identification is missing") if missing else None


class StopWantsPartnerId(_Reader):
    """Finds its session by CPOPartnerSessionID."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        missing = operation == "AuthorizeRemoteStop" and not body.get("CPOPartnerSessionID")
        return Refused("022", "CPOPartnerSessionID is missing") if missing else None


class CaseMatters(_Reader):
    """Compares EvseIDs letter by letter with its own, kept in lower case."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        upper = str(body.get("EvseID")) != str(body.get("EvseID")).lower()
        return Refused("603") if operation == "AuthorizeRemoteStart" and upper else None


class SeparatorsMatter(_Reader):
    """Compares EvseIDs as they were pushed, separators included."""

    def objection(self, operation: str, body: dict[str, Json]) -> Refused | None:
        return Refused("603") if "*" not in str(body.get("EvseID")) else None


class CrashesOnBadJson(Server):
    """An exception of the parser ends in a page of the framework, and HTTP 500."""

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        body = wire_json.parse(await request.read()).value
        if not isinstance(body, dict) or "EvseID" not in body:
            raise web.HTTPInternalServerError(text="KeyError: 'EvseID'")
        return await super().answer(operation, request)


class AcceptsAnything(Server):
    """Answers success before it reads the request."""

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        message = await super().answer(operation, request)
        return acknowledgement() if message["StatusCode"]["Code"] == "022" else message


def _path(operation: str, old: str, new: str) -> Any:
    return lambda asked, path: path.replace(old, new) if asked == operation else path


def _encoded_twice(operation: str, path: str) -> str:
    return path.replace("DE*ABC", quote(quote("DE*ABC", safe=""), safe=""))


_DEAF = {"client": NoCertificate}

VARIANTS = (
    Variant("tls-no-certificate", "Calls the hub without a client certificate", ("TLS-001",), only=DATA_ONLY, parts=_DEAF, collateral=_NOTHING_ARRIVES),
    Variant("tls-no-certificate-let-in", "Calls without a certificate a hub that lets everybody in", ("TLS-001",), only=SESSION, parts=_DEAF, hub={"client_certificate": "recorded"}, collateral={"TLS-002": "there is none", "TLS-004": "there is none"}),
    Variant("tls-self-signed", "Presents a certificate it signed itself", ("TLS-002",), only=DATA_ONLY, parts={"client": OtherCertificate}, prepare=lambda folder: _issue(folder, "DE*ABC", self_signed=True, register=False), collateral=_NOTHING_ARRIVES),
    Variant("tls-expired", "Its certificate ran out yesterday", ("TLS-003",), only=DATA_ONLY, parts={"client": OtherCertificate}, prepare=_expired, collateral=_NOTHING_ARRIVES),
    Variant("tls-of-another-partner", "Presents the certificate of another partner", ("TLS-004",), only=DATA_ONLY, parts={"client": OtherCertificate}, prepare=lambda folder: _issue(folder, "DE*XYZ"), collateral=_NOTHING_ARRIVES),
    Variant("tls-not-on-file", "Presents a new certificate nobody registered", ("TLS-004",), only=DATA_ONLY, parts={"client": OtherCertificate}, prepare=lambda folder: _issue(folder, "DE*ABC", register=False), collateral=_NOTHING_ARRIVES),
    Variant("tls-old-version", "Its endpoint speaks TLS 1.1 only", ("TLS-005",), only=REFUSED, parts={"server": ServesOldTls}),
    Variant("tls-hub-unverified", "Does not verify the hub", ("TLS-006",), grade="warning", only="transport.hub_certificate_of_a_stranger", parts={"client": Unverified}),
    Variant("tls-hub-name-unverified", "Verifies the chain of the hub and not its name", ("TLS-006",), grade="warning", only="transport.hub_certificate_for_another_host", parts={"client": NoHostName}),
    Variant("tls-plain-endpoint", "Registered an http URL", ("TLS-007",), only=SESSION, scheme="http", parts={"server": ServesPlain}),
    Variant("tls-plain-behind-https", "Registered an https URL, and TLS ends nowhere", ("TLS-007",), only=REFUSED, parts={"server": ServesPlain}),
    Variant("tls-endpoint-self-signed", "Its endpoint has a certificate it signed itself", ("TLS-007",), only=REFUSED, parts={"server": ServesStranger}, prepare=_self_signed_server),
    # requests
    Variant("http-put", "Pushes statuses with PUT", ("HTTP-001",), only=DATA_ONLY, http=Http(method="PUT"), collateral=_NOTHING_ARRIVES),
    Variant("http-status-v23", "Pushes statuses to v23, like the data", ("HTTP-002",), only="evse_status.full_load_of_status_on_request", http=Http(path=_path("PushEvseStatus", "v21", "v23")), collateral=_NOTHING_ARRIVES),
    Variant("http-invented-path", "Pushes data to a path of its own invention", ("HTTP-002",), only=DATA_ONLY, http=Http(path=_path("PushEvseData", "/data-records", "/evse-data")), collateral=_NOTHING_ARRIVES),
    Variant("http-cdr-v21", "Sends charge detail records to v21", ("CDR-040",), only=SESSION, http=Http(path=_path("ChargeDetailRecord", "v22", "v21")), collateral=_NOTHING_ARRIVES | {"HTTP-002": "the path is that of no operation"}),
    Variant("http-text-plain", "Content type text/plain", ("HTTP-003",), only=DATA_ONLY, http=Http(headers={"Content-Type": "text/plain"}), collateral=_NOTHING_ARRIVES),
    Variant("http-no-content-type", "No content type", ("HTTP-003",), "warning", only=DATA_ONLY, http=Http(headers={"Content-Type": None}), collateral=_NOTHING_ARRIVES),
    Variant("http-form", "Content type application/x-www-form-urlencoded, the default of its client", ("HTTP-003",), only=DATA_ONLY, http=Http(headers={"Content-Type": "application/x-www-form-urlencoded"}), collateral=_NOTHING_ARRIVES),
    Variant("http-latin-1", "Writes messages in Latin-1", ("HTTP-004",), only=DATA_ONLY, http=Http(encode=lambda text: text.encode("latin-1", "replace")), collateral=_NOTHING_ARRIVES),
    Variant("http-mojibake", "Writes UTF-8 twice", ("HTTP-004",), only=DATA_ONLY, http=Http(encode=lambda text: text.encode().decode("latin-1").encode())),
    Variant("http-id-encoded-twice", "The OperatorID in the path is percent-encoded twice", ("HTTP-010",), only=DATA_ONLY, http=Http(path=_encoded_twice), collateral=_NOTHING_ARRIVES | {"HTTP-009": "the id in the path is not that of the body any more", "TLS-004": "the garbled id is on file for nobody"}),
    # answers
    Variant("http-literal-router", "Its router matches percent-encoded ids only", ("HTTP-011",), only="transport.start_encoded_id, transport.start_asterisk_id", parts={"server": LiteralRouter}),
    Variant("http-hyphen-router", "Its router matches letters, digits and hyphens in an id", ("HTTP-011",), only="transport.start_encoded_id, transport.start_asterisk_id, transport.start_hyphen_id", parts={"server": HyphenRouter}),
    Variant("http-empty-202", "Answers a remote stop with an empty 202", ("HTTP-012",), only=SESSION, parts={"server": AcceptedEmpty}, collateral={"RSTOP-001": "the answer says nothing", "RSTOP-002": "the answer says nothing"}),
    Variant("http-404-for-refusals", "HTTP 404 and a page for an EVSE it does not know", ("HTTP-013",), only=f"{REFUSED}, {SESSION}", parts={"server": HtmlErrors}, collateral={"HTTP-014": "it is a page"}),
    Variant("http-400-with-acknowledgement", "HTTP 400 with the acknowledgement of a refusal", ("HTTP-013",), grade="warning", only=REFUSED, http=Http(answer_status=lambda body: 200 if body.get("Result") else 400)),
    Variant("http-answers-html", "Answers have the content type text/html", ("HTTP-014",), only=SESSION, http=Http(answer_headers={"Content-Type": "text/html"})),
    Variant("http-answers-latin-1", "Answers are written in Latin-1", ("HTTP-004",), only="transport.start_non_ascii_partner_session_id", http=Http(answer_encode=lambda text: text.encode("latin-1", "replace")), collateral={"ACK-001": "the answer cannot be read", "HTTP-012": "the answer cannot be read", "SESS-005": "the id is garbled", "CDR-004": "the hub takes the answer as no"}),
    Variant("http-no-null-kinds", "Refuses nulls for the other kinds of identification", ("HTTP-015",), only="transport.start_only_mandatory, transport.start_explicit_nulls, transport.start_product_missing", parts={"server": NoNullKinds}),
    Variant("http-no-nulls", "Refuses explicit nulls", ("HTTP-015",), only="transport.start_only_mandatory, transport.start_explicit_nulls, transport.start_product_missing", parts={"server": NoNulls}),
    Variant("http-no-strangers", "Refuses unknown members", ("HTTP-016",), grade="warning", only=f"transport.start_unknown_members, {SESSION}", parts={"server": NoStrangers}),
    Variant("http-accepts-broken-requests", "Answers success to what it could not read", ("HTTP-021",), grade="warning", only="transport.starts_to_be_refused, transport.stops_to_be_refused", parts={"server": AcceptsAnything}, collateral={"RSTART-004": "nothing starts", "ACK-007": "the same answer", "RSTART-002": "the same answer", "RSTART-003": "the same answer", "CDR-027": "such a session is never closed", "RSTOP-002": "nothing stops", "RSTOP-003": "nothing stops"}),
    Variant("http-no-prefix", "Serves the remote operations without /api/oicp in front", ("HTTP-022",), only=SESSION, parts={"server": NoPrefix}),
    Variant("http-500-for-broken-requests", "A parser error ends in HTTP 500", ("ACK-011",), grade="warning", only="transport.starts_to_be_refused", parts={"server": CrashesOnBadJson}, collateral={"HTTP-014": "it is a page"}),
    Variant("id-only-capitals", "Takes EvcoIDs in upper case only", ("ID-006",), only=f"transport.start_lower_case_evco_id, {SESSION}", parts={"server": OnlyCapitals}),
    Variant("id-only-iso-contracts", "Takes EvcoIDs in ISO form only", ("ID-006",), only=f"transport.start_din_evco_id, transport.start_din_plain_evco_id, {SESSION}", parts={"server": OnlyIsoContracts}),
    # requests it wants otherwise
    Variant("start-wants-product", "Refuses a start without PartnerProductID", ("RSTART-001",), only=f"{SESSION}, transport.start_only_mandatory", parts={"server": WantsProduct}, collateral={"RSTART-019": "the same refusal", "HTTP-015": "a null is refused like a missing member"}),
    Variant("start-knows-its-products", "Refuses a start with a product it does not know", ("RSTART-019",), grade="warning", only=f"{SESSION}, transport.start_product_custom", parts={"server": KnowsItsProducts}),
    Variant("start-looks-for-card", "Reads the identification from RFIDMifareFamilyIdentification alone and answers 102", ("RSTART-002",), only=SESSION, parts={"server": LooksForCard}),
    Variant("start-case-matters", "Pushes EvseIDs in lower case and does not know them in upper case", ("RSTART-017",), only=f"transport.start_upper_case_evse_id, transport.start_lower_case_evse_id, {SESSION}", parts={"server": CaseMatters}, requests={"PushEvseData": turn("/OperatorEvseData/EvseDataRecord/*/EvseID", str.lower), "PushEvseStatus": turn("/OperatorEvseStatus/EvseStatusRecord/*/EvseID", str.lower)}, collateral={"RSTART-001": "every start is refused"}),
    Variant("start-separators-matter", "Does not know an EvseID without separators", ("RSTART-018",), grade="warning", only=f"transport.start_evse_id_without_separators, {SESSION}", parts={"server": SeparatorsMatter}),
    Variant("stop-wants-identification", "Refuses a stop without Identification", ("RSTOP-001",), only=SESSION, parts={"server": StopWantsIdentification}),
    Variant("stop-wants-partner-id", "Refuses a stop without CPOPartnerSessionID", ("SESS-009",), only=f"{SESSION}, transport.stop_null_partner_session_ids, transport.stop_known_partner_session_ids", parts={"server": StopWantsPartnerId}),
)  # fmt: skip
