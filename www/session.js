// The session page: one more visit, a name, and what the server keeps, through the location with `session_api`.
const SESSION = "/session";

const find = (selector) => document.querySelector(selector);

/** The data after the request. Throws an Error whose message is for people. */
async function ask(options = {}) {
  const reply = await fetch(SESSION, { cache: "no-store", ...options }).catch(() => {
    throw new Error("The server does not answer. Is the connection there?");
  });
  if (reply.status === 413) throw new Error("That is more than a session can keep.");
  if (!reply.ok) throw new Error(`The server answered ${reply.status} ${reply.statusText}.`);
  return reply.status === 204 ? {} : reply.json();
}

/** Merges `patch` into the data (RFC 7396) and gives the data then. */
async function change(patch) {
  const headers = { "Content-Type": "application/merge-patch+json" };
  await ask({ method: "POST", headers, body: JSON.stringify(patch) });
  return ask();
}

function show(data) {
  find("#greeting").textContent = greeting(data);
  find("#data").textContent = JSON.stringify(data, null, 2);
  // What is being typed is not overwritten.
  if (document.activeElement !== find("#name")) find("#name").value = data.name ?? "";
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
  const name = find("#name").value;
  attempt(() => change({ name }));
});
find("#end").addEventListener("click", () => {
  attempt(async () => {
    await ask({ method: "DELETE" });
    return {};
  });
});
attempt(async () => {
  const { visits } = await ask();
  return change({ visits: (visits ?? 0) + 1 });
});
