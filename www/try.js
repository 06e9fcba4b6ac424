// The examples of the "Try a request" page. Each is reached by its name in the address: /try.html#range.
const examples = {
  range: { label: "One range", path: "/files/squares.txt", fields: "Range: bytes=0-59" },
  ranges: { label: "Two ranges", path: "/files/squares.txt", fields: "Range: bytes=0-29,300-329" },
  beyond: { label: "Beyond the end", path: "/files/squares.txt", fields: "Range: bytes=99999999-" },
  fresh: { label: "304 by ETag", path: "/files/planets.csv", fields: "If-None-Match: {ETag}" },
  since: { label: "304 by date", path: "/files/planets.csv", fields: "If-Modified-Since: {Last-Modified}" },
  match: { label: "412", path: "/files/planets.csv", fields: 'If-Match: "something else"' },
  gzip: { label: "gzip", path: "/files/squares.txt" },
  method: { label: "405", method: "DELETE", path: "/about/" },
  options: { label: "OPTIONS", method: "OPTIONS", path: "/about/" },
  large: { label: "413", method: "POST", path: "/small", body: "x".repeat(2000) },
  put: { label: "Upload by PUT", method: "PUT", path: "/uploads/a%20note.txt", body: "Stored by one request.\n" },
  delete: { label: "DELETE it", method: "DELETE", path: "/uploads/a%20note.txt" },
  session: { label: "Session", path: "/session" },
  head: { label: "HEAD", method: "HEAD", path: "/style.css" },
};

const form = document.querySelector("#request");
const status = document.querySelector("#status");
const output = document.querySelector("#reply");

/** "{ETag}" in an example stands for the ETag the server gives the path now. */
async function fillIn(fields, path) {
  const name = /\{(.+?)\}/.exec(fields)?.[1];
  if (!name) return fields;
  const reply = await fetch(path, { method: "HEAD", cache: "no-store" });
  return fields.replace(`{${name}}`, reply.headers.get(name) ?? "");
}

function fieldsOf(text) {
  const lines = text.split("\n").filter((line) => line.includes(":"));
  return lines.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
}

async function send() {
  const { method, path, fields, body } = Object.fromEntries(new FormData(form));
  const mayHaveBody = method !== "GET" && method !== "HEAD";
  status.textContent = "…";
  try {
    const reply = await fetch(path, {
      method,
      headers: fieldsOf(fields),
      cache: "no-store",
      ...(mayHaveBody && body ? { body } : {}),
    });
    show(reply, await reply.text());
  } catch (error) {
    status.textContent = "No reply";
    output.textContent = String(error);
  }
}

function show(reply, text) {
  status.textContent = `${reply.status} ${reply.statusText}`;
  status.className = reply.status >= 400 ? "status bad" : "status";
  const head = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const body = text.length > 2000 ? `${text.slice(0, 2000)}\n… ${text.length} characters in all` : text;
  output.textContent = `${head}\n\n${body}`;
}

async function choose(name) {
  const example = examples[name];
  if (!example) return;
  form.elements.method.value = example.method ?? "GET";
  form.elements.path.value = example.path;
  form.elements.body.value = example.body ?? "";
  form.elements.fields.value = await fillIn(example.fields ?? "", example.path);
  await send();
}

for (const [name, { label }] of Object.entries(examples)) {
  const button = document.createElement("a");
  button.className = "button quiet";
  button.href = `#${name}`;
  button.textContent = label;
  document.querySelector("#examples").append(button);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
addEventListener("hashchange", () => choose(location.hash.slice(1)));
choose(location.hash.slice(1));
