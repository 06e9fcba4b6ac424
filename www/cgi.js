// The page of programs: which interpreters there are, a reply shown while it comes, an upload that is checked.
const find = (selector) => document.querySelector(selector);

/** Says on each card whether this machine has what its program needs. */
async function showInterpreters() {
  const reply = await fetch("/cgi-bin/interpreters.sh");
  if (!reply.ok) throw new Error(`The server answered ${reply.status} ${reply.statusText}.`);
  const found = await reply.json();
  for (const card of document.querySelectorAll("[data-needs]")) {
    const { needs } = card.dataset;
    const note = document.createElement("p");
    note.className = found[needs] === null ? "problem" : "soft";
    note.textContent = found[needs] === null ? `${needs} is not on this machine.` : `by ${found[needs]}`;
    card.querySelector(".links").before(note);
  }
}

/** Shows a reply's text as it comes. */
async function count() {
  const output = find("#count-output");
  output.textContent = "";
  const reply = await fetch("/cgi-bin/counter.sh");
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) output.textContent += piece.value;
}

/** null: browsers compute it only where a page came over TLS or from this machine. */
async function sha256(file) {
  if (crypto.subtle === undefined) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends the file to the program and compares what it says with what we know. */
async function upload() {
  const [file] = find("#file").files;
  const output = find("#upload-output");
  output.textContent = "Sending…";
  const reply = await fetch("/cgi-bin/upload.py", { method: "POST", body: file });
  if (!reply.ok) throw new Error(`The server answered ${reply.status} ${reply.statusText}.`);
  const theirs = await reply.json();
  const ours = await sha256(file);
  const same = theirs.size === file.size && [theirs.sha256, null].includes(ours);
  const verdict = same ? "The same as here." : "Not the same as here!";
  output.textContent = `${theirs.size} bytes\nSHA-256 ${theirs.sha256}\n${verdict}`;
}

/** Runs it with its button disabled; what goes wrong is shown in `output`. */
async function attempt(button, output, action) {
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    output.textContent = error.message;
  }
  button.disabled = false;
}

find("#live").hidden = false;
find("#count").addEventListener("click", ({ target }) => attempt(target, find("#count-output"), count));
find("#upload-form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(event.submitter, find("#upload-output"), upload);
});
showInterpreters().catch(() => {}); // the cards are good without
