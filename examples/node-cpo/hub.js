// What the CPO tells the hub: one queue per operation, one message in flight, repeated until it is decided.
'use strict';
const https = require('node:https');

const REPEAT_CODES = new Set(['001', '002', '009', '021']);
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

class Hub {
  constructor(env, fs) {
    this.base = env.OICP_BENCH_HUB_URL.replace(/\/$/, '');
    this.operator = env.OICP_BENCH_OPERATOR_ID;
    this.agent = new https.Agent({
      keepAlive: true, maxSockets: 8, minVersion: 'TLSv1.2',
      ca: fs.readFileSync(env.OICP_BENCH_CA_FILE),
      cert: fs.readFileSync(env.OICP_BENCH_CLIENT_CERT_FILE),
      key: fs.readFileSync(env.OICP_BENCH_CLIENT_KEY_FILE),
    });
  }

  // One POST. Resolves with {status, json}; json is null where the body is none. Rejects where no answer came.
  post(path, body) {
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = https.request(`${this.base}/api/oicp${path}`, {
        method: 'POST', agent: this.agent, timeout: 65_000,
        headers: { 'Content-Type': 'application/json;charset=utf-8', Accept: 'application/json', 'Content-Length': Buffer.byteLength(text) },
      }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('aborted', () => reject(new Error('answer cut off')));
        answer.on('end', () => {
          let json = null;
          try { json = JSON.parse(Buffer.concat(parts).toString('utf8')); } catch { /* HTML or nothing: counts as a failure */ }
          resolve({ status: answer.statusCode, json });
        });
      });
      request.on('timeout', () => request.destroy(new Error('no answer within 65 s')));
      request.on('error', reject);
      request.end(text);
    });
  }
}

// Says what an answer means: 'done', 'again' or 'refused'.
function outcome(answer) {
  if (answer.status >= 200 && answer.status < 300 && answer.json?.Result === true) return 'done';
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500) return 'again';
  if (REPEAT_CODES.has(answer.json?.StatusCode?.Code)) return 'again';
  if (answer.status >= 200 && answer.status < 300 && answer.json?.StatusCode === undefined) return 'again'; // unreadable
  return 'refused';
}

// A queue of jobs, strictly one after the other. A job is {body(), path, done(answer), refused(answer, uncertain)}; body() may
// return null when the job has become obsolete.
class Queue {
  constructor(hub, perMinute) {
    this.hub = hub;
    this.gap = 60_000 / perMinute;
    this.jobs = [];
    this.busy = false;
  }

  add(job) {
    this.jobs.push(job);
    if (!this.busy) { this.busy = true; this.work(); }
  }

  async work() {
    while (this.jobs.length) {
      const job = this.jobs[0];
      await this.deliver(job);
      this.jobs.splice(this.jobs.indexOf(job), 1);
    }
    this.busy = false;
  }

  async deliver(job) {
    let uncertain = false; // an attempt got no answer: the hub may have taken it
    for (let attempt = 0; ; attempt += 1) {
      const body = job.body();
      if (body === null) return;
      let answer = null;
      try {
        answer = await this.hub.post(job.path, body);
      } catch (error) {
        uncertain = true;
        console.log(`${job.path}: ${error.message}`);
      }
      const meaning = answer ? outcome(answer) : 'again';
      if (meaning === 'done') { job.done?.(answer); return; }
      if (meaning === 'refused') {
        console.log(`${job.path}: refused: ${JSON.stringify(answer.json)}`);
        if (await job.refused?.(answer, uncertain) !== 'again') return;
      }
      await sleep(Math.max(this.gap, 500 * 2 ** Math.min(attempt, 7) * (0.5 + Math.random())));
    }
  }
}

module.exports = { Hub, Queue };
