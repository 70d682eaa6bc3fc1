// OCPP 1.6J: charge points call in here.
'use strict';
const http = require('node:http');
const { randomUUID } = require('node:crypto');
const { WebSocketServer } = require('ws');

class CentralSystem {
  // handler.on(action, chargePointId, payload) returns the answer's payload.
  constructor(known, handler) {
    this.known = known;
    this.handler = handler;
    this.links = new Map();
  }

  listen(url) {
    const base = new URL(url);
    const server = http.createServer((_, answer) => { answer.writeHead(426).end(); });
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('ocpp1.6') ? 'ocpp1.6' : false) });
    server.on('upgrade', (request, socket, head) => {
      const id = decodeURIComponent(request.url.split('?')[0].split('/').pop());
      if (!this.known.has(id)) { socket.end('HTTP/1.1 404 Not Found\r\n\r\n'); return; }
      sockets.handleUpgrade(request, socket, head, (link) => this.attach(id, link));
    });
    server.listen(Number(base.port), base.hostname);
    return server;
  }

  attach(id, link) {
    this.links.get(id)?.terminate();
    this.links.set(id, link);
    link.waiting = new Map();
    link.on('message', (data) => this.heard(id, link, data));
    link.on('error', () => link.terminate());
    link.on('close', () => {
      for (const { reject } of link.waiting.values()) reject(new Error('connection lost'));
      if (this.links.get(id) === link) { this.links.delete(id); this.handler.gone(id); }
    });
  }

  heard(id, link, data) {
    let frame;
    try { frame = JSON.parse(data); } catch { return; }
    const [kind, key, ...rest] = frame;
    if (kind === 2) {
      const [action, payload] = rest;
      try {
        const answer = this.handler.on(action, id, payload);
        link.send(JSON.stringify(answer ? [3, key, answer] : [4, key, 'NotImplemented', '', {}]));
      } catch (error) {
        console.log(`${id} ${action}: ${error.stack}`);
        link.send(JSON.stringify([4, key, 'InternalError', '', {}]));
      }
    } else {
      const call = link.waiting.get(key);
      link.waiting.delete(key);
      if (call) (kind === 3 ? call.resolve(rest[0]) : call.reject(new Error(`${rest[0]} ${rest[1]}`)));
    }
  }

  connected(id) { return this.links.has(id); }

  // Calls a charge point; rejects after `seconds` without an answer.
  call(id, action, payload, seconds = 8) {
    const link = this.links.get(id);
    if (!link) return Promise.reject(new Error('not connected'));
    const key = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { link.waiting.delete(key); reject(new Error(`no answer within ${seconds} s`)); }, seconds * 1000);
      const end = (finish) => (value) => { clearTimeout(timer); finish(value); };
      link.waiting.set(key, { resolve: end(resolve), reject: end(reject) });
      link.send(JSON.stringify([2, key, action, payload]));
    });
  }
}

module.exports = { CentralSystem };
