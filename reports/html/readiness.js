// Readiness: a rehearsal of what Hubject scores.
function readinessView() {
  const r = data.readiness;
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Readiness"), h("p", { class: "muted" }, "A rehearsal of what Hubject scores every month. It fails nothing; the limits are those of the specification."))),
    h("div", { class: "plots" },
      times_("Remote start answered", "From the hub's request to the CPO's answer.", r.remote_start_s), times_("Remote stop answered", "From the hub's request to the CPO's answer.", r.remote_stop_s),
      times_("Charge detail record sent", "From the end of the session to the record.", r.cdr_delay_s), evseData(r.evse_data)));
}
const short = (x) => (x < 1 ? Math.round(x * 1000) + " ms" : x.toFixed(x < 10 ? 2 : 1) + " s");
function times_(title, what, d) {
  if (!d) return h("section", { class: "plot" }, h("h2", {}, title), h("p", { class: "muted" }, what), h("p", { class: "empty" }, "Nothing recorded."));
  return h("section", { class: "plot" }, h("h2", {}, title), h("p", { class: "muted" }, what),
    h("div", {}, h("span", { class: "big" }, short(d.p95)), h("span", { class: "muted" }, ` for 95 % of ${thousands(d.count)}`)), distribution(d),
    h("dl", { class: "pct" }, [["median", d.p50], ["p90", d.p90], ["p95", d.p95], ["p99", d.p99], ["max", d.max]].map(([n, v]) => h("div", {}, h("dt", {}, n), h("dd", { class: v > d.limits[0] ? "t-violated" : "" }, short(v))))),
    h("p", { class: "muted" }, d.limits.map((x, i) => `${d.over[i] ? thousands(d.over[i]) : "none"} above ${x} s`).join(", ")));
}
// How many of all were done by then: a step curve over a logarithmic time axis.
function distribution(d) {
  const W = 400, H = 150, left = 8, base = H - 22;
  const low = Math.log10(Math.max(0.001, Math.min(d.min, 0.01))), high = Math.log10(Math.max(d.max, d.limits[0]) * 1.6);
  const x = (v) => left + ((Math.log10(Math.max(v, 0.001)) - low) / (high - low)) * (W - 2 * left);
  const y = (share) => base - share * (base - 16);
  const n = d.values.length;
  let path = `M${left} ${y(0)}`;
  d.values.forEach((v, i) => { path += `H${x(v).toFixed(1)}V${y((i + 1) / n).toFixed(1)}`; });
  path += `H${W - left}`;
  const ticks = [0.001, 0.01, 0.1, 1, 10, 60].filter((v) => Math.log10(v) >= low && Math.log10(v) <= high);
  return s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Median ${short(d.p50)}, 95 % within ${short(d.p95)}, at most ${short(d.max)}` },
    s("line", { x1: left, x2: W - left, y1: base, y2: base }), s("line", { x1: left, x2: W - left, y1: y(1), y2: y(1), "stroke-dasharray": "2 4" }),
    ticks.map((v) => [s("line", { x1: x(v), x2: x(v), y1: base, y2: base + 4 }), s("text", { x: x(v), y: H - 5, "text-anchor": x(v) < 24 ? "start" : x(v) > W - 24 ? "end" : "middle" }, short(v))]),
    s("path", { class: "step", d: path }), d.values.slice(0, 400).map((v) => s("circle", { class: "dotv" + (v > d.limits[0] ? " over" : ""), cx: x(v), cy: base, r: 3 })),
    d.limits.filter((v) => Math.log10(v) <= high).map((v) => [s("line", { class: "limit", x1: x(v), x2: x(v), y1: 12, y2: base }), s("text", { x: x(v) - 4, y: 12, "text-anchor": "end" }, `limit ${v} s`)]));
}
function evseData(e) {
  if (!e) return h("section", { class: "plot" }, h("h2", {}, "EVSE data"), h("p", { class: "empty" }, "No accepted push of EVSE data."));
  const percent = (x) => (x * 100).toFixed(x === 1 ? 0 : 1) + " %";
  const rows = (mandatory) => e.attributes.filter((a) => a.mandatory === mandatory).map((a) => h("tr", {}, h("td", {}, a.name.replace("/", " · ")),
    h("td", {}, s("svg", { class: "fill", viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "img", "aria-label": `${a.filled} of ${e.evses}` }, s("rect", { class: "bg", width: 100, height: 6 }), s("rect", { class: "fg" + (a.filled < e.evses ? " part" : ""), width: (100 * a.filled) / e.evses, height: 6 }), s("rect", { class: "ng", width: (100 * a.wrong) / e.evses, height: 6 }))),
    h("td", { class: "num muted" }, `${a.filled} of ${e.evses}`), h("td", { class: "num t-violated" }, a.wrong ? `${a.wrong} wrong` : "")));
  return h("section", { class: "plot full" }, h("h2", {}, "EVSE data"), h("p", { class: "muted" }, `What the hub holds in the end about ${thousands(e.evses)} EVSEs.`),
    h("dl", { class: "pct" }, [["complete", e.complete], ["with useful extras", e.complete_useful], ["without a fault", e.correct]].map(([n, v]) => h("div", {}, h("dt", {}, n), h("dd", { class: v < 1 && n !== "with useful extras" ? "t-warned" : "" }, percent(v))))),
    h("div", { class: "half" }, h("div", {}, h("h3", {}, "Mandatory"), h("table", { class: "attrs" }, h("tbody", {}, rows(true)))), h("div", {}, h("h3", {}, "Useful to drivers"), h("table", { class: "attrs" }, h("tbody", {}, rows(false))))));
}
