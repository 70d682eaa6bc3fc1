// Times with the offset of the charging location, as OICP wants them.
'use strict';
const ZONES = {
  AUT: 'Europe/Vienna', BEL: 'Europe/Brussels', CHE: 'Europe/Zurich', CZE: 'Europe/Prague', DEU: 'Europe/Berlin', DNK: 'Europe/Copenhagen',
  ESP: 'Europe/Madrid', FIN: 'Europe/Helsinki', FRA: 'Europe/Paris', GBR: 'Europe/London', HUN: 'Europe/Budapest', IRL: 'Europe/Dublin',
  ITA: 'Europe/Rome', LUX: 'Europe/Luxembourg', NLD: 'Europe/Amsterdam', NOR: 'Europe/Oslo', POL: 'Europe/Warsaw', PRT: 'Europe/Lisbon',
  SWE: 'Europe/Stockholm',
};

function zoneOf(record) {
  return ZONES[record.Address?.Country] ?? 'UTC';
}

// 2026-07-01T10:00:00+02:00 for a Date in a zone.
function local(moment, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  }).formatToParts(moment).map((part) => [part.type, part.value]));
  const seconds = Math.floor(moment.getTime() / 1000);
  const shown = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) / 1000;
  const minutes = Math.round((shown - seconds) / 60);
  const two = (n) => String(n).padStart(2, '0');
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`;
}

module.exports = { local, zoneOf };
