// A small CPO backend: remote start and stop from the hub, charge points without RFID, status and records to the hub.
// Reads the environment that oicp-bench gives to `[cpo] command`; nothing else of it knows the bench.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { randomBytes, randomUUID } = require('node:crypto');
const { CentralSystem } = require('./central_system.js');
const { Hub, Queue } = require('./hub.js');
const { local, zoneOf } = require('./local_time.js');
const { State } = require('./state.js');

const env = process.env;
for (const name of ['HUB_URL', 'OPERATOR_ID', 'CA_FILE', 'CLIENT_CERT_FILE', 'CLIENT_KEY_FILE', 'SERVER_CERT_FILE', 'SERVER_KEY_FILE', 'CPO_URL', 'OCPP_URL', 'FLEET_FILE']) {
  if (!env[`OICP_BENCH_${name}`]) { console.error(`cpo: the variable OICP_BENCH_${name} is not set`); process.exit(3); }
}
const operator = env.OICP_BENCH_OPERATOR_ID;
const fleet = JSON.parse(fs.readFileSync(env.OICP_BENCH_FLEET_FILE, 'utf8'));
const hub = new Hub(env, fs);
const state = new State(env.CPO_STATE_FILE ?? `state-${new URL(env.OICP_BENCH_HUB_URL).port}.json`) // sessions belong to one hub;
const plain = (id) => String(id ?? '').replace(/[*\- ]/g, '').toUpperCase();
const TEXTS = {
  '000': 'Success.', '022': 'Data error.', 400: 'Session is invalid.', 501: 'Communication to EVSE failed.', 510: 'No EV connected to EVSE.',
  601: 'EVSE already reserved.', 602: 'EVSE already in use / wrong token.', 603: 'Unknown EVSE ID.', 700: 'EVSE out of service.',
};

// --- EVSEs ------------------------------------------------------------------------------------------------------------

const evses = new Map();
for (const point of fleet.charge_points) {
  for (const spot of point.evses) {
    evses.set(plain(spot.evse_id), {
      id: spot.evse_id, point: point.id, connector: spot.connector_id, record: state.records[spot.evse_id] ?? spot.data_record, ocpp: null, pushed: null, held: null, gone: false,
    });
  }
}
const at = (point, connector) => [...evses.values()].find((e) => e.point === point && e.connector === connector);
const published = () => [...evses.values()].filter((e) => !e.gone);
const sessionOn = (evse) => Object.values(state.sessions).find((s) => s.evse === evse.id && !s.ended);
const STATUS = { Available: 'Available', Faulted: 'OutOfService', Unavailable: 'OutOfService', Reserved: 'Reserved' };
const statusOf = (evse) => (evse.ocpp === null ? 'Unknown' : STATUS[evse.ocpp] ?? 'Occupied');

// --- to the hub -------------------------------------------------------------------------------------------------------

const queues = { data: new Queue(hub, 375), status: new Queue(hub, 2000), cdr: new Queue(hub, 350) };
const paths = {
  data: `/evsepush/v23/operators/${encodeURIComponent(operator)}/data-records`,
  status: `/evsepush/v21/operators/${encodeURIComponent(operator)}/status-records`,
  cdr: `/cdrmgmt/v22/operators/${encodeURIComponent(operator)}/charge-detail-record`,
};
const atHub = new Set();   // EVSEs whose data the hub has
const onlyIn = new Set();  // records left out because the hub refused them

function pushData(action, chosen, done) {
  const wanted = () => chosen().filter((e) => !onlyIn.has(e.id));
  queues.data.add({
    path: paths.data,
    body: () => ({
      ActionType: action,
      OperatorEvseData: { OperatorID: operator, OperatorName: fleet.operator_name, EvseDataRecord: wanted().map((e) => e.record) },
    }),
    done: () => {
      if (action === 'fullLoad') atHub.clear();
      for (const e of wanted()) { if (action === 'delete') atHub.delete(e.id); else atHub.add(e.id); }
      done?.();
    },
    refused: (answer) => isolate(answer, wanted()),
  });
}

// The hub takes all records or none: leave out those it names, and send the others again.
function isolate(answer, sent) {
  const text = JSON.stringify(answer.json ?? {});
  const bad = new Set([...text.matchAll(/evseDataRecord\[(\d+)\]/gi)].map((m) => sent[Number(m[1])]?.id).filter(Boolean));
  for (const e of sent) if (text.includes(e.id)) bad.add(e.id);
  if (!bad.size || bad.size === sent.length) return 'stop';
  for (const id of bad) { onlyIn.add(id); console.log(`left out: ${id}`); }
  return 'again';
}

function pushStatus(evse) {
  queues.status.add({
    path: paths.status,
    body: () => {
      if (!atHub.has(evse.id) || evse.pushed === statusOf(evse)) return null;
      evse.sending = statusOf(evse);
      return statusMessage('update', [evse]);
    },
    done: () => { evse.pushed = evse.sending; if (evse.pushed !== statusOf(evse)) pushStatus(evse); },
    refused: (answer) => { if (answer.json?.StatusCode?.Code === '603') pushData('fullLoad', published, () => fullStatus()); },
  });
}

function fullStatus() {
  let sent = [];
  queues.status.add({
    path: paths.status,
    body: () => {
      sent = published().filter((e) => atHub.has(e.id));
      for (const e of sent) e.sending = statusOf(e);
      return statusMessage('fullLoad', sent);
    },
    done: () => { for (const e of sent) { e.pushed = e.sending; if (e.pushed !== statusOf(e)) pushStatus(e); } },
  });
}

function statusMessage(action, chosen) {
  return {
    ActionType: action,
    OperatorEvseStatus: {
      OperatorID: operator, OperatorName: fleet.operator_name,
      EvseStatusRecord: chosen.map((e) => ({ EvseID: e.id, EvseStatus: e.sending })),
    },
  };
}

function fullLoad() { pushData('fullLoad', published, fullStatus); }

function sendCdr(id) {
  queues.cdr.add({
    path: paths.cdr,
    body: () => state.cdrs[id]?.body ?? null,
    done: () => { delete state.cdrs[id]; delete state.sessions[id]; state.save(); },
    refused: (answer, uncertain) => {
      // after an attempt without an answer "closed" says that the hub had taken it; anything else needs a person
      const delivered = uncertain && answer.json?.StatusCode?.Code === '400';
      if (delivered) { delete state.cdrs[id]; delete state.sessions[id]; } else state.cdrs[id].parked = true;
      state.save();
    },
  });
}

// --- sessions ---------------------------------------------------------------------------------------------------------

const deadlines = new Map(); // SessionID -> timer of a session that waits for its transaction

function acknowledge(code, text, session = {}) {
  return {
    Result: code === '000', StatusCode: { Code: code, Description: TEXTS[code], AdditionalInfo: text ?? null },
    SessionID: session.SessionID ?? null, CPOPartnerSessionID: session.CPOPartnerSessionID ?? null, EMPPartnerSessionID: session.EMPPartnerSessionID ?? null,
  };
}

async function remoteStart(body) {
  const evco = body.Identification?.RemoteIdentification?.EvcoID;
  if (typeof body.SessionID !== 'string' || typeof body.EvseID !== 'string' || typeof evco !== 'string') {
    return acknowledge('022', 'SessionID, EvseID and RemoteIdentification are needed', body);
  }
  const known = state.sessions[body.SessionID];
  if (known) return known.answer ?? acknowledge('602', null, body);
  const evse = evses.get(plain(body.EvseID));
  if (!evse || evse.gone) return acknowledge('603', null, body);
  const refused = cannotStart(evse);
  if (refused) return acknowledge(refused, null, body);
  const session = {
    id: body.SessionID, evse: evse.id, provider: body.ProviderID, evco, product: body.PartnerProductID ?? null,
    emp: body.EMPPartnerSessionID ?? null, own: randomUUID(), tag: randomBytes(10).toString('hex').toUpperCase(), opened: Date.now(), sum: 0,
  };
  state.sessions[session.id] = session; // before the charge point knows of it
  state.save();
  const accepted = await askToStart(evse, session);
  if (!accepted) {
    session.ended = session.refused = true;
    session.answer = acknowledge('501', null, body);
  } else {
    session.answer = acknowledge('000', null, { ...body, CPOPartnerSessionID: session.own });
    deadlines.set(session.id, setTimeout(() => giveUp(session), 180_000));
  }
  state.save();
  return session.answer;
}

function cannotStart(evse) {
  if (!central.connected(evse.point)) return '501';
  if (sessionOn(evse)) return '602';
  if (evse.ocpp === 'Faulted' || evse.ocpp === 'Unavailable') return '700';
  if (evse.ocpp === 'Reserved') return '601';
  if (evse.ocpp === 'Available' || evse.ocpp === null) return '510';
  return evse.ocpp === 'Preparing' || evse.ocpp === 'Finishing' ? null : '602';
}

async function askToStart(evse, session) {
  try {
    const answer = await central.call(evse.point, 'RemoteStartTransaction', { connectorId: evse.connector, idTag: session.tag });
    return answer.status === 'Accepted';
  } catch (error) {
    console.log(`${evse.id}: ${error.message}`);
    return false;
  }
}

async function remoteStop(body) {
  const session = state.sessions[body.SessionID];
  if (typeof body.SessionID !== 'string') return acknowledge('022', 'SessionID is needed', body);
  if (!session || session.refused || session.ended) return acknowledge('400', null, body);
  if (body.ProviderID && plain(body.ProviderID) !== plain(session.provider)) return acknowledge('400', 'another provider', body);
  if (body.EvseID && plain(body.EvseID) !== plain(session.evse)) return acknowledge('400', 'another EVSE', body);
  const evse = evses.get(plain(session.evse));
  const yes = { ...body, CPOPartnerSessionID: session.own };
  if (session.transaction === undefined) {
    session.cancelled = true; // a transaction that begins now is stopped at once
    giveUp(session, 20_000);
    state.save();
    return acknowledge('000', null, yes);
  }
  try {
    const answer = await central.call(evse.point, 'RemoteStopTransaction', { transactionId: session.transaction });
    // the transaction may have ended while we asked
    return answer.status === 'Accepted' || session.ended ? acknowledge('000', null, yes) : acknowledge('501', null, body);
  } catch (error) {
    console.log(`${evse.id}: ${error.message}`);
    return session.ended ? acknowledge('000', null, yes) : acknowledge('501', null, body);
  }
}

// A transaction that began although its session had been stopped: asked to end until it has.
function stopWhatBegan(evse, session) {
  if (session.ended) return;
  central.call(evse.point, 'RemoteStopTransaction', { transactionId: session.transaction })
    .catch(() => ({})).then(({ status }) => { if (status !== 'Accepted') setTimeout(() => stopWhatBegan(evse, session), 2000).unref(); });
}

// An accepted session in which nothing was charged is closed by a record with 0 kWh.
function giveUp(session, wait = 0) {
  clearTimeout(deadlines.get(session.id));
  const timer = setTimeout(() => {
    if (session.transaction === undefined && !session.ended) finish(session, Date.now(), Date.now(), 0, 0, 0);
  }, wait);
  timer.unref();
}

function finish(session, begun, ended, first, last, sum) {
  if (session.ended) return;
  clearTimeout(deadlines.get(session.id));
  deadlines.delete(session.id);
  session.ended = true;
  const evse = evses.get(plain(session.evse));
  const zone = zoneOf(evse.record);
  const now = Math.min(Date.now(), Math.max(ended, session.opened));
  const kwh = (wh) => Math.round(wh) / 1000;
  const body = {
    SessionID: session.id, CPOPartnerSessionID: session.own, EMPPartnerSessionID: session.emp, EvseID: session.evse,
    Identification: { RemoteIdentification: { EvcoID: session.evco } },
    SessionStart: local(new Date(Math.min(session.opened, begun)), zone), SessionEnd: local(new Date(now), zone),
    ChargingStart: local(new Date(begun), zone), ChargingEnd: local(new Date(Math.max(begun, ended)), zone), ConsumedEnergy: kwh(sum),
  };
  if (session.product) body.PartnerProductID = session.product;
  if (last >= first && Math.round(last - first) === Math.round(sum)) Object.assign(body, { MeterValueStart: kwh(first), MeterValueEnd: kwh(last) });
  state.cdrs[session.id] = { body };
  state.save(); // record and end of the session in one step
  sendCdr(session.id);
}

// --- from the charge points -------------------------------------------------------------------------------------------

const byTag = (tag) => Object.values(state.sessions).find((s) => s.tag === tag);
const byTransaction = (id) => Object.values(state.sessions).find((s) => s.transaction === id);
const moment = (text) => { const t = Date.parse(text); return Number.isFinite(t) ? Math.min(t, Date.now()) : Date.now(); };

const handler = {
  on(action, point, payload) { return this[action] ? this[action](point, payload) : null; },
  gone(point) {
    setTimeout(() => {
      if (central.connected(point)) return;
      for (const e of evses.values()) if (e.point === point && !sessionOn(e)) { e.ocpp = null; pushStatus(e); }
    }, 30_000).unref();
  },
  BootNotification: () => ({ currentTime: new Date().toISOString(), interval: 300, status: 'Accepted' }),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  DiagnosticsStatusNotification: () => ({}),
  FirmwareStatusNotification: () => ({}),
  Authorize: (_, { idTag }) => ({ idTagInfo: { status: byTag(idTag) && !byTag(idTag).ended ? 'Accepted' : 'Invalid' } }),
  StatusNotification(point, { connectorId, status }) {
    const touched = connectorId === 0 ? [] : [at(point, connectorId)];
    for (const evse of touched.filter(Boolean)) {
      evse.ocpp = status;
      pushStatus(evse);
      const session = sessionOn(evse);
      if (session && session.transaction === undefined && status === 'Available' && Date.now() - session.opened > 1000) giveUp(session, 2000);
    }
    return {};
  },
  StartTransaction(point, { connectorId, idTag, meterStart, timestamp }) {
    const session = byTag(idTag);
    const evse = at(point, connectorId);
    const id = Math.floor(Math.random() * 2 ** 31);
    if (!session || session.ended || session.refused || !evse || evse.id !== session.evse) return { transactionId: id, idTagInfo: { status: 'Invalid' } };
    if (session.transaction === undefined) {
      Object.assign(session, { transaction: id, begun: moment(timestamp), first: meterStart, last: meterStart });
      state.save();
    }
    // behind this answer: before it the charge point does not know the transaction, and would refuse the stop
    if (session.cancelled) setImmediate(() => stopWhatBegan(evse, session));
    return { transactionId: session.transaction, idTagInfo: { status: 'Accepted' } };
  },
  MeterValues(_, { transactionId, meterValue }) {
    const session = byTransaction(transactionId);
    const reading = meterValue?.at(-1)?.sampledValue?.find((v) => (v.measurand ?? 'Energy.Active.Import.Register') === 'Energy.Active.Import.Register');
    if (session && reading) { register(session, Number(reading.value) * (reading.unit === 'kWh' ? 1000 : 1)); state.save(); }
    return {};
  },
  StopTransaction(_, { transactionId, meterStop, timestamp }) {
    const session = byTransaction(transactionId);
    if (session && !session.ended) {
      register(session, meterStop);
      finish(session, session.begun, Math.max(session.begun, moment(timestamp)), session.first, session.last, session.sum);
    }
    return { idTagInfo: { status: 'Accepted' } };
  },
};

// Adds up what the register gained; a register that fell was reset and begins anew.
function register(session, wh) {
  if (!Number.isFinite(wh)) return;
  session.sum += wh >= session.last ? wh - session.last : wh;
  session.last = wh;
}

const central = new CentralSystem(new Set(fleet.charge_points.map((p) => p.id)), handler);

// --- from the hub -----------------------------------------------------------------------------------------------------

const ROUTE = /^\/api\/oicp\/charging\/v21\/providers\/([^/]+)\/authorize-remote\/(start|stop)$/;

function readBody(request, limit = 1 << 20) {
  return new Promise((resolve, reject) => {
    const parts = [];
    let size = 0;
    request.on('data', (part) => { size += part.length; if (size > limit) reject(new Error('too large')); else parts.push(part); });
    request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    request.on('error', reject);
  });
}

function answerWith(answer, status, body) {
  answer.writeHead(status, { 'Content-Type': 'application/json;charset=utf-8' });
  answer.end(JSON.stringify(body));
}

async function serve(request, answer) {
  try {
    const route = ROUTE.exec(request.url.split('?')[0]);
    if (!route) { answerWith(answer, 404, acknowledge('022', 'no such path')); return; }
    let body = null;
    try { body = JSON.parse(await readBody(request)); } catch { /* said below */ }
    if (body === null || typeof body !== 'object') { answerWith(answer, 200, acknowledge('022', 'the body is no JSON object')); return; }
    answerWith(answer, 200, await (route[2] === 'start' ? remoteStart(body) : remoteStop(body)));
  } catch (error) {
    console.log(error.stack);
    answerWith(answer, 200, { Result: false, StatusCode: { Code: '021', Description: 'System error.' } });
  }
}

// --- what its operator may ask for (hooks of the bench) ---------------------------------------------------------------

async function operate(request, answer) {
  const body = JSON.parse((await readBody(request).catch(() => '')) || '{}');
  const evse = body.evse_id ? evses.get(plain(body.evse_id)) : null;
  switch (request.url) {
    case '/push-evse-data': pushData('fullLoad', published, fullStatus); break;
    case '/push-evse-status': fullStatus(); break;
    case '/decommission': if (evse) { evse.gone = true; pushData('delete', () => [evse]); } break;
    case '/update': if (evse) { evse.record = state.records[evse.id] = body.data_record; state.save(); onlyIn.delete(evse.id); pushData('update', () => [evse]); } break;
    default: answerWith(answer, 404, {}); return;
  }
  answerWith(answer, 200, {});
}

// --- up and down ------------------------------------------------------------------------------------------------------

const cpoUrl = new URL(env.OICP_BENCH_CPO_URL);
https.createServer({
  cert: fs.readFileSync(env.OICP_BENCH_SERVER_CERT_FILE), key: fs.readFileSync(env.OICP_BENCH_SERVER_KEY_FILE),
  ca: fs.readFileSync(env.OICP_BENCH_CA_FILE), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', keepAliveTimeout: 60_000,
}, serve).listen(Number(cpoUrl.port), cpoUrl.hostname);
central.listen(env.OICP_BENCH_OCPP_URL);
if (env.CPO_OPERATIONS_PORT) http.createServer(operate).listen(Number(env.CPO_OPERATIONS_PORT), '127.0.0.1');
for (const [id, cdr] of Object.entries(state.cdrs)) if (!cdr.parked) sendCdr(id);
fullLoad();
setInterval(fullLoad, 24 * 3600 * 1000).unref();
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { state.save(); process.exit(0); });
