// The tablet at the door: one screen, which shows what the server says and keeps nothing.
import { look } from "./camera.js";
import * as offline from "./offline.js";

const at = (id) => document.getElementById(id);

const STATE_EVERY = 3000; // a tablet that is turned away shows the pairing page within seconds
const IDLE_AFTER = 20; // seconds without a touch until everything that was typed is gone
const COUNTED = 10; // of these, the last ones are counted aloud
const SHOWN = 6; // seconds that a confirmation stays
const READ = 12; // seconds that a refusal stays, which has to be read
const UNDO = 10; // seconds that an undo is offered
const SILENT = 60_000; // after a PIN without an answer the next one may be the same: so long we say so

// What the page says, in every language: it changes without the server.
const WORDS = JSON.parse(at("words").dataset.words);
const HOME = document.documentElement.lang;
let language = HOME;

const NOTHING = { code: "", email: "", scanned: "", id: "" };
let typed = { ...NOTHING };
let busy = false;
let left = 0; // seconds until the start
let undo = { ticket: null, until: 0 };
let isAway = false;
let silentUntil = 0;

function say(text, values = {}) {
  return WORDS[language][text].replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

function put(element, text) {
  element.dataset.say = text;
  element.textContent = say(text);
}

function speak(code) {
  language = document.documentElement.lang = code;
  const main = document.querySelector("main");
  document.title = say(main.dataset.title, { location: main.dataset.location });
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  for (const each of document.querySelectorAll("[data-label]")) {
    each.setAttribute("aria-label", say(each.dataset.label));
  }
  for (const each of document.querySelectorAll("[data-language]")) {
    each.setAttribute("aria-pressed", String(each.dataset.language === code));
  }
}

function show(id) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
  at("undo-later").hidden = true;
}

function start() {
  typed = { ...NOTHING };
  at("code").value = at("address").value = "";
  at("code").classList.add("masked");
  at("show").setAttribute("aria-pressed", "false");
  at("said").textContent = "";
  left = 0;
  at("leave").hidden = true;
  speak(HOME);
  show("start");
  at("undo-later").hidden = !undo.ticket || performance.now() > undo.until;
  document.querySelector("#start h1").focus();
}

function type(who, first = "") {
  undo = { ticket: null, until: 0 }; // the next person has no business with it
  typed = { ...NOTHING };
  put(at("asked"), at("asked").dataset[who]);
  at("code").value = first;
  show("typing");
  at("code").focus();
  touched();
}

function touched() {
  left = IDLE_AFTER;
  countdown();
}

function countdown() {
  const counts = left > 0 && left <= COUNTED;
  for (const each of document.querySelectorAll(".countdown")) {
    if (counts) each.textContent = say(each.dataset.words, { seconds: left });
    each.style.visibility = counts ? "" : "hidden"; // it keeps its place: no button moves below a finger
  }
}

setInterval(() => {
  if (undo.ticket && performance.now() > undo.until) {
    undo = { ticket: null, until: 0 };
    at("undo").hidden = at("undo-later").hidden = true;
  }
  if (busy || left === 0) return;
  left -= 1;
  countdown();
  if (left === 0) start();
}, 1000);

async function send(path, fields) {
  if (busy) return;
  busy = true;
  const asked = Date.now();
  try {
    // What waits comes first: a later tap of the same person must not overtake it.
    if (fields.id && (isAway || offline.waits())) throw new Error("away");
    const answer = await fetch(path, {
      method: "POST",
      body: new URLSearchParams({ ...fields, language }),
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    tell(await answer.json());
    silentUntil = 0;
  } catch {
    await tellAway(path, fields, asked);
  } finally {
    busy = false;
  }
}

// A code can be noted: it is signed, and the server judges it later. A PIN must not be kept.
async function tellAway(path, fields, asked) {
  const words = at("result").dataset;
  const isTap = path === "/kiosk/tap";
  if (isTap && fields.id && (await offline.note(fields.id, fields.code, fields.way, asked))) {
    tell({ kind: "noted", title: say(words.noted), lines: [say(words.confirm)], undo: null });
    return;
  }
  if (isTap && !fields.id) silentUntil = performance.now() + SILENT;
  const advice = isTap && !fields.id && offline.canKeep() ? words.code : words.advice;
  tell({ kind: "refused", title: say(words.away), lines: [say(advice)], undo: null });
}

const isCode = (text) => /NEXIO/i.test(text.slice(0, 12)); // also with what a scanner puts first

function tap(way = "") {
  if (!typed.id && isCode(typed.code)) typed.id = offline.newId();
  send("/kiosk/tap", { ...typed, way, after_silence: performance.now() < silentUntil ? "1" : "" });
}

function tell(screen) {
  at("said").textContent = [screen.title, ...screen.lines].join(" ");
  if (screen.kind === "email") {
    at("email-title").textContent = screen.title;
    at("email-lines").textContent = screen.lines.join(" ");
    show("email");
    at("address").focus();
    touched();
    return;
  }
  const leaving = screen.kind === "leaving";
  at("result").className = `screen result ${screen.kind}`;
  at("title").textContent = screen.title;
  at("lines").replaceChildren(
    ...screen.lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
  );
  undo = { ticket: screen.undo, until: performance.now() + UNDO * 1000 };
  at("undo").hidden = !screen.undo;
  at("leave").hidden = at("stay").hidden = !leaving;
  at("done").hidden = leaving;
  if (!leaving) typed = { ...NOTHING };
  at("code").value = at("address").value = "";
  show("result");
  at("title").focus();
  left = leaving ? IDLE_AFTER : screen.kind === "refused" ? READ : SHOWN;
  play(screen.kind);
}

// One high tone is in, one low one is out, three are for a refusal.
const TONES = { in: [880], out: [440], undone: [440], refused: [330, 330, 330], leaving: [660, 660] };
let audio = null;

function play(kind) {
  if (!audio || at("sound").getAttribute("aria-pressed") !== "true") return;
  (TONES[kind] ?? []).forEach((pitch, number) => {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const from = audio.currentTime + number * 0.18;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.2, from);
    loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.15);
    tone.connect(loudness).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.16);
  });
}

function setSound(on) {
  const button = at("sound");
  button.setAttribute("aria-pressed", String(on));
  put(button, on ? button.dataset.on : button.dataset.off);
  localStorage.setItem("nexio-sound", on ? "on" : "off");
}

at("sound").addEventListener("click", () => setSound(at("sound").getAttribute("aria-pressed") !== "true"));
setSound(localStorage.getItem("nexio-sound") !== "off");

at("visitor").addEventListener("click", () => type("visitor"));
at("member").addEventListener("click", () => type("member"));
for (const each of document.querySelectorAll("[data-language]")) {
  each.addEventListener("click", () => {
    speak(each.dataset.language);
    touched(); // whoever chose it may have gone: the next person finds the language of the house
  });
}
for (const back of document.querySelectorAll(".back")) back.addEventListener("click", start);
at("done").addEventListener("click", start);
at("stay").addEventListener("click", start);
at("leave").addEventListener("click", () => tap("out"));
for (const each of [at("undo"), at("undo-later")]) {
  each.addEventListener("click", () => send("/kiosk/undo", { undo: undo.ticket ?? "" }));
}

for (const key of document.querySelectorAll("[data-digit]")) {
  key.addEventListener("click", () => {
    at("code").value += key.dataset.digit;
  });
}
at("erase").addEventListener("click", () => {
  at("code").value = at("code").value.slice(0, -1);
});
at("show").addEventListener("click", () => {
  const masked = at("code").classList.toggle("masked");
  at("show").setAttribute("aria-pressed", String(!masked));
});

at("pin").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!at("code").value.trim()) return;
  typed.code = at("code").value;
  tap();
});
at("email-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!at("address").value.trim()) return;
  typed.email = at("address").value;
  tap();
});

// A code that is held to the camera; whether it was looked at. A question is answered first.
function held(code) {
  if (busy) return false;
  if (!at("leave").hidden) return true;
  undo = { ticket: null, until: 0 };
  typed = { ...NOTHING, code, scanned: "1" };
  tap();
  return true;
}

look(at("camera"), held).then(
  () => {
    at("camera").hidden = false;
    put(at("hint"), at("hint").dataset.camera);
  },
  () => {}, // no camera, or not allowed: PINs and scanners are enough
);

// A touch anywhere on a confirmation goes back to the start; elsewhere it stops the countdown.
at("result").addEventListener("click", (event) => {
  if (!event.target.closest("button") && at("leave").hidden) start();
});
document.addEventListener("pointerdown", () => {
  audio ??= new AudioContext();
  if (left > 0 && at("result").hidden) touched();
});

// A scanner is a keyboard: what it types on any screen is somebody's code.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || busy) return;
  if (left > 0 && at("result").hidden) touched();
  if (event.target instanceof HTMLInputElement || event.key.length !== 1 || event.key === " ") return;
  event.preventDefault();
  if (at("typing").hidden) {
    type("visitor", event.key);
  } else {
    at("code").value += event.key;
    at("code").focus();
  }
});

async function askState() {
  const asked = Date.now();
  try {
    const answer = await fetch("/kiosk/state", { method: "POST", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const said = await answer.json();
    if (!said.paired) location.reload();
    else await offline.learn(said, asked);
    isAway = false;
    await offline.deliver();
  } catch {
    isAway = true;
    put(at("away"), offline.canKeep() ? at("away").dataset.keeps : at("away").dataset.cannot);
  }
  at("away").hidden = !isAway;
  setTimeout(askState, STATE_EVERY);
}
offline.begin().then(askState);

// The page and our files stay when the server is away. Only by TLS, or on the machine itself.
if (navigator.serviceWorker) {
  const rules = { createScriptURL: () => "/kiosk-worker.js" };
  const url = globalThis.trustedTypes?.createPolicy("worker", rules).createScriptURL("") ?? "/kiosk-worker.js";
  navigator.serviceWorker.register(url, { scope: "/kiosk", updateViaCache: "none" }).catch(() => {});
}

// A screen that sleeps looks broken. Where a browser cannot do it, the tablet's settings can.
const stayAwake = () => navigator.wakeLock?.request("screen").catch(() => {});
document.addEventListener("visibilitychange", stayAwake);
stayAwake();

start();
