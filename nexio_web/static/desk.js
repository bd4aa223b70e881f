// Reception: the page comes whole from the server; this keeps it current and alive without it.
const at = (id) => document.getElementById(id);

const EVERY = 2000; // a desk that is turned away shows nobody any more within seconds
const PATIENCE = 10_000;
const LONGEST_ALONE = 12 * 3600_000; // then the names go, although nobody has said so
const TICKS = "nexio-desk-ticks";
const TICKS_LAST = 24 * 3600_000;

let seen = Date.now(); // when the server has answered last
let away = false;
let tag = "";
let view = document.querySelector("[aria-current]")?.dataset.view ?? "people";
let ticks = remembered();
const came = new Map(["lists", "roll"].map((id) => [id, at(id).outerHTML]));

// A browser reads an answer as a document for us, as text must not become markup here.
function ask(method, path, fields) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = "document";
    request.timeout = PATIENCE;
    if (path === "/desk/people" && tag) request.setRequestHeader("If-None-Match", tag);
    request.onload = () => {
      if (request.status === 401) leave();
      else if (request.status >= 500 || (request.status !== 304 && !request.response)) reject(new Error(request.status));
      else resolve(request);
    };
    request.onerror = request.ontimeout = reject;
    request.send(fields);
  });
}

// Nobody's name stays in a browser that is not logged in.
function leave() {
  forget();
  document.body.replaceChildren();
  window.removeEventListener("beforeunload", hold);
  location.replace("/desk");
}

function swap(id, fresh) {
  const old = at(id);
  const focused = document.activeElement?.id;
  old.replaceWith(document.adoptNode(fresh));
  if (focused && document.activeElement?.id !== focused) at(focused)?.focus({ preventScroll: true });
}

function take(answer) {
  for (const id of came.keys()) {
    const fresh = answer.getElementById(id);
    if (!fresh || fresh.outerHTML === came.get(id)) continue;
    came.set(id, fresh.outerHTML);
    if (id === "roll" && view === "evacuation") keepThoseWhoLeft(fresh);
    swap(id, fresh);
  }
  sift();
  tick();
}

// While somebody counts heads, nobody is dropped from the list.
function keepThoseWhoLeft(fresh) {
  fresh.querySelector(".nobody")?.remove();
  for (const row of at("roll").querySelectorAll("li[id]")) {
    if (fresh.querySelector(`#${row.id}`)) continue;
    row.classList.add("gone");
    row.querySelector(".since").textContent = at("evacuation").dataset.gone;
    fresh.append(row);
  }
}

async function poll() {
  try {
    const answer = await ask("GET", "/desk/people");
    if (answer.status === 200) {
      tag = answer.getResponseHeader("ETag");
      take(answer.response);
    }
    answered();
  } catch {
    away = true;
  }
  tell();
  if (Date.now() - seen > LONGEST_ALONE) leave();
  else setTimeout(poll, EVERY);
}

function answered() {
  seen = Date.now();
  away = false;
}

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: at("age").dataset.zone });

function tell() {
  const age = at("age");
  const minutes = Math.floor((Date.now() - seen) / 60_000);
  const old = age.dataset.away.replace("TIME", clock.format(seen)).replace("MINUTES", minutes);
  const words = away ? old : age.dataset.fresh;
  if (age.textContent !== words) age.textContent = words;
  age.classList.toggle("away", away);
  at("asof").textContent = clock.format(seen);
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  form.ariaBusy = "true";
  try {
    const { response } = await ask("POST", button?.getAttribute("formaction") ?? form.getAttribute("action"), fields);
    answered();
    const id = form.id === "enrol" ? "register" : "notice";
    const fresh = response.getElementById(id);
    if (fresh) swap(id, fresh);
    take(response);
    if (id === "register") {
      show("register");
      (at("register").querySelector("[aria-invalid]") ?? at("register").querySelector("h1")).focus();
    } else if (!document.activeElement || document.activeElement === document.body) {
      at("search").focus({ preventScroll: true });
    }
  } catch {
    away = true;
    complain(form);
  }
  form.ariaBusy = null;
  tell();
}

function complain(form) {
  const said = document.createElement("p");
  said.className = "notice bad";
  said.setAttribute("role", "alert");
  said.textContent = at("age").dataset.lost;
  if (form.id === "enrol") {
    form.querySelector(".notice")?.remove();
    form.prepend(said);
    said.scrollIntoView({ block: "center" });
  } else {
    at("notice").replaceChildren(said);
  }
}

function show(name) {
  if (view === "register" && name !== view && "done" in at("register").dataset) renew(); // a PIN stands there
  view = name;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.ariaCurrent = "page";
    else link.ariaCurrent = null;
  }
  if (name !== "people") at("notice").replaceChildren();
}

async function renew() {
  at("register").querySelector(".pin")?.remove();
  try {
    const { response } = await ask("GET", "/desk/register");
    const fresh = response.getElementById("register");
    fresh.hidden = view !== "register";
    swap("register", fresh);
    if (view === "register") at("first_name").focus();
  } catch {
    away = true;
    tell();
  }
}

function sift() {
  const wanted = at("search").value.trim().normalize("NFKC").toLowerCase();
  for (const list of document.querySelectorAll("[data-list]")) {
    let shown = 0;
    for (const card of list.children) {
      card.hidden = !card.dataset.search.includes(wanted);
      shown += card.hidden ? 0 : 1;
    }
    const nobody = list.nextElementSibling;
    nobody.hidden = shown > 0;
    nobody.textContent = wanted ? nobody.dataset.nothing : nobody.dataset.nobody;
    list.previousElementSibling.querySelector(".count").textContent = shown;
  }
}

// Ticks are numbers of stays, and no names; they outlive a reload, and not a logout.
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(TICKS)) ?? {};
    return new Set(Date.now() - kept.at < TICKS_LAST ? kept.stays : []);
  } catch {
    return new Set();
  }
}

function remember() {
  try {
    if (ticks.size) localStorage.setItem(TICKS, JSON.stringify({ at: Date.now(), stays: [...ticks] }));
    else localStorage.removeItem(TICKS);
  } catch {
    // the page has them all the same
  }
}

function forget() {
  ticks = new Set();
  remember();
}

function tick() {
  const boxes = [...at("roll").querySelectorAll("input")];
  for (const box of boxes) box.checked = ticks.has(box.value);
  const { counted } = at("evacuation").dataset;
  const words = counted.replace("TICKED", boxes.filter((box) => box.checked).length).replace("ALL", boxes.length);
  if (at("counted").textContent !== words) at("counted").textContent = words;
}

function hold(event) {
  if (away) event.preventDefault(); // a reload would lose the list
}

document.addEventListener("submit", (event) => {
  if (event.target.id === "leave") {
    window.removeEventListener("beforeunload", hold);
    forget();
    return;
  }
  event.preventDefault();
  if (event.target.matches(".search")) return;
  if (event.target.ariaBusy !== "true") send(event.target, event.submitter);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view], a[data-fresh]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if ("fresh" in link.dataset) {
    renew();
    return;
  }
  if (link.dataset.view !== view) history.pushState(null, "", link.getAttribute("href"));
  show(link.dataset.view);
  (view === "people" ? at("search") : (at(view).querySelector("form input:not([type=hidden])") ?? at(view).querySelector("h1"))).focus();
});

window.addEventListener("popstate", () => show(location.pathname.split("/")[2] ?? "people"));
window.addEventListener("beforeunload", hold);
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
at("search").addEventListener("input", sift);
at("roll").ownerDocument.addEventListener("change", ({ target }) => {
  if (!target.closest("#roll")) return;
  if (target.checked) ticks.add(target.value);
  else ticks.delete(target.value);
  remember();
  tick();
});
at("print").addEventListener("click", () => window.print());
at("untick").addEventListener("click", () => {
  forget();
  tick();
});

document.documentElement.classList.add("with-script");
sift();
tick();
poll();
