// Pages by #hash, keyboard, theme.
const VIEWS = {
  findings: (rest, query) => findingsView(query), finding: (rest, query) => findingView(Number(rest), query), requirement: (rest) => requirementView(rest),
  sessions: (rest, query) => sessionsView(query), session: (rest) => sessionView(Number(rest)), coverage: (rest, query) => coverageView(query),
  readiness: () => readinessView(), messages: (rest, query) => messagesView(query), message: (rest) => messageView(Number(rest)), scenarios: () => scenariosView(),
};
const PARENT = { finding: "findings", requirement: "coverage", session: "sessions", message: "messages" };
const view = $("#view"), overview = $("#overview");
let ready = null, turn = 0;

async function route(first = false) {
  const mine = ++turn;
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  const build = VIEWS[name];
  $("#drawer").close();
  for (const a of document.querySelectorAll("#nav a")) {
    const target = a.getAttribute("href").slice(2);
    if (target === (build ? PARENT[name] || name : "")) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
  }
  if (!build) { overview.hidden = false; view.hidden = true; if (!first) arrive(); return; }
  let content;
  try {
    await ready;
    content = await build(decodeURIComponent(rest.join("/")), new URLSearchParams(search));
  } catch (fault) {
    content = h("p", { class: "empty" }, `This page cannot be shown: ${fault.message}. A browser of 2023 or later is needed.`);
  }
  if (mine !== turn) return;
  view.replaceChildren(content);
  view.dataset.view = name;
  overview.hidden = true;
  view.hidden = false;
  arrive();
}
function arrive() {
  scrollTo(0, 0);
  $("#main").focus({ preventScroll: true });
}

async function drawer(title, content, href) {
  const box = $("#drawer");
  const close = h("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => box.close());
  box.replaceChildren(close, h("h2", {}, href ? h("a", { href }, title) : title), await content);
  if (!box.open) box.showModal();
}
$("#drawer").addEventListener("click", (event) => { if (event.target === event.currentTarget) event.currentTarget.close(); });

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button") && !String(getSelection())) location.hash = row.dataset.href;
});

$(".skip").addEventListener("click", (event) => { event.preventDefault(); arrive(); });

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("oicp-bench-theme", root.dataset.theme); } catch { /* a file may not be allowed to remember */ }
}
try { const kept = localStorage.getItem("oicp-bench-theme"); if (kept) document.documentElement.dataset.theme = kept; } catch { /* as above */ }
$("#theme").addEventListener("click", theme);

function move(step) {
  const link = view.hidden ? null : $(`[data-step="${step}"]`, view);
  if (link) { location.hash = link.getAttribute("href"); return; }
  const rows = [...document.querySelectorAll("main .view:not([hidden]) tr[data-href], main .view:not([hidden]) .problem")].filter((x) => x.offsetParent);
  const at = rows.findIndex((x) => x.classList.contains("cursor"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!next) return;
  rows[at]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.scrollIntoView({ block: "nearest" });
  $("a", next)?.focus({ preventScroll: true });
}
const KEYS = {
  "/": () => { const field = $('input[type="search"]', view); if (view.hidden || !field) location.hash = "#/findings"; else field.select(); },
  j: () => move(1), k: () => move(-1), t: theme, o: () => { location.hash = "#/"; }, f: () => { location.hash = "#/findings"; },
  s: () => { location.hash = "#/sessions"; }, c: () => { location.hash = "#/coverage"; }, m: () => { location.hash = "#/messages"; },
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#drawer").open) return;
  if (event.target.closest("input, select, textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  const action = KEYS[event.key];
  if (action) { event.preventDefault(); action(); }
});

const last = [...document.querySelectorAll('script[id^="blob-"]')].length - 1;
ready = blob(last).then(index);
ready.catch(() => { /* each page says so itself */ });
addEventListener("hashchange", () => route());
let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => { if (view.dataset.view === "session" && !view.hidden && !$("#drawer").open) route(); }, 200); });
route(true);
