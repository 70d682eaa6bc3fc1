// Sessions, charge detail records and changed EVSE data that must survive a restart: one JSON file, replaced atomically.
'use strict';
const fs = require('node:fs');

class State {
  constructor(file) {
    this.file = file;
    this.sessions = {};   // by SessionID
    this.cdrs = {};       // by SessionID: {body, sent}
    this.records = {};    // by EvseID: data that changed since the fleet file was written
    if (fs.existsSync(file)) Object.assign(this, JSON.parse(fs.readFileSync(file, 'utf8')));
    this.file = file;
  }

  save() {
    const text = JSON.stringify({ sessions: this.sessions, cdrs: this.cdrs, records: this.records });
    const handle = fs.openSync(`${this.file}.new`, 'w', 0o600);
    fs.writeSync(handle, text);
    fs.fsyncSync(handle);
    fs.closeSync(handle);
    fs.renameSync(`${this.file}.new`, this.file);
  }
}

module.exports = { State };
