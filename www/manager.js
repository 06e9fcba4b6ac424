// The file manager: the server's JSON listing as a table that sorts, searches, and deletes after a question.
import { ask } from "./ask.js";
import { formatSize, plural, visible } from "./format.js";
import { currentFolders, folderHash, folderPath } from "./paths.js";

const FILES = "/uploads/";
const LISTING = "/api/uploads/";
/** More rows than this are drawn only when asked for. */
const MANY = 500;

const REASONS = {
  403: "The server may not do that here.",
  404: "There is no such folder.",
  405: "The server does not allow that here.",
  409: "This is a folder; only files can be deleted.",
};

const find = (selector) => document.querySelector(selector);
const collator = new Intl.Collator(undefined, { numeric: true });
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What is shown: the folder's names from the top, its entries, and how. */
const view = { folders: [], entries: [], key: "name", down: false, all: false };

async function load() {
  const folders = currentFolders();
  Object.assign(view, { folders, all: false });
  showCrumbs();
  complain("");
  const table = find("table");
  table.ariaBusy = "true";
  const outcome = await listing(LISTING + folderPath(folders)).catch((error) => error);
  if (view.folders !== folders) return; // somebody went on meanwhile: what is wanted is another reply
  table.ariaBusy = "false";
  view.entries = outcome instanceof Error ? [] : outcome;
  if (outcome instanceof Error) complain(outcome.message);
  show();
}

/** The entries of a folder: { name, url, isFolder, size, time }. Throws an Error whose message is for people. */
async function listing(url) {
  const reply = await ask(url, { headers: { Accept: "application/json" }, cache: "no-store" }, REASONS);
  const entries = await reply.json();
  return entries.map(({ name, url, type, size, mtime }) => {
    return { name, url, isFolder: type === "directory", size: size ?? 0, time: Date.parse(mtime) };
  });
}

/** Folders first, then by the chosen column, then by name. */
function compare(a, b) {
  if (a.isFolder !== b.isFolder) return a.isFolder ? -1 : 1;
  const order = view.key === "name" ? 0 : a[view.key] - b[view.key];
  return (view.down ? -1 : 1) * (order || collator.compare(a.name, b.name));
}

/** Names from a Mac have their accents apart. */
const plain = (text) => text.normalize().toLocaleLowerCase();

function show() {
  const wanted = plain(find("#search").value.trim());
  const found = view.entries.filter(({ name }) => plain(name).includes(wanted)).sort(compare);
  const drawn = view.all ? found : found.slice(0, MANY);
  find("#rows").replaceChildren(...drawn.map(row));
  find("#more").hidden = drawn.length === found.length;
  find("table").hidden = found.length === 0;
  find("#empty").hidden = found.length > 0 || find("#problem").textContent !== "";
  find("#empty").textContent = view.entries.length > 0 ? "No name here has that in it." : "Nothing here yet.";
  find("#count").textContent = found.length > 0 ? countText(found, drawn) : "";
  find("#keys").hidden = found.length === 0;
  for (const head of document.querySelectorAll("th[data-key]")) {
    const isChosen = head.dataset.key === view.key;
    head.ariaSort = isChosen ? (view.down ? "descending" : "ascending") : "none";
  }
}

function countText(found, drawn) {
  const files = found.filter(({ isFolder }) => !isFolder);
  const bytes = files.reduce((total, { size }) => total + size, 0);
  const parts = [plural(files.length, "file"), formatSize(bytes)];
  if (files.length < found.length) parts.unshift(plural(found.length - files.length, "folder"));
  if (drawn.length < found.length) parts.push(`the first ${drawn.length} are shown`);
  return parts.join(" · ");
}

function row(entry) {
  const element = find("#file-row").content.firstElementChild.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  const path = folderPath(view.folders) + (entry.url ?? encodeURIComponent(entry.name)); // a name that is not UTF-8 has a URL
  const name = visible(entry.name);
  part(".name").textContent = entry.isFolder ? `${name}/` : name;
  part(".name").href = entry.isFolder ? folderHash([...view.folders, entry.name]) : FILES + path;
  part(".time").textContent = dates.format(entry.time);
  element.entry = entry;
  if (entry.isFolder) {
    part(".buttons").replaceChildren();
    return element;
  }
  part(".size").textContent = formatSize(entry.size);
  part(".size").title = plural(entry.size, "byte");
  part(".download").href = FILES + path;
  part(".download").ariaLabel = `Download ${name}`;
  part(".delete").ariaLabel = `Delete ${name}`;
  part(".delete").addEventListener("click", () => deleteAfterQuestion(element));
  return element;
}

function showCrumbs() {
  const names = ["Uploads", ...view.folders];
  const links = names.map((name, depth) => {
    const link = document.createElement("a");
    link.textContent = visible(name);
    link.href = folderHash(view.folders.slice(0, depth));
    if (depth === view.folders.length) link.ariaCurrent = "page";
    return link;
  });
  find("#crumbs").replaceChildren(...links);
  find("#to-upload").href = `/upload.html${folderHash(view.folders)}`;
  document.title = [...view.folders.slice(-1).map(visible), "Manager", "Webserv"].join(" · ");
}

function complain(text) {
  find("#problem").textContent = text;
}

/** True when the person says so; Escape and every way but the one button mean no. */
function isConfirmed(name) {
  const dialog = find("#question");
  find("#victim").textContent = name;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true });
  });
}

async function deleteAfterQuestion(element) {
  const name = visible(element.entry.name);
  const url = element.querySelector(".name").href; // not of view.folders: the next folder's rows may be on their way
  if (!(await isConfirmed(name))) return element.querySelector(".name").focus();
  const place = [...find("#rows").children].indexOf(element);
  complain("");
  try {
    await ask(url, { method: "DELETE" }, REASONS);
    drop(element.entry);
  } catch (error) {
    if (error.status === 404) drop(element.entry);
    complain(error.status === 404 ? `${name} was gone already.` : `${name} was not deleted. ${error.message}`);
  }
  show();
  focusRow(place);
}

function drop(gone) {
  view.entries = view.entries.filter((entry) => entry !== gone);
}

function focusRow(place) {
  const rows = find("#rows").children;
  const row = rows[Math.min(Math.max(place, 0), rows.length - 1)];
  (row?.querySelector(".name") ?? find("#refresh")).focus();
}

/** Keys of the table: what they do to the row that has the focus. */
const KEYS = {
  ArrowDown: (_, place) => focusRow(place + 1),
  ArrowUp: (_, place) => focusRow(place - 1),
  Delete: (row) => row.entry.isFolder || deleteAfterQuestion(row),
};

function onKey(event) {
  const row = event.target.closest("tr");
  const action = KEYS[event.key];
  if (!row || !action) return;
  event.preventDefault();
  action(row, [...find("#rows").children].indexOf(row));
}

function sortBy(key) {
  view.down = view.key === key && !view.down;
  view.key = key;
  show();
}

find("#manager").hidden = false;
find("#rows").addEventListener("keydown", onKey);
find("#search").addEventListener("input", show);
find("#refresh").addEventListener("click", load);
find("#more").addEventListener("click", () => {
  view.all = true;
  show();
});
for (const head of document.querySelectorAll("th[data-key]")) {
  head.querySelector("button").addEventListener("click", () => sortBy(head.dataset.key));
}
addEventListener("hashchange", () => {
  if (currentFolders() === view.folders) return;
  find("#search").value = "";
  load();
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input") || find("#question").open) return;
  event.preventDefault();
  find("#search").focus();
});
load();
