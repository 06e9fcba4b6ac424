// One upload as a person sees it: name, bar, what it is at, and the buttons that make sense just now.
import { formatSize, percent, Rate, visible } from "./format.js";

const LABELS = { running: "Pause", lost: "Try now", paused: "Go on", failed: "Try again" };

const find = (selector) => document.querySelector(selector);

export class UploadRow {
  /** What the page has remembered of it; kept by the page. */
  url = null;
  expires = null;
  #rate = new Rate();
  #state = null;

  /** `again` is called by the first button, `cancel` by the second. */
  constructor(upload, { again, cancel }) {
    this.upload = upload;
    this.element = find("#upload-row").content.firstElementChild.cloneNode(true);
    const inner = (selector) => this.element.querySelector(selector);
    this.parts = { name: inner(".name"), bar: inner("progress"), detail: inner(".detail"), go: inner(".go") };
    this.parts.cancel = inner(".cancel");
    this.name = visible(upload.path);
    this.parts.name.textContent = this.name;
    this.parts.bar.ariaLabel = this.name;
    this.parts.go.addEventListener("click", again);
    this.parts.cancel.addEventListener("click", cancel);
    this.parts.cancel.ariaLabel = `Cancel ${this.name}`;
    this.show();
  }

  /** Draws what has changed; true when the state has. */
  show() {
    const { upload, parts } = this;
    const isNews = upload.state !== this.#state;
    if (isNews) this.#showState();
    if (upload.state === "running") this.#rate.add(upload.transferred);
    parts.bar.value = upload.file.size === 0 ? Number(upload.state === "done") : upload.sent / upload.file.size;
    parts.detail.textContent = this.#detail();
    return isNews;
  }

  #showState() {
    const { upload, parts } = this;
    this.#state = upload.state;
    this.#rate.reset();
    this.element.dataset.state = upload.state;
    const label = LABELS[upload.state];
    parts.go.hidden = label === undefined;
    parts.go.textContent = label ?? "";
    parts.go.ariaLabel = `${label} ${this.name}`;
    parts.cancel.hidden = upload.state === "done";
    if (upload.state === "done" && upload.address) this.#link();
  }

  #link() {
    const link = document.createElement("a");
    link.href = this.upload.address;
    link.textContent = this.name;
    this.parts.name.replaceChildren(link);
  }

  /** Where the server has given the file another name: a dot name's, or because there was one of this name. */
  #storedAs() {
    const { address, path } = this.upload;
    const [stored, wanted] = [decodeURIComponent(address ?? ""), path].map((text) => text.split("/").at(-1));
    return address === null || stored === wanted ? "" : `, stored as ${visible(stored)}`;
  }

  #detail() {
    const { state, file, sent, message } = this.upload;
    const size = formatSize(file.size);
    if (state === "waiting") return `${size} · waiting for its turn`;
    if (state === "done") return `${size} · done${this.#storedAs()}`;
    const share = `${percent(sent, file.size)} % of ${size}`;
    if (state !== "running") return `${share} · ${message}`;
    if (sent === file.size) return `${share} · the server is storing it`;
    return [share, ...this.#rate.parts(file.size - sent)].join(" · ");
  }
}
