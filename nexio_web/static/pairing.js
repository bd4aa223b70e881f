// Asks whether the desk has paired this tablet, and shows the code of this moment.
const EVERY = 2000;
const at = (id) => document.getElementById(id);

async function ask() {
  try {
    const answer = await fetch("/kiosk/state", { method: "POST", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const { paired, code } = await answer.json();
    if (paired) {
      location.reload();
      return;
    }
    if (at("code").textContent !== code) {
      at("code").textContent = at("typed").textContent = code;
    }
    at("away").hidden = true;
  } catch {
    at("away").hidden = false;
  }
  setTimeout(ask, EVERY);
}

setTimeout(ask, EVERY);
