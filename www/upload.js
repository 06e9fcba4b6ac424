// The upload page: what is chosen or dropped becomes a list of uploads, at most three of them under way at once.
import { chosenFiles, droppedFiles, isHidden } from "./dropped.js";
import { formatSize, percent, plural, Rate, visible } from "./format.js";
import { currentFolders, folderHash } from "./paths.js";
import { Upload } from "./tus.js";
import { forget, recall, remember } from "./unfinished.js";
import { showUnfinished } from "./unfinished-list.js";
import { UploadRow } from "./upload-row.js";

const ENDPOINT = "/uploads/";
const AT_ONCE = 3;

const find = (selector) => document.querySelector(selector);
const list = find("#queue .uploads");

/** The uploads of this page and their rows, in the order they were chosen. */
const rows = new Map();
const rate = new Rate();
/** The quarter of all bytes that was told last. */
let quarter = 0;

/** An upload that another window takes up again stops here: two would cut each other off. */
const windows = new BroadcastChannel("webserv uploads");
windows.onmessage = ({ data: url }) => {
  for (const upload of rows.keys())
    if (upload.url === url && upload.isActive) upload.pause("Goes on in another window.");
};

const all = () => [...rows.keys()];
/** The addresses of this page's uploads. */
const current = () => new Set(all().map((upload) => upload.url));
const sum = (uploads, value) => uploads.reduce((total, upload) => total + value(upload), 0);

function add(chosen) {
  const folder = currentFolders().map((name) => `${name}/`);
  const seen = chosen.filter((one) => !isHidden(one));
  const wanted = seen.map(({ file, path }) => ({ file, path: folder.join("") + path })).filter(isNew);
  const leftOut = chosen.length - seen.length;
  const remark = leftOut > 0 ? `${plural(leftOut, "hidden file")} left out.` : "";
  find("#left-out").textContent = remark;
  for (const { file, path } of wanted) {
    const before = recall(file, path, current());
    if (before) windows.postMessage(before.url);
    const upload = new Upload(file, { endpoint: ENDPOINT, path, ...before, changed });
    const row = new UploadRow(upload, { again: () => again(upload), cancel: () => cancel(upload) });
    rows.set(upload, row);
    list.append(row.element);
  }
  if (wanted.length === 0) return tell(remark);
  tell(`${plural(wanted.length, "file")} added, ${formatSize(sum(wanted, ({ file }) => file.size))}. ${remark}`);
  quarter = 0;
  find("#queue").hidden = false;
  refreshUnfinished();
  schedule();
}

/** Not what is in the list already and still under way. */
function isNew({ file, path }) {
  const same = (upload) =>
    upload.path === path && upload.file.size === file.size && upload.file.lastModified === file.lastModified;
  return !all().some((upload) => upload.state !== "done" && same(upload));
}

/** Starts what waits while there is room. To start one changes it, so this may be called again within. */
function schedule(trouble) {
  for (;;) {
    const next = all().find((upload) => upload.state === "waiting");
    if (!next || all().filter((upload) => upload.isActive).length >= AT_ONCE) break;
    next.start();
  }
  showTotal(trouble);
}

/** Pause, or go on: what the first button of a row does depends on the upload's state. */
function again(upload) {
  if (upload.state === "running") return upload.pause();
  if (upload.url) windows.postMessage(upload.url);
  if (upload.state === "lost") return upload.start();
  upload.state = "waiting";
  rows.get(upload).show();
  schedule();
}

async function cancel(upload) {
  const row = rows.get(upload);
  const next = row.element.nextElementSibling?.querySelector(".cancel:not([hidden])") ?? find("#choose-files");
  rows.delete(upload);
  row.element.remove();
  next.focus();
  tell(`${row.name} is cancelled.`);
  schedule();
  if (await upload.cancel()) forget(row.url);
}

/** Every change of an upload comes here: its row, the memory of it, and the sum of all follow. */
function changed(upload) {
  const row = rows.get(upload);
  if (!row) return;
  if (row.url && row.url !== upload.url) forget(row.url);
  if (upload.url && (row.url !== upload.url || row.expires !== upload.expires)) remember(upload);
  Object.assign(row, { url: upload.url, expires: upload.expires });
  const news = row.show();
  if (upload.state === "done") forget(upload.url);
  const isTrouble = upload.state === "failed" || upload.state === "lost";
  if (news) schedule(isTrouble ? `${row.name}: ${upload.message}` : "");
  else showTotal();
}

/** `trouble` is to be told, with whatever else there is to tell. */
function showTotal(trouble = "") {
  const uploads = all();
  const size = sum(uploads, (upload) => upload.file.size);
  const sent = sum(uploads, (upload) => upload.sent);
  const [done, failed] = ["done", "failed"].map((state) => uploads.filter((upload) => upload.state === state).length);
  const parts = [`${done} of ${plural(uploads.length, "file")}`, `${formatSize(sent)} of ${formatSize(size)}`];
  rate.add(sum(uploads, (upload) => upload.transferred));
  if (failed > 0) parts.unshift(`${failed} failed`);
  if (uploads.some((upload) => upload.state === "running")) parts.push(...rate.parts(size - sent));
  find("#total").textContent = parts.join(" · ");
  find("#clear").hidden = done === 0;
  find("#failed").hidden = failed === 0;
  find("#queue").hidden = uploads.length === 0;
  const isEnd = uploads.length > 0 && done + failed === uploads.length;
  if (isEnd) tell(`${trouble} ${outcome(done, failed)}`);
  else if (trouble) tell(trouble);
  else tellQuarter(Math.floor(percent(sent, size) / 25));
}

const outcome = (done, failed) =>
  failed === 0
    ? `Everything is on the server: ${plural(done, "file")}.`
    : `${plural(done, "file")} on the server, ${failed} failed.`;

function tellQuarter(now) {
  if (now > quarter && now < 4) tell(`${now * 25} % are uploaded.`);
  quarter = Math.max(quarter, now);
}

/** Says it to those who do not see the bars. */
function tell(text) {
  const words = text.trim();
  if (find("#news").textContent !== words) find("#news").textContent = words;
}

function refreshUnfinished() {
  showUnfinished(find("#unfinished"), current());
}

/** Of many rows those that failed are hard to find. */
function goToFailed() {
  list.querySelector('[data-state="failed"] .go').focus();
}

function clearFinished() {
  for (const upload of all().filter(({ state }) => state === "done")) {
    rows.get(upload).element.remove();
    rows.delete(upload);
  }
  find("#choose-files").focus();
  showTotal();
}

async function drop(event) {
  event.preventDefault();
  find("#drop").classList.remove("over");
  try {
    add(await droppedFiles(event.dataTransfer));
  } catch (error) {
    tell(`The folder could not be read: ${error.message}`);
  }
}

/** The plain form becomes the page's: the script sends what is chosen at once, also what was before it came. */
function takeOver() {
  if (matchMedia("(any-pointer: fine)").matches) find("#invitation").textContent = "Drop files or folders here";
  find("#send").remove();
  for (const [button, input] of [
    ["#choose-files", "#files"],
    ["#choose-folder", "#folder"],
  ]) {
    find(button).hidden = false;
    find(input).hidden = true;
    find(button).addEventListener("click", () => find(input).click());
    find(input).addEventListener("change", () => addChosen(find(input)));
  }
  showFolder();
  refreshUnfinished();
  addChosen(find("#files"));
}

function addChosen(input) {
  add(chosenFiles(input));
  input.value = "";
}

function showFolder() {
  const names = currentFolders();
  find("#into").textContent = names.length > 0 ? `Into the folder ${visible(names.join("/"))}` : "";
  find("#to-manager").href = `/manager.html${folderHash(names)}`;
}

takeOver();
find("#clear").addEventListener("click", clearFinished);
find("#failed").addEventListener("click", goToFailed);
addEventListener("hashchange", showFolder);
addEventListener("dragover", (event) => {
  event.preventDefault();
  find("#drop").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) find("#drop").classList.remove("over");
});
addEventListener("drop", drop);
addEventListener("beforeunload", (event) => {
  if (all().some((upload) => upload.isActive || upload.state === "waiting")) event.preventDefault();
});
