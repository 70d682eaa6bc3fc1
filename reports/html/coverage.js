// Coverage: requirement by operation, and the scenarios.
const SIGNS = { violated: "✕", crashed: "?", warned: "!", conforms: "✓", "not-exercised": "○", "not-applicable": "–" };

function coverageView(query) {
  const columns = data.coverage.columns, cells = data.coverage.cells;
  const asked = query.get("outcome");
  const counts = Object.fromEntries(OUTCOMES.map((o) => [o, data.requirements.filter((r) => r.outcome === o).length]));
  const toggles = OUTCOMES.filter((o) => counts[o]).map((o) => h("button", { type: "button", class: "toggle", "data-outcome": o, "aria-pressed": String(asked ? o === asked : o !== "not-applicable") }, h("span", { class: `dot o-${o}` }), WORDS[o], h("b", {}, counts[o])));
  const level = h("select", { "aria-label": "Level" }, h("option", { value: "" }, "All levels"), ["MUST", "SHOULD", "MAY"].map((x) => h("option", { value: x }, x)));
  const operation = h("select", { "aria-label": "Operation" }, h("option", { value: "" }, "All operations"), columns.map((c) => h("option", { value: c, selected: query.get("operation") === c }, columnName(c))));
  const text = h("input", { type: "search", placeholder: "Filter: id or words …", "aria-label": "Filter", value: query.get("q") || "" });
  const head = h("thead", {}), body = h("tbody", {}), count = h("p", { class: "muted" });
  const update = () => {
    const on = new Set(toggles.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.outcome));
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = data.requirements.filter((r) => on.has(r.outcome) && (!level.value || r.level === level.value)
      && (!operation.value || cells[r.id][operation.value]) && words.every((w) => `${r.id} ${r.title} ${r.level} ${r.profile}`.toLowerCase().includes(w)));
    const shown = operation.value ? [operation.value] : columns.filter((c) => rows.some((r) => cells[r.id][c]));
    head.replaceChildren(h("tr", {}, h("th", { scope: "col" }, `${thousands(rows.length)} requirements`), h("th", { scope: "col" }, h("span", {}, "Level")), shown.map((c) => h("th", { scope: "col" }, h("span", {}, columnName(c)))), h("th", { scope: "col", class: "why" }, "Why not")));
    body.replaceChildren(...rows.map((r) => coverageRow(r, shown, cells[r.id])));
    count.textContent = `${thousands(rows.length)} of ${thousands(data.requirements.length)} requirements by ${shown.length} operations`;
  };
  for (const b of toggles) b.addEventListener("click", () => { b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true")); update(); });
  for (const x of [level, operation]) x.addEventListener("change", update);
  text.addEventListener("input", update);
  update();
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Coverage"), count)), h("div", { class: "filters" }, text, level, operation), h("div", { class: "filters" }, toggles),
    h("div", { class: "matrix-box", tabindex: "0", role: "region", "aria-label": "Coverage matrix" }, h("table", { class: "matrix" }, head, body)));
}
const columnName = (c) => (c === "general" ? "General" : c);
function coverageRow(r, columns, cells) {
  return h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/requirement/${r.id}`, title: r.title }, h("span", { class: "id" }, r.id), h("span", { class: "t" }, r.title))), h("td", { class: "muted" }, r.level),
    columns.map((c) => { const x = cells[c]; return h("td", {}, x && h("span", { class: `cell o-${x[0]}`, title: said(c, x), role: "img", "aria-label": said(c, x) }, x[2] > 1 && x[0] === "violated" ? x[2] : SIGNS[x[0]])); }),
    h("td", { class: "why", title: r.reason || "" }, ["not-exercised", "not-applicable", "crashed"].includes(r.outcome) ? prose(r.reason) : ""));
}
function said(c, [outcome, looked, found]) {
  return `${columnName(c)}: ${WORDS[outcome]}` + (looked ? `, looked at ${thousands(looked)} times` : "") + (found ? `, ${thousands(found)} findings` : "");
}

function scenariosView() {
  const rows = data.scenarios.map((x) => h("tr", {}, h("td", { class: "tight" }, chip(x.outcome, "s-" + x.outcome)), h("td", { class: "block-cell" }, h("b", {}, x.name), x.title && h("div", { class: "muted" }, x.title), x.reason && h("div", { class: "why" }, prose(x.reason))),
    h("td", { class: "mono muted" }, x.evse.join(", ")), h("td", { class: "num muted" }, x.outcome === "skipped" ? "" : seconds(x.s, 1)), h("td", {}, x.findings.map((n) => findings.get(n)).filter(Boolean).slice(0, 6).map((f) => [h("a", { class: "id", href: `#/finding/${f.n}` }, f.id), " "]), x.findings.length > 6 && `+${x.findings.length - 6}`)));
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Scenarios"), h("p", { class: "muted" }, ["reached", "blocked", "skipped"].map((o) => `${data.scenarios.filter((x) => x.outcome === o).length} ${o}`).join(", ")))),
    data.scenarios.length ? [timeline(), h("table", { class: "list stack" }, h("thead", {}, h("tr", {}, ["", "Scenario", "EVSE", "Took", "Findings"].map((x) => h("th", { scope: "col" }, x)))), h("tbody", {}, rows))] : h("p", { class: "empty" }, "No scenario was played."));
}
function timeline() {
  const played = data.scenarios.filter((x) => x.t0 !== null && x.t1 !== null).sort((a, b) => a.t0 - b.t0);
  if (!played.length) return null;
  const end = Math.max(...played.map((x) => x.t1)), lanes = [];
  for (const x of played) {
    let i = lanes.findIndex((t) => t <= x.t0);
    if (i < 0) i = lanes.push(0) - 1;
    lanes[i] = x.t1;
    x.lane = i;
  }
  const color = { reached: "o-conforms", blocked: "o-violated", skipped: "o-not-exercised" }, height = lanes.length * 9 + 24;
  return h("div", { class: "plot block" }, h("h3", {}, "When each ran"), s("svg", { viewBox: `0 0 1000 ${height}`, role: "img", "aria-label": "Scenarios over time" },
    played.map((x) => s("rect", { class: color[x.outcome], x: (x.t0 / end) * 1000, y: x.lane * 9, width: Math.max(2, ((x.t1 - x.t0) / end) * 1000 - 1), height: 7, rx: 2 }, s("title", {}, `${x.name}: ${seconds(x.s, 1)}`))),
    [0, 0.25, 0.5, 0.75, 1].map((p) => s("text", { x: p * 1000, y: height - 4, "text-anchor": p === 0 ? "start" : p === 1 ? "end" : "middle" }, `${(p * end).toFixed(0)} s`))));
}
