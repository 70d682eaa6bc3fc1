// Messages as they stood on the wire: a reader that keeps every digit and every doubled member, drawn folded.

// --- JSON with its spelling kept. Nodes: {k: "o"|"a"|"v"|"junk", items: [[key, node]], raw, cls} ---
function readJson(text) {
  let at = 0;
  const blank = () => { while (at < text.length && " \t\r\n\ufeff".includes(text[at])) at++; };
  const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|[^\s,:{}[\]"]+/y;
  function token() {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw at;
    at = TOKEN.lastIndex;
    return found[0];
  }
  const KEYED = { "{": "}", "[": "]" };
  function node(depth) {
    blank();
    const open = text[at];
    if (!(open in KEYED)) {
      const raw = token();
      return { k: "v", raw, cls: raw[0] === '"' ? "s" : /^[-0-9]/.test(raw) ? "n" : "w" };
    }
    if (depth > 200) throw at;
    const found = { k: open === "{" ? "o" : "a", items: [] };
    at++;
    blank();
    while (text[at] !== KEYED[open]) {
      let key = String(found.items.length);
      if (open === "{") {
        blank();
        key = token();
        blank();
        if (text[at++] !== ":") throw at;
      }
      found.items.push([key, node(depth + 1)]);
      blank();
      if (text[at] === ",") { at++; blank(); }
      else if (text[at] !== KEYED[open]) throw at;
    }
    at++;
    return found;
  }
  try {
    const found = node(0);
    blank();
    return at < text.length ? null : found;
  } catch { return null; }
}
const keyName = (raw) => { try { return JSON.parse(raw); } catch { return raw; } };
const pathOf = (pointer) => (pointer || "").split("/").slice(1).map((x) => x.replaceAll("~1", "/").replaceAll("~0", "~"));

// Draws a body; `pointers` are highlighted and unfolded. Returns the element.
function wire(text, pointers = []) {
  const box = h("div", { class: "wire", tabindex: "0", role: "region", "aria-label": "Message body" });
  if (!text) return fill(box, {}, [h("pre", { class: "p" }, "(empty body)")]);
  const root = readJson(text);
  if (!root) return fill(box, {}, [h("pre", {}, text.slice(0, 200000)), text.length > 200000 && h("pre", { class: "junk" }, "… cut here; complete in evidence.jsonl")]);
  const marks = pointers.filter((x) => x !== null && x !== undefined).map(pathOf);
  drawNode(box, root, null, 0, marks, "", countOf(root) > 60);
  requestAnimationFrame(() => {
    const hit = box.querySelector(".hit");
    if (hit) box.scrollTop = Math.max(0, hit.offsetTop - box.offsetTop - box.clientHeight / 3);
  });
  return box;
}
function countOf(node, limit = 100) {
  let found = 1;
  for (const [, child] of node.items || []) if ((found += countOf(child, limit)) > limit) break;
  return found;
}
function line(depth, hit, ...content) {
  const element = h("div", { class: "l" + (hit ? " hit" : "") }, ...content);
  element.style.setProperty("--d", depth);
  return element;
}
const FEW = 40;
function drawNode(into, node, key, depth, marks, tail, folding) {
  const hit = marks.some((path) => path.length === 0);
  const inside = marks.filter((path) => path.length > 0);
  const label = key === null ? [] : [h("span", { class: "k" }, key), h("span", { class: "p" }, ": ")];
  if (node.k === "v") { into.append(line(depth, hit, label, h("span", { class: node.cls }, node.raw), h("span", { class: "p" }, tail))); return; }
  const [open, close] = node.k === "o" ? "{}" : "[]";
  if (!node.items.length) { into.append(line(depth, hit, label, h("span", { class: "p" }, open + close + tail))); return; }
  const head = line(depth, hit, label, h("span", { class: "p" }, open));
  const body = h("div", {});
  const foot = line(depth, hit, h("span", { class: "p" }, close + tail));
  const size = counted(node.items.length, node.k === "o" ? "member" : "element");
  const toggle = h("button", { type: "button", "aria-expanded": "true", title: size }, "−");
  let drawn = false;
  const show = (open_) => {
    if (open_ && !drawn) { drawItems(body, node, depth + 1, inside, folding); drawn = true; }
    body.hidden = foot.hidden = !open_;
    toggle.setAttribute("aria-expanded", String(open_));
    toggle.textContent = open_ ? "−" : `${size} ${close}`;
  };
  toggle.addEventListener("click", () => show(body.hidden));
  head.append(" ", toggle);
  into.append(head, body, foot);
  show(inside.length > 0 || depth < 2 || !folding || (hit && depth < 6));
}
function drawItems(into, node, depth, marks, folding) {
  const wanted = new Set(marks.map((path) => path[0]));
  const skipped = [];
  const flush = () => {
    if (!skipped.length) return;
    const rest = skipped.splice(0);
    const holder = h("div", {});
    const button = h("button", { type: "button" }, `show ${thousands(rest.length)} more`);
    button.addEventListener("click", () => {
      const next = rest.splice(0, 200);
      const piece = document.createDocumentFragment();
      next.forEach((i) => one(piece, i));
      holder.before(piece);
      if (rest.length) button.textContent = `show ${thousands(rest.length)} more`; else holder.remove();
    });
    holder.append(line(depth, false, button));
    into.append(holder);
  };
  const one = (target, i) => {
    const [raw, child] = node.items[i];
    const name = node.k === "o" ? keyName(raw) : raw;
    const below = marks.filter((path) => path[0] === name).map((path) => path.slice(1));
    drawNode(target, child, node.k === "o" ? raw : null, depth, below, i < node.items.length - 1 ? "," : "", folding);
  };
  node.items.forEach(([raw], i) => {
    const name = node.k === "o" ? keyName(raw) : raw;
    if (node.items.length <= FEW * 2 || i < FEW || wanted.has(name)) { flush(); one(into, i); } else skipped.push(i);
  });
  flush();
  for (const path of marks) {
    const known = node.items.some(([raw]) => (node.k === "o" ? keyName(raw) : raw) === path[0]);
    if (!known && path.length === 1) into.append(line(depth, true, h("span", { class: "p" }, `${path[0]} is missing here`)));
  }
}

// --- one exchange ---
async function bodyText(body) {
  if (body === undefined) return { text: "", note: "" };
  if (typeof body === "string") return { text: body, note: "" };
  const held = await blob(body.blob);
  return { text: held.text, note: body.cut ? `The message has ${bytes(body.bytes)}; the first ${bytes(held.text.length)} are shown, all of it is in evidence.jsonl.` : "" };
}
function keyValues(pairs) {
  const rows = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return h("dl", { class: "kv" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
}
function folded(title, content) {
  return h("details", { class: "meta-box" }, h("summary", {}, title), content);
}
async function messageCards(n, { only = null } = {}) {
  const row = exchangeRow(n), detail = await exchangeDetail(n);
  if (!row || !detail) return h("p", { class: "empty" }, `There is no message ${n} in this recording.`);
  const mine = findingsOn(n);
  const pointers = (answer) => mine.filter((f) => Boolean(f.in_answer) === answer).map((f) => f.pointer);
  const cards = [];
  if (only !== "answer") cards.push(await requestCard(row, detail, pointers(false)));
  if (only !== "request") cards.push(await answerCard(row, detail, pointers(true)));
  return h("div", {}, cards);
}
async function requestCard(row, detail, pointers) {
  const { text, note } = await bodyText(detail.body);
  const tls = detail.tls;
  return h("article", { class: "card" },
    h("header", {}, h("b", {}, "Request"), h("span", { class: "mono" }, `${detail.method} ${detail.target}`), h("span", { class: "right muted" }, `${clock(row.t)} · ${bytes(row.bytes)}`)),
    detail.headers && folded(counted(detail.headers.length, "header"), keyValues(detail.headers)),
    tls && folded(`TLS ${tls.version || "not used"}${tls.certificate ? "" : ", no certificate presented"}`, keyValues([["trusted", String(tls.trusted)], ["partner", tls.partner], ...Object.entries(tls.certificate || {})])),
    (detail.faults || detail.recorder || detail.overlaps) && folded("Notes of the recorder", keyValues([["faults", (detail.faults || []).join(", ")], ["overlaps", (detail.overlaps || []).join(", ")], ["connection", detail.connection], ["sent", detail.at], ["url", detail.url], ...Object.entries(detail.recorder || {})])),
    note && h("p", { class: "meta" }, note), wire(text, pointers));
}
async function answerCard(row, detail, pointers) {
  const answer = detail.answer;
  if (!answer) return h("article", { class: "card" }, h("header", {}, h("b", {}, "No answer"), h("span", {}, detail.error || ""), h("span", { class: "right muted" }, pretty(row.ms))));
  const { text, note } = await bodyText(answer.body);
  return h("article", { class: "card" },
    h("header", {}, h("b", {}, "Answer"), h("span", { class: "mono" }, answered(row)), detail.error && h("span", { class: "t-violated" }, detail.error), h("span", { class: "right muted" }, `after ${pretty(row.ms)}`)),
    answer.headers && folded(counted(answer.headers.length, "header"), keyValues(answer.headers)),
    note && h("p", { class: "meta" }, note), wire(text, pointers));
}
function messageTitle(row) {
  return [h("span", { class: "muted" }, `#${row.n} `), operationName(row)];
}
async function messageView(n) {
  const row = exchangeRow(n);
  if (!row) return h("p", { class: "empty" }, `There is no message ${n} in this recording.`);
  const mine = findingsOn(n), session = sessionAt.get(row.session);
  return h("div", {},
    h("div", { class: "crumbs" }, h("a", { href: "#/messages" }, "Messages"), "/", h("span", {}, `#${n}`), h("span", { class: "step" },
      exchangeRow(n - 1) && h("a", { href: `#/message/${n - 1}`, "data-step": "-1" }, "← previous"), exchangeRow(n + 1) && h("a", { href: `#/message/${n + 1}`, "data-step": "1" }, "next →"))),
    h("div", { class: "head" }, h("h1", {}, messageTitle(row))),
    h("dl", { class: "tiles" }, tile("Direction", DIRECTIONS[row.direction]), tile("Partner", row.partner || "–"), tile("At", clock(row.t)), tile("Answer", `${answered(row)} after ${pretty(row.ms)}`),
      session !== undefined && tile("Session", h("a", { href: `#/session/${session}`, class: "mono" }, row.session))),
    mine.length > 0 && h("div", { class: "block" }, h("h3", {}, "Findings"), h("ul", { class: "plain" }, mine.map(findingLine))),
    await messageCards(n));
}
const tile = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

// --- the list ---
function messagesView(query) {
  const all = data.exchanges.n.map((n) => n);
  const target = h("tbody", {}), more = h("div", {}), count = h("p", { class: "muted" });
  const operations = [...new Set(data.exchanges.operation)].sort();
  const pick = h("select", { "aria-label": "Operation" }, h("option", { value: "" }, "All operations"), operations.map((o) => h("option", { value: o || "-", selected: query.get("operation") === o }, o || "unknown path")));
  const bad = h("button", { type: "button", class: "toggle", "aria-pressed": String(query.get("bad") === "1") }, "With findings");
  const text = h("input", { type: "search", placeholder: "Filter: partner, code, session, EVSE …", "aria-label": "Filter", value: query.get("q") || "" });
  const update = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((n, i) => {
      const x = data.exchanges;
      if (pick.value && (x.operation[i] || "-") !== pick.value) return false;
      if (bad.getAttribute("aria-pressed") === "true" && !x.grade[i]) return false;
      if (!words.length) return true;
      const said = `#${n} ${x.operation[i]} ${x.target[i]} ${x.partner[i]} ${x.http[i]} ${x.code[i]} ${x.session[i]} ${DIRECTIONS[x.direction[i]]} ${evseOf(x.session[i])}`.toLowerCase();
      return words.every((w) => said.includes(w));
    });
    count.textContent = `${thousands(found.length)} of ${thousands(all.length)} messages`;
    portions(found, (n) => messageRow(exchangeRow(n)), target, more);
    if (!found.length) target.append(h("tr", {}, h("td", { colspan: 7, class: "empty" }, "Nothing matches.")));
  };
  bad.addEventListener("click", () => { bad.setAttribute("aria-pressed", String(bad.getAttribute("aria-pressed") !== "true")); update(); });
  text.addEventListener("input", update);
  pick.addEventListener("change", update);
  update();
  return h("div", {}, h("div", { class: "head" }, h("div", {}, h("h1", {}, "Messages"), count)),
    h("div", { class: "filters" }, text, pick, bad),
    h("table", { class: "list stack" }, h("thead", {}, h("tr", {}, ["#", "At", "Direction", "Operation", "Answer", "Took", "Session"].map((x) => h("th", { scope: "col" }, x)))), target), more);
}
const evseOf = (session) => data.sessions[sessionAt.get(session)]?.evse || "";
function messageRow(row) {
  return h("tr", { "data-href": `#/message/${row.n}` },
    h("td", { class: "tight mono muted" }, row.n), h("td", { class: "tight mono muted" }, clock(row.t)), h("td", { class: "tight" }, DIRECTIONS[row.direction]),
    h("td", { class: "block-cell" }, h("a", { href: `#/message/${row.n}` }, operationName(row)), " ", row.grade && chip(row.grade, "g-" + row.grade), row.faults > 0 && chip("fault")),
    h("td", { class: "tight" + (row.http && row.http < 400 ? "" : " t-violated") }, answered(row)), h("td", { class: "tight muted" }, pretty(row.ms)), h("td", { class: "mono muted" }, row.session ? row.session.slice(0, 13) : ""));
}
