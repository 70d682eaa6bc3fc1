// Findings: the list by requirement, and a page for each.
function findingLine(f) {
  return h("li", {}, chip(f.grade, "g-" + f.grade), " ", h("a", { href: `#/finding/${f.n}` }, h("span", { class: "id" }, f.id), " ", byId.get(f.id).title), h("span", { class: "why" }, f.observed));
}
function findingsView(query) {
  const target = h("div", {}), count = h("p", { class: "muted" });
  const text = h("input", { type: "search", placeholder: "Filter: id, words, EVSE, scenario …", "aria-label": "Filter", value: query.get("q") || "" });
  const grades = ["error", "warning", "info"].map((g) => {
    const number = data.findings.filter((f) => f.grade === g).length;
    return number > 0 && h("button", { type: "button", class: "toggle", "aria-pressed": "true", "data-grade": g }, g, h("b", {}, thousands(number)));
  }).filter(Boolean);
  const update = () => {
    const on = new Set(grades.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.grade));
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const order = { violated: 0, crashed: 0, warned: 1 };
    const groups = data.requirements.filter((r) => r.findings.length).sort((a, b) => (order[a.outcome] ?? 2) - (order[b.outcome] ?? 2));
    target.replaceChildren(...groups.map((r) => {
      const own = r.findings.filter((f) => on.has(f.grade) && words.every((w) => `${f.id} ${r.title} ${f.observed} ${f.evse} ${f.scenario} ${f.session} #${f.exchange}`.toLowerCase().includes(w)));
      shown += own.length;
      return own.length ? findingGroup(r, own) : null;
    }).filter(Boolean));
    if (!shown) target.append(h("p", { class: "empty" }, data.findings.length ? "Nothing matches." : "No findings: everything that was exercised holds."));
    const all = data.requirements.reduce((sum, r) => sum + r.total, 0);
    count.textContent = `${thousands(shown)} shown` + (all > data.findings.length ? `; of each requirement the first 200, ${thousands(all)} in all, every one in report.json` : ` of ${thousands(all)}`);
  };
  for (const b of grades) b.addEventListener("click", () => { b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true")); update(); });
  text.addEventListener("input", update);
  update();
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Findings"), count)), h("div", { class: "filters" }, text, grades), target);
}
function findingGroup(r, own) {
  const list = h("tbody", {}), more = h("div", {});
  portions(own, findingRow, list, more, 12);
  return h("section", { class: `group o-${r.outcome}` },
    h("h2", {}, h("a", { href: `#/requirement/${r.id}` }, h("span", { class: "id" }, r.id), " ", r.title)),
    h("p", { class: "chips" }, chip(WORDS[r.outcome], "x-" + r.outcome), chip(r.level, "level-" + r.level), r.expected && chip("expected")),
    h("table", { class: "list stack fixed" }, list), more);
}
function findingRow(f) {
  const row = f.exchange && exchangeRow(f.exchange);
  return h("tr", { "data-href": `#/finding/${f.n}` },
    h("td", { class: "tight" }, chip(f.grade, "g-" + f.grade)), h("td", { class: "block-cell" }, h("a", { href: `#/finding/${f.n}` }, f.observed)),
    h("td", { class: "tight muted" }, row ? `#${f.exchange} ${operationName(row)}` : ""), h("td", { class: "muted mono" }, f.evse || ""), h("td", { class: "muted" }, f.scenario || ""));
}

function requirementText(r) {
  return [
    block("What is required", h("p", {}, prose(r.statement)), r.note && h("p", { class: "muted" }, prose(r.note))),
    r.code && block("What Hubject would answer", h("p", {}, h("code", {}, r.code), " ", r.code_text)),
    r.fix && block("How to fix it", h("p", {}, prose(r.fix))),
  ];
}
function requirementSource(r) {
  return block("Source", h("ul", { class: "plain" }, r.source.map((x) => h("li", {}, x))));
}
const BASIS = { spec: "from the specification", openapi: "from OpenAPI", guide: "from the integration guide", aup: "from the Acceptable Use Policy", observed: "observed on the live platform", seed: "from practice", errata: "where sources disagree" };
function requirementChips(r) {
  return h("div", { class: "chips" }, chip(r.level, "level-" + r.level), chip(WORDS[r.outcome], "x-" + r.outcome), chip(BASIS[r.basis] || r.basis), chip(`profile ${r.profile}`), r.contested && chip("contested"), r.derived && chip("derived"), r.expected && chip("expected violation"));
}
function requirementView(id) {
  const r = byId.get(id);
  if (!r) return h("p", { class: "empty" }, `There is no requirement ${id}.`);
  const looked = Object.entries(r.checked);
  const list = h("tbody", {}), more = h("div", {});
  portions(r.findings, findingRow, list, more, 100);
  return h("div", {},
    h("div", { class: "crumbs" }, h("a", { href: "#/coverage" }, "Coverage"), "/", h("span", {}, r.id)),
    h("div", { class: "finding-head" }, h("span", { class: "id" }, r.id), h("h1", {}, r.title), requirementChips(r)),
    h("div", { class: "two" },
      h("div", {}, requirementText(r), requirementSource(r)),
      h("div", {},
        block("Looked at", looked.length ? h("p", {}, looked.map(([o, n]) => `${o || "the recording"} × ${thousands(n)}`).join(", ")) : h("p", {}, "never in this recording"), r.reason && h("p", { class: "muted" }, prose(r.reason))),
        r.example && block("An example of a violation", h("p", {}, prose(r.example))),
        r.findings.length > 0 && block(counted(r.total, "finding"), h("table", { class: "list stack fixed narrow" }, list), more))));
}

async function findingView(n, query) {
  const f = findings.get(n);
  if (!f) return h("p", { class: "empty" }, `Finding ${n} has no page here; it stands in report.json.`);
  const r = byId.get(f.id), session = sessionAt.get(f.session);
  const before = findings.get(n - 1), after = findings.get(n + 1);
  return h("div", {},
    h("div", { class: "crumbs" }, h("a", { href: "#/findings" }, "Findings"), "/", h("a", { href: `#/requirement/${r.id}` }, r.id), "/", h("span", {}, `finding ${n}`),
      h("span", { class: "step" }, before && h("a", { href: `#/finding/${n - 1}`, "data-step": "-1" }, "← previous"), after && h("a", { href: `#/finding/${n + 1}`, "data-step": "1" }, "next →"))),
    h("div", { class: `finding-head g-${f.grade}` }, h("span", { class: "id" }, r.id), h("h1", {}, r.title), requirementChips(r)),
    h("div", { class: "two" },
      h("div", {},
        block("What was observed", h("div", { class: `seen g-${f.grade}` }, h("p", {}, f.observed), whereabouts(f, session)), f.contested && h("p", { class: "muted" }, "Sources disagree about this variant, so it only warns."), f.spec_defect && h("p", { class: "muted" }, f.spec_defect)),
        requirementText(r),
        f.also.length > 0 && block("The same act also breaks", h("p", {}, f.also.map((id) => [h("a", { href: `#/requirement/${id}` }, h("span", { class: "id" }, id), " ", byId.get(id)?.title || ""), h("br")]))),
        block("Run it again", command(f.again)), requirementSource(r)),
      h("div", {}, await evidenceOf(f), aroundIt(f))));
}
function whereabouts(f, session) {
  const bits = [];
  if (f.exchange) bits.push(h("a", { href: `#/message/${f.exchange}` }, `message #${f.exchange}`), f.pointer && h("code", {}, f.pointer));
  if (session !== undefined) bits.push(h("a", { href: `#/session/${session}` }, "trace of the session"));
  if (f.evse) bits.push(h("span", { class: "mono" }, f.evse));
  if (f.scenario) bits.push(h("span", {}, `scenario ${f.scenario}`));
  const shown = bits.filter(Boolean);
  return shown.length > 0 && h("p", { class: "at" }, shown.map((x, i) => [i > 0 && " · ", x]));
}
async function evidenceOf(f) {
  if (f.excerpt) return block("In the message", wire(f.excerpt));
  if (f.exchange) {
    const row = exchangeRow(f.exchange);
    return h("div", {}, h("h3", { class: "caption" }, "In the message"), h("p", {}, h("a", { href: `#/message/${f.exchange}` }, row ? messageTitle(row) : `#${f.exchange}`), " ", row && h("span", { class: "muted" }, `${DIRECTIONS[row.direction]} at ${clock(row.t)}`)), await focusedCards(f));
  }
  if (f.seen) return block("What the charge point showed", h("article", { class: "card" }, h("header", {}, h("b", {}, f.seen.observed.replaceAll("_", " ")), h("span", { class: "right muted" }, clock(f.seen.t))), wire(JSON.stringify(f.seen.data))));
  return null;
}
async function focusedCards(f) {
  const row = exchangeRow(f.exchange), detail = await exchangeDetail(f.exchange);
  if (!row || !detail) return null;
  const cards = [await requestCard(row, detail, f.in_answer ? [] : [f.pointer]), await answerCard(row, detail, f.in_answer ? [f.pointer] : [])];
  return h("div", {}, f.in_answer ? cards.reverse() : cards);
}
function aroundIt(f) {
  if (!f.exchange) return null;
  const x = data.exchanges, at = rowOf.get(f.exchange), session = x.session[at];
  const same = (i) => (session ? x.session[i] === session : x.direction[i] === x.direction[at] && x.partner[i] === x.partner[at]);
  const near = (step) => { for (let i = at + step; i >= 0 && i < x.n.length; i += step) if (same(i)) return i; return -1; };
  const places = [near(-1), at, near(1)];
  const item = (i, here) => {
    const row = exchangeRow(x.n[i]);
    return h("li", { class: here ? "here" : "" }, h("a", { href: `#/message/${row.n}` }, messageTitle(row)), " ", h("span", { class: "muted" }, answered(row)), h("div", { class: "t" }, `${clock(row.t)} · ${DIRECTIONS[row.direction]} · took ${pretty(row.ms)}`));
  };
  return block(session ? "Before and after, in the same session" : "Before and after, from the same partner", h("ol", { class: "around" }, places.map((i) => (i < 0 ? null : item(i, i === at)))));
}
