"""Mistakes seen or to be expected in CPO backends, as changes of the text of `examples/node-cpo`, each with what must be found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CPO, HUB, TIME, STATE = "cpo.js", "hub.js", "local_time.js", "state.js"
CHARGE = "authorization.remote_start_and_stop"
UNPLUG = "authorization.driver_unplugs"
WHOLE = ""
"""The whole suite: a judgement about what never came needs time, one about refusals needs requests that are taken."""


@dataclass(frozen=True)
class Defect:
    """One mistake. `expected`: requirements that must be named, as an error or a warning. `patches`: file, old text, new text; the
    old text stands there exactly once. `only`: scenarios that show it. `follows`: errors it brings with it by necessity."""

    name: str
    expected: tuple[str, ...]
    patches: tuple[tuple[str, str, str], ...]
    only: str = CHARGE
    follows: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)


def _cdr(name: str, expected: str, code: str, only: str = CHARGE, follows: tuple[str, ...] = ()) -> Defect:
    """A changed charge detail record: `code` sees `body`, `session`, `sum`, `first`, `last`."""
    patch = (CPO, "  state.cdrs[session.id] = { body };\n", f"  {code}\n  state.cdrs[session.id] = {{ body }};\n")
    return Defect(name, tuple(expected.split()), (patch,), only, follows)


def _record(name: str, expected: str, code: str, follows: tuple[str, ...] = ("EVSE-057",)) -> Defect:
    """A changed EVSE data record: `code` sees `r` (a copy of the record) and `i` (its number)."""
    old = "EvseDataRecord: wanted().map((e) => e.record) },"
    new = f"EvseDataRecord: wanted().map((e, i) => {{ const r = structuredClone(e.record); {code}; return r; }}) }},"
    return Defect(name, tuple(expected.split()), ((CPO, old, new),), "evse_data.full_load_at_the_start", follows)


def _swap(name: str, expected: str, file: str, old: str, new: str, only: str = CHARGE, *follows: str) -> Defect:
    return Defect(name, tuple(expected.split()), ((file, old, new),), only, follows)


_LOADS = "function fullLoad() { pushData('fullLoad', published, fullStatus); }"
_STATES = "const STATUS = { Available: 'Available', Faulted: 'OutOfService', Unavailable: 'OutOfService', Reserved: 'Reserved' };"
_YES = "answerWith(answer, 200, await (route[2] === 'start' ? remoteStart(body) : remoteStop(body)));"
_STOPPED = "  StopTransaction(_, { transactionId, meterStop, timestamp }) {\n    const session = byTransaction(transactionId);\n"
_ASKED = "    return answer.status === 'Accepted';\n"
_SENT = "  sendCdr(session.id);\n}"
_KNOWN = "  if (known) return known.answer ?? acknowledge('602', null, body);\n"
_EVCO = "const evco = body.Identification?.RemoteIdentification?.EvcoID;\n"
_NO_SESSION = "  if (!session || session.refused || session.ended) return acknowledge('400', null, body);\n"
_ROUTE = r"([^/]+)\/authorize-remote\/(start|stop)$/;"
_MEANING = "      const meaning = answer ? outcome(answer) : 'again';\n"


def _answer(name: str, expected: str, code: str, only: str = CHARGE, *follows: str) -> Defect:
    """A changed acknowledgement: `code` sees `ack`, `body` and `route`."""
    new = f"const ack = await (route[2] === 'start' ? remoteStart(body) : remoteStop(body)); {code}"
    if "answer" not in code:
        new += " answerWith(answer, 200, ack);"
    return Defect(name, tuple(expected.split()), ((CPO, _YES, new),), only, follows)


RECORDS = (
    _cdr("cdr-in-wh", "CDR-021", "body.ConsumedEnergy = Math.round(sum); delete body.MeterValueStart; delete body.MeterValueEnd;", CHARGE),
    _cdr("cdr-all-in-wh", "CDR-021", "body.ConsumedEnergy = Math.round(sum); body.MeterValueStart = Math.round(first); body.MeterValueEnd = Math.round(last);"),
    _cdr("cdr-wrong-evse", "CDR-008", "body.EvseID = [...evses.values()].find((e) => e.id !== session.evse).id;"),
    _cdr("cdr-evco-reformatted", "CDR-012", "body.Identification.RemoteIdentification.EvcoID = session.evco.replace(/[-*]/g, '');"),
    _cdr("cdr-evco-of-last-start", "CDR-012", "body.Identification.RemoteIdentification.EvcoID = Object.values(state.sessions).at(-1).evco;", "one_driver_at_two or two_sessions_in_a_row or start_on_an_occupied or stop_with_a_wrong"),
    _cdr("cdr-session-upper-case", "SESS-003", "body.SessionID = body.SessionID.toUpperCase();", CHARGE, ("CDR-001",)),
    _cdr("cdr-own-session-id", "SESS-003", "body.SessionID = session.own;", CHARGE, ("CDR-001",)),
    _cdr("cdr-null-charging-end", "CDR-007", "body.ChargingEnd = null;", CHARGE, ("CDR-001",)),
    _cdr("cdr-without-session-start", "CDR-007", "delete body.SessionStart;", CHARGE, ("CDR-001",)),
    _cdr("cdr-wrapped", "CDR-007", "state.cdrs[session.id] = { body: { ActionType: 'insert', ChargeDetailRecords: [body] } }; state.save(); sendCdr(session.id); return;", CHARGE, ("CDR-001",)),
    _cdr("cdr-previous-energy", "CDR-024", "globalThis.all = (globalThis.all ?? 0) + sum; body.ConsumedEnergy = kwh(globalThis.all); delete body.MeterValueStart; delete body.MeterValueEnd;", "two_sessions_in_a_row"),
    _cdr("cdr-meter-start-0", "CDR-019", "body.MeterValueStart = 0; body.MeterValueEnd = kwh(last);"),
    _cdr("cdr-meter-relative", "CDR-025", "body.MeterValueStart = 0; body.MeterValueEnd = body.ConsumedEnergy;"),
    _swap("cdr-unit-unread", "CDR-024", CPO, " * (reading.unit === 'kWh' ? 1000 : 1)", "", "other_units", "CDR-021"),
    _cdr("cdr-rounded", "CDR-019", "body.ConsumedEnergy = Math.round(body.ConsumedEnergy);", CHARGE, ("CDR-024",)),
    _cdr("cdr-rounded-alone", "CDR-024", "body.ConsumedEnergy = Math.round(body.ConsumedEnergy); delete body.MeterValueStart; delete body.MeterValueEnd;"),
    _cdr("cdr-register-as-energy", "CDR-024", "body.ConsumedEnergy = kwh(last); delete body.MeterValueStart; delete body.MeterValueEnd;", CHARGE, ("CDR-021",)),
    _cdr("cdr-five-decimals", "CDR-018", "body.ConsumedEnergy += 0.00012;"),
    _cdr("cdr-negative-energy", "CDR-017", "body.ConsumedEnergy = -body.ConsumedEnergy; delete body.MeterValueStart; delete body.MeterValueEnd;", CHARGE, ("CDR-001",)),
    _cdr("cdr-meters-swapped", "CDR-020", "[body.MeterValueStart, body.MeterValueEnd] = [body.MeterValueEnd, body.MeterValueStart];", CHARGE, ("CDR-001",)),
    _cdr("cdr-energy-as-text", "HTTP-006", "body.ConsumedEnergy = String(body.ConsumedEnergy);", CHARGE, ("CDR-001",)),
    _cdr("cdr-times-swapped", "CDR-013", "[body.ChargingStart, body.ChargingEnd] = [body.ChargingEnd, body.ChargingStart];", CHARGE, ("CDR-001",)),
    _cdr("cdr-session-inside-charging", "CDR-014", "body.SessionStart = local(new Date(ended), zone);", CHARGE),
    _cdr("cdr-end-in-an-hour", "CDR-015", "body.SessionEnd = local(new Date(now + 3600_000), zone);", CHARGE, ("CDR-001", "CDR-016")),
    _cdr("cdr-summer-time", "TIME-003", "for (const k of ['SessionStart', 'SessionEnd', 'ChargingStart', 'ChargingEnd']) body[k] = new Date(Date.parse(body[k]) + 7200_000).toISOString().slice(0, 19) + '+02:00';", CHARGE),
    _cdr("cdr-local-named-utc", "CDR-015", "for (const k of ['SessionStart', 'SessionEnd', 'ChargingStart', 'ChargingEnd']) body[k] = body[k].slice(0, 19) + '+00:00';", CHARGE, ("CDR-016", "CDR-001")),
    _cdr("cdr-utc-zero", "TIME-003", "for (const k of ['SessionStart', 'SessionEnd', 'ChargingStart', 'ChargingEnd']) body[k] = new Date(Date.parse(body[k])).toISOString().slice(0, 19) + '+00:00';", CHARGE),
    _cdr("cdr-blank-for-t", "TIME-001", "body.ChargingEnd = body.ChargingEnd.replace('T', ' ');", CHARGE, ("CDR-001",)),
    _cdr("cdr-no-offset", "TIME-001", "body.ChargingEnd = body.ChargingEnd.slice(0, 19);", CHARGE, ("CDR-001",)),
    _cdr("cdr-rfid", "CDR-011", "body.Identification = { RFIDMifareFamilyIdentification: { UID: session.tag } };", CHARGE),
    _cdr("cdr-two-identifications", "CDR-010", "body.Identification.RFIDMifareFamilyIdentification = { UID: '04A1B2C3' };", CHARGE, ("CDR-001",)),
    _cdr("cdr-partners-swapped", "SESS-005 SESS-006", "[body.CPOPartnerSessionID, body.EMPPartnerSessionID] = [body.EMPPartnerSessionID, body.CPOPartnerSessionID];", "product_and_partner or remote_start_and_stop"),
    _cdr("cdr-partner-changes", "SESS-006", "body.CPOPartnerSessionID = randomUUID();"),
    _cdr("cdr-emp-partner-lost", "SESS-005", "delete body.EMPPartnerSessionID;", "product_and_partner or remote_start_and_stop"),
    _cdr("cdr-product-lost", "CDR-036", "delete body.PartnerProductID;", "product_and_partner"),
    _cdr("cdr-misspelled", "HTTP-005", "body.EvseId = body.EvseID; delete body.EvseID;", CHARGE, ("CDR-001",)),
    _cdr("cdr-negative-partner-case", "CDR-008", "body.EvseID = session.evse.replace(/\\d+$/, '9');", CHARGE, ("CDR-009", "CDR-001")),
)  # fmt: skip

DELIVERY = (
    _swap("cdr-twice", "CDR-003", CPO, _SENT, "  sendCdr(session.id);\n  queues.cdr.add({ path: paths.cdr, body: () => body });\n}"),
    _swap("cdr-not-when-unplugged", "CDR-002", CPO, _STOPPED, "  StopTransaction(_, { transactionId, meterStop, timestamp, reason }) {\n    const session = byTransaction(transactionId);\n    if (session && reason !== 'Remote') session.ended = true;\n", UNPLUG),
    _swap("cdr-never", "CDR-001", CPO, _SENT, "}"),
    _swap("cdr-at-remote-stop", "CDR-024", CPO, "  try {\n    const answer = await central.call(evse.point, 'RemoteStopTransaction'", "  finish(session, session.begun, Date.now(), session.first, session.last, session.sum);\n  try {\n    const answer = await central.call(evse.point, 'RemoteStopTransaction'", CHARGE, "CDR-005"),
    _swap("cdr-15-s-late", "CDR-006", CPO, _SENT, "  setTimeout(() => sendCdr(session.id), 15000);\n}"),
    _swap("cdr-not-retried", "CDR-030", HUB, _MEANING, _MEANING + "      if (meaning === 'again' && job.path.includes('cdrmgmt')) return;\n", "cdr_meets_503"),
    _swap("cdr-not-after-a-reset", "CDR-030", HUB, _MEANING, _MEANING + "      if (!answer && job.path.includes('cdrmgmt')) return;\n", "cdr_connection_reset"),
    _swap("gives-up-on-503", "CDR-030", HUB, "answer.status >= 500) return 'again'", "answer.status >= 504) return 'again'", "cdr_meets_503"),
    _swap("http-200-is-success", "CDR-030", HUB, "answer.status < 300 && answer.json?.Result === true) return 'done'", "answer.status < 300) return 'done'", "cdr_meets_001"),
    _swap("http-200-is-success-for-data", "HTTP-018", HUB, "answer.status < 300 && answer.json?.Result === true) return 'done'", "answer.status < 300) return 'done'", "data_push_meets"),
    _swap("repeats-refused-cdr-for-ever", "CDR-034", HUB, "  return 'refused';\n", "  return 'again';\n", "cdr_refused_022"),
    _swap("no-back-off", "RATE-005", HUB, "500 * 2 ** Math.min(attempt, 7) * (0.5 + Math.random())", "150", "limited_status or storm", "RATE-001"),
    _swap("no-jitter", "RATE-006", HUB, " * (0.5 + Math.random())", "", "storm"),
    _swap("repeat-changes-content", "CDR-032", CPO, "    body: () => state.cdrs[id]?.body ?? null,", "    body: () => { const b = state.cdrs[id]?.body ?? null; if (b) b.ConsumedEnergy = Math.round(b.ConsumedEnergy * 1000 + 1) / 1000; return b; },", "cdr_meets_503", "CDR-019", "CDR-024"),
    _swap("cdr-for-refused-start", "CDR-026", CPO, "    session.ended = session.refused = true;\n", "    finish(session, Date.now(), Date.now(), 0, 0, 0); session.refused = true;\n", "charge_point_rejects"),
    _swap("cdr-by-arrival", "CDR-016", CPO, "Math.max(session.begun, moment(timestamp))", "Date.now() + 40_000", "end_delivered_late"),
    _swap("forgets-sessions-on-restart", "SESS-004", STATE, "    this.file = file;\n  }\n\n  save", "    this.file = file; this.sessions = Object.fromEntries(Object.entries(this.sessions).filter(([id]) => this.cdrs[id]));\n  }\n\n  save", "restart_of_the_backend", "RSTOP-002"),
    _swap("loses-records-on-restart", "CDR-031", STATE, "    this.file = file;\n  }\n\n  save", "    this.file = file; this.cdrs = {};\n  }\n\n  save", "restart_of_the_backend"),
    _swap("no-zero-record", "CDR-027", CPO, "finish(session, Date.now(), Date.now(), 0, 0, 0);\n  }, wait", "session.ended = true;\n  }, wait", "driver_leaves_before"),
    _swap("no-record-without-energy", "CDR-027", CPO, "  session.ended = true;\n  const evse", "  session.ended = true;\n  if (sum === 0) return;\n  const evse", "no_energy_flows or driver_leaves_before"),
    _swap("record-only-after-unplugging-long", "CDR-006", CPO, _SENT, "  setTimeout(() => sendCdr(session.id), 20000);\n}", UNPLUG),
    _swap("first-meter-value-lost", "CDR-024", CPO, "transaction: id, begun: moment(timestamp), first: meterStart, last: meterStart", "transaction: id, begun: moment(timestamp), first: meterStart + 50, last: meterStart + 50", CHARGE, "CDR-025"),
)  # fmt: skip

PUSHES = (
    _swap("parallel-pushes", "PUSH-002", HUB, "      await this.deliver(job);\n      this.jobs.splice(this.jobs.indexOf(job), 1);", "      this.jobs.shift();\n      void this.deliver(job);", "evse_status"),
    _swap("status-in-batches", "STAT-006", CPO, "      return statusMessage('update', [evse]);", "      const all = published().filter((e) => atHub.has(e.id)); for (const e of all) e.sending = statusOf(e); return statusMessage('update', all);", "evse_status or remote_start_and_stop"),
    _swap("never-occupied", "STAT-010", CPO, "?? 'Occupied'", "?? 'Available'", WHOLE),
    _swap("faulted-is-available", "STAT-012", CPO, "Faulted: 'OutOfService'", "Faulted: 'Available'", WHOLE),
    _swap("unavailable-is-available", "STAT-012", CPO, "Unavailable: 'OutOfService'", "Unavailable: 'Available'", WHOLE),
    _swap("reserved-is-available", "STAT-005", CPO, ", Reserved: 'Reserved'", ", Reserved: 'Available'", "evse_status.reserved", "STAT-013", "STAT-011"),
    _swap("finishing-is-available", "STAT-010", CPO, "Reserved: 'Reserved' }", "Reserved: 'Reserved', Finishing: 'Available' }", WHOLE),
    _swap("preparing-is-available", "", CPO, "Reserved: 'Reserved' }", "Reserved: 'Reserved', Preparing: 'Available' }", "evse_status or remote_start_and_stop"),
    _swap("status-30-s-late", "STAT-005", CPO, "      evse.ocpp = status;\n      pushStatus(evse);", "      evse.ocpp = status;\n      setTimeout(() => pushStatus(evse), 30000);", WHOLE),
    _swap("status-never", "STAT-005", CPO, "      evse.ocpp = status;\n      pushStatus(evse);", "      evse.ocpp = status;", WHOLE, "STAT-007", "STAT-010", "STAT-012"),
    _swap("status-not-repeated", "STAT-015", HUB, _MEANING, _MEANING + "      if (meaning === 'again' && job.path.includes('status')) { job.done?.(); return; }\n", "html_instead or limited_status", "STAT-005", "STAT-007", "RATE-007", "HTTP-019", "STAT-010"),
    _swap("status-unknown-kind", "STAT-002", CPO, "?? 'Occupied'", "?? 'Charging'", CHARGE, "STAT-005", "STAT-007", "STAT-010"),
    _swap("status-before-data", "STAT-004", CPO, _LOADS, "function fullLoad() { for (const e of published()) atHub.add(e.id); fullStatus(); setTimeout(() => pushData('fullLoad', published, fullStatus), 1500); }", "full_load_at_the_start"),
    Defect("status-full-load-of-one", ("STAT-009",), ((CPO, "sent = published().filter((e) => atHub.has(e.id));", "sent = published().slice(0, 2);"),), "full_load_of_status"),
    _swap("insert-for-existing", "PUSH-007", CPO, "pushData('update', () => [evse])", "pushData('insert', () => [evse])", "data_record_changes", "PUSH-013"),
    _swap("update-for-new", "PUSH-008", CPO, _LOADS, "function fullLoad() { pushData('update', published, fullStatus); }", "full_load_at_the_start", "EVSE-057"),
    _swap("full-load-in-parts", "PUSH-004", CPO, _LOADS, "function fullLoad() { for (const p of fleet.charge_points) pushData('fullLoad', () => published().filter((e) => e.point === p.id), fullStatus); }", "full_load_at_the_start", "EVSE-057", "STAT-004"),
    _swap("change-not-pushed", "PUSH-016", CPO, "onlyIn.delete(evse.id); pushData('update', () => [evse]);", "", "data_record_changes", "EVSE-056"),
    _swap("deletes-nothing", "PUSH-005", CPO, "evse.gone = true; pushData('delete', () => [evse]);", "evse.gone = true;", "evse_leaves"),
    _swap("one-evse-missing", "EVSE-057", CPO, "const published = () => [...evses.values()].filter((e) => !e.gone);", "const published = () => [...evses.values()].filter((e) => !e.gone).slice(1);", "full_load_at_the_start", "STAT-009"),
    _swap("data-path-v22", "HTTP-002", CPO, "/evsepush/v23/", "/evsepush/v22/", "full_load_at_the_start", "EVSE-057"),
    _swap("status-path-v23", "HTTP-002", CPO, "/evsepush/v21/", "/evsepush/v23/", CHARGE, "STAT-005", "STAT-010"),
    _swap("cdr-path-v21", "HTTP-002", CPO, "/cdrmgmt/v22/", "/cdrmgmt/v21/", CHARGE, "CDR-001"),
    _swap("text-plain", "HTTP-003", HUB, "'application/json;charset=utf-8', Accept", "'text/plain', Accept"),
    _swap("put", "HTTP-001", HUB, "method: 'POST'", "method: 'PUT'", CHARGE, "EVSE-057", "CDR-001", "STAT-005"),
    _swap("latin-1", "HTTP-004", HUB, "const text = JSON.stringify(body);", "const text = Buffer.from(JSON.stringify(body).replace('Street', 'Street'), 'latin1');", "full_load_at_the_start", "EVSE-057"),
    _swap("no-client-certificate", "TLS-001", HUB, "      cert: fs.readFileSync(env.OICP_BENCH_CLIENT_CERT_FILE),\n      key: fs.readFileSync(env.OICP_BENCH_CLIENT_KEY_FILE),\n", "", CHARGE, "EVSE-057", "CDR-001", "STAT-005"),
    _swap("hub-not-verified", "TLS-006", HUB, "keepAlive: true,", "keepAlive: true, rejectUnauthorized: false,", "hub_certificate_of_a_stranger"),
    _swap("empty-push-as-probe", "RATE-010", CPO, "\nfullLoad();\n", "\nfullLoad();\nsetInterval(() => queues.status.add({ path: paths.status, body: () => statusMessage('update', []) }), 1500).unref();\n"),
    _swap("empty-data-push-as-probe", "RATE-010", CPO, "\nfullLoad();\n", "\nfullLoad();\nsetInterval(() => pushData('update', () => []), 1500).unref();\n"),
    _swap("foreign-operator-in-body", "HTTP-009", CPO, "OperatorEvseData: { OperatorID: operator", "OperatorEvseData: { OperatorID: 'DE*XYZ'", "full_load_at_the_start", "EVSE-057"),
    _swap("operator-respelled", "ID-005", CPO, "OperatorEvseData: { OperatorID: operator", "OperatorEvseData: { OperatorID: operator.replace('*', '')", "full_load_at_the_start"),
    _swap("status-lower-case", "ID-005", CPO, "({ EvseID: e.id, EvseStatus", "({ EvseID: e.id.toLowerCase(), EvseStatus", "full_load_of_status"),
    _swap("no-operator-name", "EVSE-002", CPO, "OperatorName: fleet.operator_name, EvseDataRecord", "EvseDataRecord", "full_load_at_the_start", "EVSE-057"),
)  # fmt: skip

DATA = (
    _record("data-empty-names", "EVSE-006", "r.ChargingStationNames = []"),
    _record("data-phone-with-blanks", "EVSE-044", "r.HotlinePhoneNumber = '+49 30 123456'"),
    _record("data-power-in-w", "EVSE-027", "for (const f of r.ChargingFacilities) f.Power *= 1000", ("EVSE-026", "EVSE-057")),
    _record("data-coordinates-as-numbers", "EVSE-019", "r.GeoCoordinates = { DecimalDegree: { Latitude: 52.480495, Longitude: 13.356465 } }"),
    _record("data-both-notations", "EVSE-017", "r.GeoCoordinates = { Google: { Coordinates: '52.480495 13.356465' }, DecimalDegree: { Latitude: '52.480495', Longitude: '13.356465' } }"),
    _record("data-swapped-coordinates", "EVSE-021", "r.GeoCoordinates = { DecimalDegree: { Latitude: '13.356465', Longitude: '52.480495' } }"),
    _record("data-lower-case-ids", "ID-001", "r.EvseID = r.EvseID.toLowerCase()"),
    _record("data-dynamic-boolean", "EVSE-051", "r.DynamicInfoAvailable = true"),
    _record("data-unknown-plug", "EVSE-023", "r.Plugs = ['Type 3 Combo']"),
    _record("data-foreign-evse", "PUSH-010", "if (i === 0) r.EvseID = 'DE*XYZ*E1'"),
    _record("data-hub-operator-garbage", "EVSE-049", "r.HubOperatorID = '??'"),
    _record("data-alpha-2-country", "EVSE-010", "r.Address.Country = 'DE'"),
    _record("data-no-city", "EVSE-011", "delete r.Address.City"),
    _record("data-24-hours-as-text", "HTTP-006", "r.IsOpen24Hours = 'true'"),
    _record("data-hours-missing", "EVSE-045", "r.IsOpen24Hours = false; delete r.OpeningTimes"),
    _record("data-no-remote", "EVSE-037", "r.AuthenticationModes = ['NFC RFID Classic']"),
    _record("data-null-accessibility", "EVSE-042", "r.Accessibility = null"),
    _record("data-timezone-misspelled", "HTTP-005", "r.Address.Timezone = 'UTC+01:00'; delete r.Address.TimeZone"),
    _record("data-calibration-missing", "EVSE-035", "delete r.CalibrationLawDataAvailability"),
    _record("data-dc-mode-for-ac", "EVSE-032", "for (const f of r.ChargingFacilities) { f.PowerType = 'AC_3_PHASE'; f.ChargingModes = ['Mode_4'] }"),
    _record("data-line-voltage", "EVSE-028", "for (const f of r.ChargingFacilities) { f.PowerType = 'AC_3_PHASE'; f.Voltage = 400; f.Amperage = 32; f.Power = 22 }"),
    _record("data-other-language", "EVSE-008", "r.ChargingStationNames = [{ lang: 'english', value: 'x' }]"),
    _swap("data-duplicates", "PUSH-009", CPO, "EvseDataRecord: wanted().map((e) => e.record) },", "EvseDataRecord: [...wanted(), wanted()[0]].filter(Boolean).map((e) => e.record) },", "full_load_at_the_start", "EVSE-057"),
)  # fmt: skip

REMOTE = (
    _swap("tls-1.1", "TLS-005", CPO, "minVersion: 'TLSv1.2', keepAliveTimeout", "minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0', keepAliveTimeout", CHARGE),
    _swap("html-for-broken-json", "", CPO, "answerWith(answer, 200, acknowledge('022', 'the body is no JSON object')); return;", "answer.writeHead(400, { 'Content-Type': 'text/html' }); answer.end('<html>Bad Request</html>'); return;", "to_be_refused or cannot_be_understood"),
    _swap("crash-on-broken-json", "HTTP-021 HTTP-012", CPO, "answerWith(answer, 200, acknowledge('022', 'the body is no JSON object')); return;", "process.exit(1);", "starts_to_be_refused"),
    _answer("http-404-for-refused", "HTTP-013", "answerWith(answer, ack.Result ? 200 : 404, ack);", "unknown_evse or unknown_session"),
    _answer("result-as-text", "ACK-001", "ack.Result = String(ack.Result);"),
    _answer("no-status-code", "ACK-002", "delete ack.StatusCode;"),
    _answer("status-code-number", "ACK-002", "ack.StatusCode.Code = Number(ack.StatusCode.Code);"),
    _answer("code-disagrees", "ACK-003", "ack.StatusCode.Code = '000';", "unknown_evse or remote_start_and_stop"),
    _answer("always-true", "RSTART-006 RSTOP-003", "if (!ack.Result) { ack.Result = true; ack.StatusCode.Code = '000'; ack.StatusCode.Description = 'Success.'; }", "unknown_evse or unknown_session"),
    _answer("empty-answer", "HTTP-012", "answer.writeHead(200); answer.end();", CHARGE),
    _answer("wrong-content-type", "HTTP-014", "answer.writeHead(200, { 'Content-Type': 'text/html' }); answer.end(JSON.stringify(ack));"),
    _answer("own-id-in-answer", "ACK-007", "ack.SessionID = ack.CPOPartnerSessionID ?? randomUUID();"),
    _answer("generic-code", "ACK-010", "if (!ack.Result) { ack.StatusCode.Code = '022'; ack.StatusCode.Description = 'Data error.'; }", "start_on_an_unknown_evse or start_on_a_faulted"),
    _answer("partner-changes-at-stop", "SESS-006", "if (route[2] === 'stop') ack.CPOPartnerSessionID = randomUUID();"),
    _answer("answer-after-12-s", "RSTART-013", "if (route[2] === 'start') await new Promise((r) => { setTimeout(r, 12000); });"),
    _answer("stop-answer-after-12-s", "RSTOP-008", "if (route[2] === 'stop') await new Promise((r) => { setTimeout(r, 12000); });"),
    _swap("wrong-connector", "RSTART-020", CPO, "'RemoteStartTransaction', { connectorId: evse.connector", "'RemoteStartTransaction', { connectorId: 3 - evse.connector", CHARGE),
    _swap("no-connector", "", CPO, "'RemoteStartTransaction', { connectorId: evse.connector,", "'RemoteStartTransaction', {", "no_such_scenario or remote_start_and_stop"),
    _swap("stop-by-evse", "RSTOP-003", CPO, "  const session = state.sessions[body.SessionID];\n", "  const session = sessionOn(evses.get(plain(body.EvseID)) ?? {}) ?? state.sessions[body.SessionID];\n", "unknown_session"),
    _swap("stops-latest", "RSTOP-005", CPO, "'RemoteStopTransaction', { transactionId: session.transaction });\n    // the", "'RemoteStopTransaction', { transactionId: Object.values(state.sessions).findLast((s) => s.transaction !== undefined && !s.ended && s.id !== session.id)?.transaction ?? session.transaction });\n    // the", "one_driver_at_two", "RSTOP-002", "SESS-008"),
    _swap("unknown-session-true", "RSTOP-003", CPO, _NO_SESSION, _NO_SESSION.replace("'400'", "'000'"), "unknown_session"),
    Defect("finished-session-true", ("RSTOP-004",), (
        (CPO, "    done: () => { delete state.cdrs[id]; delete state.sessions[id]; state.save(); },", "    done: () => { delete state.cdrs[id]; state.save(); },"),
        (CPO, _NO_SESSION, "  if (session?.ended && !session.refused) return acknowledge('000', null, body);\n" + _NO_SESSION),
    ), "stop_of_a_finished_session"),
    _swap("stop-of-any-provider", "RSTOP-006", CPO, "  if (body.ProviderID && plain(body.ProviderID) !== plain(session.provider)) return acknowledge('400', 'another provider', body);\n", "", "another_provider"),
    _swap("stop-of-any-evse", "RSTOP-012", CPO, "  if (body.EvseID && plain(body.EvseID) !== plain(session.evse)) return acknowledge('400', 'another EVSE', body);\n", "", "wrong_evse"),
    Defect("accepts-while-occupied", ("RSTART-007",), (
        (CPO, "  if (sessionOn(evse)) return '602';\n", ""),
        (CPO, "evse.ocpp === 'Finishing' ? null : '602'", "evse.ocpp === 'Finishing' ? null : null"),
        (CPO, _ASKED, "    return true;\n"),
    ), "occupied"),
    _swap("accepted-unasked", "RSTART-004", CPO, _ASKED, "    return true;\n", "charge_point_rejects", "CDR-027"),
    Defect("accepts-offline", ("RSTART-010",), (
        (CPO, "  if (!central.connected(evse.point)) return '501';\n", ""),
        (CPO, "    console.log(`${evse.id}: ${error.message}`);\n    return false;", "    return true;"),
    ), "start_at_an_offline", ("CDR-027",)),
    Defect("accepts-faulted", ("RSTART-009",), (
        (CPO, "  if (evse.ocpp === 'Faulted' || evse.ocpp === 'Unavailable') return '700';\n", "  if (evse.ocpp === 'Faulted' || evse.ocpp === 'Unavailable') return null;\n"),
        (CPO, _ASKED, "    return true;\n"),
    ), "start_on_a_faulted", ("CDR-027",)),
    _swap("stop-true-offline", "RSTOP-007", CPO, "session.ended ? acknowledge('000', null, yes) : acknowledge('501', null, body);\n  }\n}\n\n// A t", "acknowledge('000', null, yes);\n  }\n}\n\n// A t", "stop_at_an_offline"),
    Defect("refuses-but-charges", ("RSTART-005",), (
        (CPO, "  const accepted = await askToStart(evse, session);\n", "  await askToStart(evse, session); const accepted = false;\n"),
        (CPO, "    session.ended = session.refused = true;\n    session.answer", "    session.answer"),
    ), "remote_start_and_stop or product_and_partner or start_only_mandatory", ("RSTART-001", "CDR-026", "RSTART-002", "RSTOP-001")),
    _swap("case-sensitive-ids", "RSTART-018", CPO, ".replace(/[*\\- ]/g, '').toUpperCase()", "", "evse_id_without_separators or lower_case_evse_id or upper_case_evse_id"),
    _swap("needs-emp-partner-id", "SESS-009", CPO, "typeof evco !== 'string') {", "typeof evco !== 'string' || typeof body.EMPPartnerSessionID !== 'string') {", WHOLE, "RSTART-001", "HTTP-015"),
    _swap("needs-product", "RSTART-001", CPO, "typeof evco !== 'string') {", "typeof evco !== 'string' || !body.PartnerProductID) {", WHOLE),
    _swap("refuses-unknown-members", "HTTP-016", CPO, _EVCO, _EVCO + "  for (const k of Object.keys(body)) if (!['SessionID', 'CPOPartnerSessionID', 'EMPPartnerSessionID', 'ProviderID', 'EvseID', 'Identification', 'PartnerProductID'].includes(k)) return acknowledge('022', k, body);\n", "unknown_members"),
    _swap("refuses-nulls", "HTTP-015", CPO, _EVCO, _EVCO + "  for (const v of Object.values(body)) if (v === null) return acknowledge('022', 'null', body);\n", WHOLE, "RSTART-001"),
    _swap("iso-evco-only", "ID-006", CPO, _EVCO, _EVCO + "  if (!/^[A-Z]{2}-[A-Z0-9]{3}-C[A-Z0-9]{8}-?[A-Z0-9]$/.test(evco ?? '')) return acknowledge('022', 'EvcoID', body);\n", WHOLE, "RSTART-001", "RSTART-002"),
    _swap("reads-rfid-only", "RSTART-001", CPO, _EVCO, "const evco = body.Identification?.RFIDMifareFamilyIdentification?.UID;\n", CHARGE, "RSTART-002"),
    _swap("any-identification", "RSTART-003", CPO, _EVCO, "const evco = body.Identification?.RemoteIdentification?.EvcoID ?? JSON.stringify(body.Identification);\n", "starts_to_be_refused", "ID-004"),
    _swap("repeat-refused", "", CPO, _KNOWN, "  if (known) return acknowledge('602', null, body);\n", "duplicate_start"),
    _swap("literal-asterisk-only", "HTTP-011", CPO, _ROUTE, r"([A-Za-z0-9*-]+)\/authorize-remote\/(start|stop)$/;", "encoded_id or asterisk_id"),
    _swap("provider-with-hyphen-only", "HTTP-011", CPO, _ROUTE, r"([A-Z]{2}-[A-Z0-9]{3})\/authorize-remote\/(start|stop)$/;", "asterisk_id or plain_id"),
    _swap("one-start-at-a-time", "RSTART-016", CPO, "  const accepted = await askToStart(evse, session);\n", "  globalThis.turn = (globalThis.turn ?? Promise.resolve()).then(() => new Promise((r) => { setTimeout(r, 900); })); await globalThis.turn;\n  const accepted = await askToStart(evse, session);\n", "starts_everywhere"),
    _swap("stop-before-ignored", "RSTOP-011", CPO, "    session.cancelled = true; // a transaction that begins now is stopped at once\n    giveUp(session, 20_000);\n", "", "stop_before_the_transaction"),
    Defect("second-stop-second-record", ("CDR-003",), (
        (CPO, "  state.cdrs[session.id] = { body };\n", "  state.cdrs[session.id] = { body };\n  session.body = body;\n"),
        (CPO, "    done: () => { delete state.cdrs[id]; delete state.sessions[id]; state.save(); },\n", ""),
        (CPO, _NO_SESSION, "  if (session?.body) queues.cdr.add({ path: paths.cdr, body: () => session.body });\n" + _NO_SESSION),
    ), "repeated_stop", ("RSTOP-010",)),
    Defect("any-token-charges", ("RSTART-021",), (
        (CPO, "status: byTag(idTag) && !byTag(idTag).ended ? 'Accepted' : 'Invalid' } })", "status: 'Accepted' } })"),
        (CPO, "return { transactionId: id, idTagInfo: { status: 'Invalid' } };", "return { transactionId: id, idTagInfo: { status: 'Accepted' } };"),
    ), "unknown_token"),
    _swap("product-is-refused", "RSTART-019", CPO, _EVCO, _EVCO + "  if (body.PartnerProductID && !['AC1', 'AC2', 'AC3', 'DC1'].includes(body.PartnerProductID)) return acknowledge('022', 'product', body);\n", "product"),
)  # fmt: skip

TIMES = (
    _swap("times-utc-z", "TIME-002", TIME, "  return `${parts.year}-", "  return `${moment.toISOString().slice(0, 19)}Z`;\n  return `${parts.year}-"),
    _swap("times-with-milliseconds", "", TIME, "${parts.second}${offset}`;", "${parts.second}.${String(moment.getTime() % 1000).padStart(3, '0')}${offset}`;"),
)  # fmt: skip

DEFECTS = (*RECORDS, *DELIVERY, *PUSHES, *DATA, *REMOTE, *TIMES)
