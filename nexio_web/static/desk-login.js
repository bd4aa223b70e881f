// The secret of a link stands after the #, which no browser sends; nothing of the desk is kept.
localStorage.removeItem("nexio-desk-ticks");

const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", "/desk"); // nor stays it in the history
  document.getElementById("link").value = secret;
  document.getElementById("how").hidden = true;
  document.getElementById("ready").hidden = false;
  document.querySelector("button").focus();
}
