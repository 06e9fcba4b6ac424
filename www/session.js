// The session page: one more visit, a name, and what the server keeps, through the location with `session_api`.
import { ask } from "./ask.js";

const SESSION = "/session";

const find = (selector) => document.querySelector(selector);

/** The data after the request. */
async function data(options) {
  const reply = await ask(SESSION, { cache: "no-store", ...options }, { 413: "That is more than a session can keep." });
  return reply.status === 204 ? {} : reply.json();
}

/** Merges `patch` into the data (RFC 7396) and gives the data then. */
const change = (patch) =>
  data({
    method: "POST",
    headers: { "Content-Type": "application/merge-patch+json" },
    body: JSON.stringify(patch),
  });

function show(kept) {
  find("#greeting").textContent = greeting(kept);
  find("#data").textContent = JSON.stringify(kept, null, 2);
  // What is being typed is not overwritten.
  if (document.activeElement !== find("#name")) find("#name").value = kept.name ?? "";
}

function greeting({ name, visits = 0 }) {
  const who = name ? `Hello, ${name}! ` : "";
  if (visits === 0) return "You are forgotten. The next visit is the first.";
  return visits === 1 ? `${who}This is your first visit.` : `${who}You have been here ${visits} times.`;
}

let before = Promise.resolve();

/** Does it and shows the outcome, whichever it is: one after the other, for the first may bring the cookie. */
function attempt(action) {
  before = before.then(async () => {
    find("#problem").textContent = "";
    try {
      show(await action());
    } catch (error) {
      find("#problem").textContent = error.message;
    }
  });
}

find("#session").hidden = false;
find("#name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = find("#name").value.trim();
  attempt(() => change({ name: name || null }));
});
find("#end").addEventListener("click", () => {
  attempt(() => data({ method: "DELETE" }));
});
attempt(async () => {
  const { visits } = await data();
  return change({ visits: (visits ?? 0) + 1 });
});
