// Opens the pass without a network: what was loaded last stays on the phone.
const KEPT = "nexio-pass";
const SHELL = [
  "/pass",
  "/static/pass.js",
  "/static/pass.css",
  "/static/kiosk.css",
  "/static/icon.svg",
  "/static/qr/index.js",
];
const PATIENCE = 4000;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(SHELL)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  // The page is the same for each pass.
  const path = request.mode === "navigate" ? "/pass" : new URL(request.url).pathname;
  if (request.method === "GET" && SHELL.includes(path)) event.respondWith(newest(request, path));
});

async function newest(request, path) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(String(answer.status));
    await cache.put(path, answer.clone());
    return answer;
  } catch {
    return (await cache.match(path)) ?? Response.error();
  }
}
