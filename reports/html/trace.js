// The trace of a session: a sequence diagram on one time axis, the energy curve beside it on the same axis.
const TIME_W = 76, ENERGY_W = 250, TOP = 46, PITCH = 31;

function sessionsView(query) {
  const target = h("tbody", {}), more = h("div", {}), count = h("p", { class: "muted" });
  const text = h("input", { type: "search", placeholder: "Filter: id, EVSE, scenario, kind …", "aria-label": "Filter", value: query.get("q") || "" });
  const bad = h("button", { type: "button", class: "toggle", "aria-pressed": "false" }, "With findings");
  const update = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = data.sessions.map((x, i) => [x, i]).filter(([x]) => (bad.getAttribute("aria-pressed") !== "true" || x.findings.length)
      && words.every((w) => `${x.id} ${x.evse} ${x.scenario} ${x.kind} ${x.provider} ${x.accepted ? "accepted" : "refused"}`.toLowerCase().includes(w)));
    count.textContent = `${thousands(found.length)} of ${thousands(data.sessions.length)} sessions`;
    portions(found, ([x, i]) => sessionRow(x, i), target, more);
    if (!found.length) target.append(h("tr", {}, h("td", { colspan: 7, class: "empty" }, data.sessions.length ? "Nothing matches." : "No session in this recording.")));
  };
  bad.addEventListener("click", () => { bad.setAttribute("aria-pressed", String(bad.getAttribute("aria-pressed") !== "true")); update(); });
  text.addEventListener("input", update);
  update();
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Sessions"), count)), h("div", { class: "filters" }, text, bad),
    h("table", { class: "list stack" }, h("thead", {}, h("tr", {}, ["At", "Session", "EVSE", "Kind", "Energy", "Took", "Findings"].map((x) => h("th", { scope: "col" }, x)))), target), more);
}
function sessionRow(x, i) {
  const grades = x.findings.map((n) => findings.get(n)?.grade).filter(Boolean);
  return h("tr", { "data-href": `#/session/${i}` },
    h("td", { class: "tight mono muted" }, clock(x.t)), h("td", { class: "block-cell" }, h("a", { class: "mono", href: `#/session/${i}` }, x.id), x.scenario && h("div", { class: "why" }, x.scenario)),
    h("td", { class: "mono" }, x.evse || "–"), h("td", { class: "tight" }, x.kind, !x.accepted && h("span", { class: "muted" }, ", not accepted"), x.faulted && " ", x.faulted && chip("fault")),
    h("td", { class: "tight" }, x.wh === null ? "–" : (x.wh / 1000).toFixed(3) + " kWh"), h("td", { class: "tight muted" }, seconds(x.s, 1)),
    h("td", { class: "tight" }, ["error", "warning", "info"].map((g) => { const n = grades.filter((y) => y === g).length; return n > 0 && [chip(`${n} ${g}`, "g-" + g), " "]; })));
}

async function sessionView(i) {
  const x = data.sessions[i] && await traceOf(i);
  if (!x) return h("p", { class: "empty" }, "There is no such session.");
  const box = h("div", { class: "trace-box", tabindex: "0", role: "region", "aria-label": "Sequence diagram" });
  const mine = x.findings.map((n) => findings.get(n)).filter(Boolean);
  const view = h("div", {},
    h("div", { class: "crumbs" }, h("a", { href: "#/sessions" }, "Sessions"), "/", h("span", { class: "mono" }, x.id),
      h("span", { class: "step" }, i > 0 && h("a", { href: `#/session/${i - 1}`, "data-step": "-1" }, "← previous"), data.sessions[i + 1] && h("a", { href: `#/session/${i + 1}`, "data-step": "1" }, "next →"))),
    h("div", { class: "head" }, h("h1", {}, x.kind === "unknown" ? "Session that nobody opened" : `${x.kind[0].toUpperCase()}${x.kind.slice(1)} session`, x.evse && [" at ", h("span", { class: "mono" }, x.evse)])),
    h("dl", { class: "tiles" }, tile("Scenario", x.scenario || "–"), tile("Provider", x.provider || "–"), tile("Contract", h("span", { class: "mono" }, x.evco || "–")), tile("Start", x.accepted ? "accepted" : "not accepted"), tile("Length", seconds(x.t1 - x.t0, 1)), energyTiles(x.energy)),
    mine.length > 0 && h("ul", { class: "plain block" }, mine.map(findingLine)),
    box,
    h("p", { class: "key" }, h("span", {}, h("i", {}), "OICP"), h("span", {}, h("i", { class: "answer" }), "its answer"), h("span", {}, h("i", { class: "ocpp" }), "OCPP"), x.energy && [h("span", {}, h("i", { class: "meter" }), "meter of the charge point"), h("span", {}, h("i", { class: "cdr" }), "charge detail record")], h("span", {}, "An arrow opens its message.")));
  box.append(diagram(x));
  return view;
}
function energyTiles(e) {
  if (!e) return null;
  const kwh = (wh) => (wh / 1000).toFixed(3) + " kWh";
  return [e.delivered_wh !== null && tile("Meter", kwh(e.delivered_wh)), e.reported.map((r) => tile("Reported", kwh(r.consumed_wh ?? r.end_wh - r.start_wh)))];
}

// Time to height: rows keep their order and a least distance; long waits are shortened, and say so.
function axis(x) {
  const stops = [];
  let y = TOP + 34, last = null;
  for (const row of x.rows) {
    const dt = last === null ? 0 : Math.max(0, row.t - last);
    if (last !== null) y += PITCH + (dt > 0.4 ? Math.min(64, 15 * Math.log2(1 + dt / 0.4)) : 0);
    stops.push([row.t, y, dt]);
    last = Math.max(row.t, row.t_last ?? row.t);
    if (row.t_last > row.t) { // a run of meter values: its length is kept, its arrow stands in the middle
      row.span = [y, y + Math.min(180, 24 + 40 * Math.log2(1 + row.t_last - row.t))];
      y = row.span[1];
      stops.push([row.t_last, y, 0]);
    }
    row.y = row.span ? (row.span[0] + row.span[1]) / 2 : y;
  }
  const first = stops[0] || [x.t0, y, 0], end = stops[stops.length - 1] || first;
  const at = (t) => {
    if (t <= first[0]) return Math.max(TOP + 12, first[1] - Math.min(20, (first[0] - t) * 20));
    if (t >= end[0]) return end[1] + Math.min(20, (t - end[0]) * 20);
    let low = 0, high = stops.length - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; if (stops[mid][0] <= t) low = mid; else high = mid; }
    const [t0, y0] = stops[low], [t1, y1] = stops[high];
    return t1 > t0 ? y0 + ((t - t0) / (t1 - t0)) * (y1 - y0) : y1;
  };
  return { at, stops, bottom: end[1] + 36 };
}

function diagram(x) {
  const { at, stops, bottom } = axis(x);
  const hasEnergy = Boolean(x.energy);
  const room = Math.min(1320, document.documentElement.clientWidth - 32) - TIME_W - (hasEnergy ? ENERGY_W : 0);
  const pitch = Math.max(132, Math.min(236, (room - 130) / 4));
  const lane = (i) => TIME_W + 62 + i * pitch;
  const right = lane(4) + 62, width = right + (hasEnergy ? ENERGY_W : 16);
  const svg = s("svg", { class: "trace", width, height: bottom + 8, viewBox: `0 0 ${width} ${bottom + 8}`, role: "group", "aria-label": `Session ${x.id}` });
  rowShades(svg, x, right);
  data.lanes.forEach((name, i) => svg.append(s("line", { class: "lane", x1: lane(i), x2: lane(i), y1: TOP, y2: bottom }), s("text", { class: "lane-name", x: lane(i), y: 26, "text-anchor": "middle" }, name)));
  x.bars.forEach((bar) => stateBar(svg, bar, at, lane));
  times(svg, x, stops, lane);
  if (hasEnergy) energyPanel(svg, x, at, right + 20, width - 20, bottom);
  for (const row of x.rows) svg.append(row.kind === "arrow" ? arrow(x, row, lane) : eventMark(x, row, lane, Math.floor((pitch - 16) / 6.1)));
  return svg;
}
function worstOf(numbers) {
  const grades = numbers.map((n) => findings.get(n)?.grade);
  return ["error", "warning", "info"].find((g) => grades.includes(g)) || "error";
}
function rowShades(svg, x, right) {
  for (const row of x.rows) if (row.bad) svg.append(s("rect", { class: `badrow g-${worstOf(row.bad)}`, x: TIME_W, y: row.y - 20, width: right - TIME_W, height: PITCH, rx: 4 }));
}
function stateBar(svg, bar, at, lane) {
  const y0 = Math.max(TOP, at(bar.t0)), y1 = at(bar.t1);
  svg.append(s("rect", { class: `state ${/^\w+$/.test(bar.label) ? bar.label : ""}`, x: lane(bar.lane) - 4, y: y0, width: 8, height: Math.max(2, y1 - y0), rx: 3 }, s("title", {}, `${bar.label}, ${seconds(bar.t1 - bar.t0, 1)}`)));
  if (y1 - y0 > 84) svg.append(s("text", { class: "state-name", x: lane(bar.lane) + 14, y: (y0 + y1) / 2, "text-anchor": "middle", transform: `rotate(-90 ${lane(bar.lane) + 14} ${(y0 + y1) / 2})` }, bar.label));
}
function times(svg, x, stops, lane) {
  let last = null;
  for (const [t, y, dt] of stops) {
    if (dt > 1) svg.append(s("line", { class: "gapline", x1: 16, x2: lane(4), y1: y - 31, y2: y - 31 }), s("text", { class: "gap", x: TIME_W - 8, y: y - 34, "text-anchor": "end" }, `${dt.toFixed(1)} s`));
    const label = (t - x.t0).toFixed(3);
    if (label !== last) svg.append(s("text", { class: "time", x: TIME_W - 8, y: y + 3, "text-anchor": "end" }, label));
    last = label;
  }
}
function clickable(group, open) {
  group.addEventListener("click", open);
  group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } });
}
function openRow(row) {
  return () => (row.exchange ? drawer(`#${row.exchange} ${operationName(exchangeRow(row.exchange))}`, messageCards(row.exchange), `#/message/${row.exchange}`)
    : drawer(row.label, h("article", { class: "card" }, h("header", {}, h("b", {}, row.data?.action || row.label), h("span", { class: "right muted" }, clock(row.t))), wire(JSON.stringify(row.data ?? null)))));
}
function arrow(x, row, lane) {
  const x1 = lane(row.from), x2 = lane(row.to), sign = x2 > x1 ? 1 : -1, y = row.y;
  const no = row.ok === false || (row.part === "request" && row.faults?.length);
  const label = row.label + (row.times > 1 ? ` × ${row.times}` : "") + (row.detail ? ` → ${row.detail}` : "");
  const room = Math.floor((Math.abs(x2 - x1) - 14) / 6.1);
  const said = label.length > room ? label.slice(0, Math.max(4, room - 1)) + "…" : label;
  const group = s("g", { class: `arrow ${row.cls} ${row.part || ""} ${no ? "no" : ""}`, tabindex: "0", role: "button", "aria-label": `${(row.t - x.t0).toFixed(3)} s: ${data.lanes[row.from]} to ${data.lanes[row.to]}: ${label}` },
    s("title", {}, label + (row.ms !== undefined ? ` after ${pretty(row.ms)}` : "")),
    s("rect", { class: "hitbox", x: Math.min(x1, x2), y: y - 17, width: Math.abs(x2 - x1), height: 23, rx: 4 }),
    s("line", { x1, x2: x2 - sign * 6, y1: y, y2: y }), s("path", { d: `M${x2} ${y}l${-sign * 8} -4v8z` }),
    s("text", { class: "label halo", x: (x1 + x2) / 2, y: y - 5, "text-anchor": "middle" }, said));
  if (row.span) group.append(s("path", { class: "span", d: `M${x1 + sign * 8} ${row.span[0]}h${sign * 6}V${row.span[1]}h${-sign * 6}` }));
  clickable(group, openRow(row));
  const marks = findingMarks(row, Math.min(x1, x2), y);
  return marks ? s("g", {}, group, marks) : group;
}
function eventMark(x, row, lane, room) {
  const cx = lane(row.lane), y = row.y - 4, left = row.lane === 4;
  const group = s("g", { class: `event ${row.cls}`, tabindex: "0", role: "button", "aria-label": `${(row.t - x.t0).toFixed(3)} s: ${data.lanes[row.lane]}: ${row.label}` },
    s("title", {}, row.label), s("rect", { class: "hitbox", x: left ? cx - 120 : cx - 8, y: y - 11, width: 128, height: 22, rx: 4 }), s("circle", { cx, cy: y, r: 4.5 }),
    s("text", { class: "label halo", x: cx + (left ? -10 : 10), y: y + 4, "text-anchor": left ? "end" : "start" }, row.label.length > room ? row.label.slice(0, room - 1) + "…" : row.label));
  clickable(group, openRow(row));
  const marks = findingMarks(row, cx, row.y);
  return marks ? s("g", {}, group, marks) : group;
}
function findingMarks(row, left, y) {
  if (!row.bad?.length) return null;
  const known = row.bad.map((n) => findings.get(n)).filter(Boolean);
  if (!known.length) return null;
  const first = known[0], label = first.id + (known.length > 1 ? ` +${known.length - 1}` : ""), width = label.length * 6.9 + 14;
  const mark = s("g", { class: `bad g-${worstOf(row.bad)}`, tabindex: "0", role: "link", "aria-label": `Finding ${first.id}: ${first.observed}` },
    s("title", {}, known.map((f) => `${f.id}: ${f.observed}`).join("\n")),
    s("rect", { x: Math.max(TIME_W + 2, left - width - 8), y: y - 13, width, height: 19, rx: 9.5 }), s("text", { x: Math.max(TIME_W + 2, left - width - 8) + width / 2, y: y + 1, "text-anchor": "middle" }, label));
  clickable(mark, () => { location.hash = `#/finding/${first.n}`; });
  return mark;
}

// Energy: kWh to the right, time downwards on the axis of the diagram.
function energyPanel(svg, x, at, left, right, bottom) {
  const { meter, reported } = x.energy;
  const base = meter.length ? meter[0][1] : reported[0]?.start_wh ?? 0;
  const curves = reported.map((r) => reportedCurve(r, base, meter));
  const most = Math.max(100, ...meter.map(([, wh]) => wh - base), ...curves.flat().map(([, wh]) => wh));
  const px = (wh) => left + 14 + (Math.max(0, wh) / most) * (right - left - 44);
  svg.append(s("text", { class: "lane-name", x: (left + right) / 2, y: 26, "text-anchor": "middle" }, "Energy"));
  for (const share of [0, 0.5, 1]) svg.append(s("line", { class: "grid-line", x1: px(most * share), x2: px(most * share), y1: TOP, y2: bottom }), s("text", { class: "axis", x: px(most * share), y: TOP - 4, "text-anchor": "middle" }, ((most * share) / 1000).toFixed(most < 2000 ? 2 : 1) + (share === 1 ? " kWh" : "")));
  if (meter.length) {
    const points = meter.map(([t, wh]) => `${px(wh - base).toFixed(1)},${at(t).toFixed(1)}`);
    svg.append(s("polygon", { class: "meter-area", points: `${px(0)},${at(meter[0][0])} ${points.join(" ")} ${px(0)},${at(meter[meter.length - 1][0])}` }), s("polyline", { class: "meter", points: points.join(" ") }, s("title", {}, "meter of the charge point")));
  }
  curves.forEach((curve, i) => {
    if (!curve.length) return;
    const end = curve[curve.length - 1], said = `${(((reported[i].consumed_wh ?? end[1]) || 0) / 1000).toFixed(3)} kWh reported`;
    const ex = px(end[1]), ey = at(end[0]);
    svg.append(s("polyline", { class: "reported", points: curve.map(([t, wh]) => `${px(wh).toFixed(1)},${at(t).toFixed(1)}`).join(" ") }), s("circle", { class: "reported-dot", cx: ex, cy: ey, r: 3.5 }),
      s("text", { class: "halo axis", x: Math.min(right + 12, ex + 8), y: ey + 18 + i * 14, "text-anchor": "end" }, said));
  });
}
function reportedCurve(r, base, meter) {
  const first = meter[0]?.[0], last = meter[meter.length - 1]?.[0];
  const t0 = r.t0 ?? first, t1 = r.t1 ?? last;
  if (t0 === undefined || t1 === undefined) return [];
  const span = meter.length ? meter[meter.length - 1][1] - base : 0;
  const offset = r.start_wh !== null && Math.abs(r.start_wh - base) <= 2 * Math.max(span, 1000) ? r.start_wh - base : 0;
  const total = r.consumed_wh ?? r.end_wh - r.start_wh;
  return Array.from({ length: 41 }, (_, i) => [t0 + ((t1 - t0) * i) / 40, offset + (total * i) / 40]);
}
