// The pass on a phone: it makes a code every 30 seconds of a key that scripts can use and not read.
import { encodeQR } from "./qr/index.js";

const at = (id) => document.getElementById(id);

const STEP = 30_000;
const ASK_EVERY = 2000; // so soon the phone says what the tablet says
const SHOWN = 6000; // so long a confirmation stays
const OCTETS = 15; // of a code
const QUIET = 4; // modules of white around it
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const number = location.pathname.split("/")[2] ?? "";
let mine = null; // { key, prefix, subject, name, location, ahead }
let drawn = null;
let lastTap; // undefined until the server has said it once
let asking = false;
let confirmed = 0; // the timer of a confirmation

function show(id) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
}

function tell(kind, title, lines) {
  at("result").className = `screen result ${kind}`;
  at("title").textContent = title;
  at("lines").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
  );
  at("said").textContent = [title, ...lines].join(" ");
  show("result");
}

// What the phone keeps. The key is not extractable: nobody copies it out of the browser.
function kept(mode, use) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open("nexio-pass", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("passes");
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const request = use(opening.result.transaction("passes", mode).objectStore("passes"));
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    };
  });
}
const read = () => kept("readonly", (passes) => passes.get(number));
const write = () => kept("readwrite", (passes) => passes.put(mine, number));
const forget = () => kept("readwrite", (passes) => passes.delete(number));

function base32(octets) {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31];
    held &= 255;
  }
  return text;
}

async function codeOf(step) {
  const text = new TextEncoder().encode(`${mine.subject}${step}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", mine.key, text));
  return mine.prefix + base32(mac.slice(0, OCTETS));
}

function draw(text) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const canvas = at("code");
  canvas.width = canvas.height = rows.length * 8;
  const picture = canvas.getContext("2d");
  picture.fillStyle = "#ffffff";
  picture.fillRect(0, 0, canvas.width, canvas.height);
  picture.fillStyle = "#000000";
  rows.forEach((row, y) => row.forEach((dark, x) => dark && picture.fillRect(x * 8, y * 8, 8, 8)));
}

async function tick() {
  if (!mine) return;
  const now = Date.now() + mine.ahead; // by the server's clock
  const step = Math.floor(now / STEP);
  at("left").value = Math.ceil((STEP - (now % STEP)) / 1000);
  if (step === drawn) return;
  drawn = step;
  draw(await codeOf(step));
}
setInterval(tick, 250);

function present() {
  at("name").textContent = mine.name;
  at("place").textContent = mine.location;
  if (!confirmed) show("pass");
  tick();
}

async function take(answer, ahead) {
  const { prefix, subject, name, location: place } = answer;
  let key = mine?.key;
  if (answer.key) {
    const octets = Uint8Array.from(atob(answer.key), (each) => each.charCodeAt(0));
    key = await crypto.subtle.importKey("raw", octets, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  }
  // A clock that was set while we waited moves the code; a slow answer does not.
  const moved = !mine || Math.abs(mine.ahead - ahead) > 1000;
  mine = { key, prefix, subject, name, location: place, ahead: moved ? ahead : mine.ahead };
  if (moved) await write();
  at("status").textContent = answer.status;
  if (lastTap !== undefined && lastTap !== answer.tap) confirm(answer);
  lastTap = answer.tap;
  present();
}

function confirm(answer) {
  navigator.vibrate?.(200);
  clearTimeout(confirmed);
  tell(answer.direction ?? "undone", answer.status, []);
  confirmed = setTimeout(unconfirm, SHOWN);
}

function unconfirm() {
  clearTimeout(confirmed);
  confirmed = 0;
  if (mine) show("pass");
}

async function ask(link = "") {
  if (asking) return;
  asking = true;
  const sent = Date.now();
  try {
    const response = await fetch(`/pass/${number}/mine`, {
      method: "POST",
      body: new URLSearchParams({ link, key: mine ? "" : "1" }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(String(response.status));
    const answer = await response.json();
    if (link) history.replaceState(null, "", location.pathname); // it is of no more use
    if (answer.kind === "pass") {
      await take(answer, answer.now - (sent + Date.now()) / 2);
    } else {
      mine = null;
      clearTimeout(confirmed);
      confirmed = 0;
      await forget();
      tell("refused", answer.title, answer.lines);
    }
  } catch {
    if (mine) at("status").textContent = at("status").dataset.offline;
    else if (link) at("failed").hidden = false;
    else show("away");
  } finally {
    asking = false;
  }
}

function keepAsking() {
  if (!document.hidden && at("offer").hidden) ask();
}

at("take").addEventListener("click", () => ask(location.hash.slice(1)));
at("result").addEventListener("click", unconfirm);
document.addEventListener("visibilitychange", () => {
  stayAwake();
  keepAsking();
});
const stayAwake = () => navigator.wakeLock?.request("screen").catch(() => {});

async function begin() {
  if (!crypto.subtle) {
    show("insecure");
    return;
  }
  mine = (await read()) ?? null;
  if (mine) present();
  else if (location.hash.length > 1) show("offer");
  if (at("offer").hidden) await ask();
  setInterval(keepAsking, ASK_EVERY);
  const policy = globalThis.trustedTypes?.createPolicy("worker", {
    createScriptURL: () => "/pass/worker.js",
  });
  navigator.serviceWorker?.register(policy ? policy.createScriptURL("") : "/pass/worker.js");
  navigator.storage?.persist?.();
  stayAwake();
}
begin();
