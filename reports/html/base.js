// Small helpers: elements are made with text nodes only, so nothing from the wire is ever read as markup.
const SVG = "http://www.w3.org/2000/svg";
const $ = (selector, root = document) => root.querySelector(selector);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}
const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

// Words of the catalogue: what stands between backticks is code.
const prose = (text) => String(text || "").split("`").map((part, i, all) => (i % 2 && i < all.length - 1 ? h("code", {}, part) : i % 2 ? "`" + part : part));
const chip = (text, cls = "") => h("span", { class: "chip " + cls }, text);
const seconds = (x, digits = 3) => (x === null || x === undefined ? "–" : x.toFixed(digits) + " s");
const clock = (t) => "+" + (t ?? 0).toFixed(3) + " s";
const thousands = (x) => Number(x).toLocaleString("en-US");
const counted = (n, noun) => `${thousands(n)} ${noun}${n === 1 ? "" : "s"}`;
const bytes = (x) => (x < 1000 ? x + " B" : x < 1e6 ? (x / 1000).toFixed(1) + " kB" : (x / 1e6).toFixed(1) + " MB");
const pretty = (ms) => (ms === null || ms === undefined ? "–" : ms < 1000 ? ms + " ms" : (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s");
const WORDS = {
  violated: "violated", crashed: "bench failed", warned: "warned", conforms: "conforms",
  "not-exercised": "not exercised", "not-applicable": "not applicable",
};
const OUTCOMES = Object.keys(WORDS);
const DIRECTIONS = {
  cpo_to_hub: "CPO → hub", hub_to_cpo: "hub → CPO", emp_to_hub: "EMP → hub", hub_to_emp: "hub → EMP",
};

// --- packed data: gzip in base64, unpacked when it is looked at ---
const unpacked = new Map();
function blob(position) {
  if (!unpacked.has(position)) unpacked.set(position, unpack($("#blob-" + position).textContent));
  return unpacked.get(position);
}
async function unpack(base64) {
  const raw = atob(base64);
  const packed = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) packed[i] = raw.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
async function fromChunks(chunks, number, pick) {
  const chunk = chunks.find(([first, last]) => first <= number && number <= last);
  return chunk ? pick(await blob(chunk[2]), chunk[0]) : null;
}

let data = null; // the index
const byId = new Map(); // requirement id -> requirement
const findings = new Map(); // number -> finding
const rowOf = new Map(); // exchange number -> its place in the columns
const sessionAt = new Map(); // session id -> its place in the list

function index(value) {
  data = value;
  for (const r of data.requirements) byId.set(r.id, Object.assign(r, { findings: [] }));
  for (const f of data.findings) {
    findings.set(f.n, f);
    byId.get(f.id)?.findings.push(f);
  }
  data.exchanges.n.forEach((n, i) => rowOf.set(n, i));
  data.sessions.forEach((x, i) => sessionAt.set(x.id, i));
}
function exchangeRow(n) {
  const at = rowOf.get(n);
  if (at === undefined) return null;
  const row = { at };
  for (const name in data.exchanges) row[name] = data.exchanges[name][at];
  return row;
}
const exchangeDetail = (n) => fromChunks(data.exchange_chunks, n, (rows) => rows.find((x) => x.n === n));
const traceOf = (i) => fromChunks(data.trace_chunks, i, (rows, first) => rows[i - first]);
const findingsOn = (n) => data.findings.filter((f) => f.exchange === n);
const operationName = (row) => row.operation || row.target || "unknown path";
const answered = (row) => (row.http ? [row.http, row.code].filter(Boolean).join(" · ") : "no answer");

function command(text) {
  const button = h("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
    catch { getSelection().selectAllChildren(code); button.textContent = "Selected"; }
  });
  const code = h("code", {}, text);
  return h("div", { class: "cmd" }, code, button);
}
const block = (title, ...content) => h("div", { class: "block" }, h("h3", {}, title), ...content);

// A list that draws its rows in portions, so that 10,000 rows open at once.
function portions(items, draw, target, more, size = 200) {
  let drawn = 0;
  const button = h("button", { type: "button", class: "more" });
  const step = () => {
    target.append(...items.slice(drawn, drawn + size).map(draw));
    drawn = Math.min(items.length, drawn + size);
    button.textContent = `Show ${thousands(Math.min(size, items.length - drawn))} more of ${thousands(items.length)}`;
    button.hidden = drawn >= items.length;
  };
  button.addEventListener("click", step);
  more.replaceChildren(button);
  target.replaceChildren();
  step();
}
