// The page of an application behind the server: an echo over a WebSocket, and a slow page from the cache.
import { ask } from "./ask.js";

const NOT_RUNNING = "The application does not run. Start it with “npm run start:app”, then try again.";

const find = (selector) => document.querySelector(selector);

function problem(text) {
  find("#problem").textContent = text;
}

function addLine(text) {
  const item = document.createElement("li");
  item.textContent = text;
  find("#echoes").prepend(item);
}

/** The open WebSocket; a new one after the last was closed. */
let socket = null;

function connect() {
  if (socket !== null && socket.readyState <= WebSocket.OPEN) return socket;
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/live/echo`);
  socket.addEventListener("message", ({ data }) => addLine(data));
  socket.addEventListener("error", () => problem(NOT_RUNNING));
  return socket;
}

function say(text) {
  problem("");
  const to = connect();
  if (to.readyState === WebSocket.OPEN) to.send(text);
  else to.addEventListener("open", () => to.send(text), { once: true });
}

async function slow() {
  problem("");
  const begun = performance.now();
  const reply = await ask("/live/slow", { cache: "no-store" }, { 502: NOT_RUNNING });
  const { made } = await reply.json();
  const took = Math.round(performance.now() - begun);
  const state = reply.headers.get("X-Cache-Status");
  find("#slow").textContent = `${state}: made at ${new Date(made).toLocaleTimeString()}, here after ${took} ms.`;
}

find("#live").hidden = false;
find("#echo-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("#text");
  say(field.value);
  field.value = "";
});
find("#ask-slow").addEventListener("click", async ({ currentTarget: button }) => {
  button.disabled = true;
  find("#slow").textContent = "Waiting…";
  await slow().catch((error) => {
    find("#slow").textContent = "";
    problem(error.message);
  });
  button.disabled = false;
});
