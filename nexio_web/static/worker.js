// Keeps the tablet's page and our own files for when the server is away; nothing else, and nobody's
// data. The server comes first always: what is kept is as new as the last contact.
const KEPT = "nexio-1";
const SHELL = "/kiosk";
const FILES = [
  "/static/kiosk.css",
  "/static/kiosk.js",
  "/static/camera.js",
  "/static/offline.js",
  "/static/qr/decode.js",
  "/static/qr/index.js",
  "/static/icon.svg",
];
const PATIENCE = 5000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const kept = await caches.open(KEPT);
      await kept.addAll(FILES);
      await keep(SHELL, await fetch(SHELL));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

// The page of a tablet that is not paired, or not any more, takes the place of nothing: it only
// removes what was kept.
async function keep(path, answer) {
  const kept = await caches.open(KEPT);
  if (path !== SHELL || answer.headers.get("Nexio-Keep")) await kept.put(path, answer.clone());
  else await kept.delete(path);
}

async function answerTo(request, path) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status < 500) {
      if (answer.ok) await keep(path, answer);
      return answer;
    }
  } catch {
    // away
  }
  return (await caches.match(path)) ?? Response.error();
}

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === SHELL || FILES.includes(pathname)) event.respondWith(answerTo(event.request, pathname));
});
