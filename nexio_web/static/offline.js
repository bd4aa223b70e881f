// Codes that are held up while the server is away: kept in order, each encrypted to the server's
// public key, and delivered when it is back. nexio/keys/letters.py opens what is written here.

const COULD = Boolean(globalThis.crypto?.subtle && globalThis.indexedDB); // TLS, or this machine
const utf8 = new TextEncoder();

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened = null;
function open() {
  if (!opened) {
    const request = indexedDB.open("nexio", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("taps", { keyPath: "number", autoIncrement: true });
      request.result.createObjectStore("facts");
    };
    opened = done(request);
  }
  return opened;
}

async function store(name, mode) {
  return (await open()).transaction(name, mode).objectStore(name);
}

// What was written is on the disk once its transaction is complete.
async function write(name, change) {
  const transaction = (await open()).transaction(name, "readwrite", { durability: "strict" });
  change(transaction.objectStore(name));
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

let facts = null; // what the server said last: its key, our number, and how our clock differs
let waiting = 0;

export const waits = () => waiting > 0;
export const canKeep = () => COULD && facts !== null;
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, "0")).join("");

export async function begin() {
  if (!COULD) return;
  try {
    facts = (await done((await store("facts", "readonly")).get("server"))) ?? null;
    waiting = await done((await store("taps", "readonly")).count());
    navigator.storage?.persist?.();
  } catch {
    facts = null; // a private window, or no space: nothing is kept
  }
}

export async function learn(answer, asked) {
  if (!COULD) return;
  const offset = answer.now - (asked + Date.now()) / 2;
  const news = { key: answer.key, tablet: answer.tablet, offset };
  const same = facts && facts.key === news.key && facts.tablet === news.tablet;
  if (same && Math.abs(facts.offset - offset) < 1000) return;
  facts = news;
  try {
    await write("facts", (objects) => objects.put(news, "server"));
  } catch {
    facts = null;
  }
}

const octetsOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const textOf = (octets) =>
  btoa(String.fromCharCode(...octets)).replaceAll("+", "-").replaceAll("/", "_");

async function letter(content, id) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const server = await crypto.subtle.importKey("raw", octetsOf(facts.key), curve, false, []);
  const own = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: server }, own.privateKey, 256);
  const material = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode("nexio offline tap") },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt"],
  );
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: utf8.encode(id) },
    key,
    utf8.encode(JSON.stringify(content)),
  );
  const point = await crypto.subtle.exportKey("raw", own.publicKey);
  return textOf([...new Uint8Array(point), ...iv, ...new Uint8Array(sealed)]);
}

// Whether the code is kept: only once it is on the disk.
export async function note(id, code, way, at) {
  if (!canKeep()) return false;
  try {
    const { tablet, offset } = facts;
    const sealed = await letter({ code: code.slice(0, 1000), way, at, tablet, offset }, id);
    await write("taps", (objects) => objects.add({ id, letter: sealed }));
    waiting += 1;
    return true;
  } catch {
    return false;
  }
}

// Deliver what waits, in order; what was not taken stays, with the id that it has.
let delivering = false;
let notBefore = 0;
export async function deliver() {
  if (!COULD || !facts || waiting === 0 || delivering || performance.now() < notBefore) return;
  delivering = true;
  try {
    for (;;) {
      const cursor = await done((await store("taps", "readonly")).openCursor());
      if (!cursor) {
        waiting = 0;
        return;
      }
      const { number, id, letter: sealed } = cursor.value;
      const answer = await fetch("/kiosk/deliver", {
        method: "POST",
        body: new URLSearchParams({ id, letter: sealed, sent: Date.now() }),
        signal: AbortSignal.timeout(15_000),
      });
      if (answer.status === 429) {
        notBefore = performance.now() + 1000 * Number(answer.headers.get("Retry-After") ?? 60);
      }
      if (!answer.ok) return;
      await write("taps", (objects) => objects.delete(number));
      waiting = await done((await store("taps", "readonly")).count());
    }
  } catch {
    // away again: the next contact goes on
  } finally {
    delivering = false;
  }
}
