// A client of tus 1.0, the protocol of resumable uploads (core, creation, termination): https://tus.io/protocols/resumable-upload
// One file is one PATCH with everything the server lacks; when that breaks, HEAD tells from where the next one goes on.

const VERSION = { "Tus-Resumable": "1.0.0" };

/** Seconds before the next attempt, by how many in a row have got nowhere. */
const WAITS = [1, 2, 4, 8, 15, 30];
/** A request that moved no byte for so long, in milliseconds, is given up: the network is gone without a word. */
const STALLED = 60_000;
/** Refusals that pass by themselves: too slow, too many, not just now. */
const PASSING = [408, 429, 502, 503, 504];
/** Those of a PATCH besides: the upload has expired, is at another offset, is held by a connection that is gone. */
const PASSING_LATER = [...PASSING, 404, 409, 410, 423];

const REASONS = {
  400: "The server does not take a file of this name.",
  403: "The server may not store files there.",
  404: "The server has no place for uploads there.",
  405: "The server takes no uploads there.",
  409: "There is a file of this name already, or a folder is in the way.",
  413: "The file is larger than the server takes.",
  500: "The server could not store the file; its error log says why.",
  507: "The server’s disk is full.",
};

/** No reply came: a matter of the connection, not of the file. */
class Lost extends Error {}

/** The server answered, and it was a refusal; `passing` are the statuses that are worth another attempt. */
class Refused extends Error {
  constructor({ status, statusText }, passing = PASSING) {
    super(REASONS[status] ?? `The server answered ${status} ${statusText}.`);
    this.passes = passing.includes(status);
  }
}

/** One request. Resolves with the XMLHttpRequest when there is a reply, rejects with Lost when there is none. */
function request(method, url, fields, { body = null, signal, sent } = {}) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const giveUp = () => xhr.abort();
    let stalled = setTimeout(giveUp, STALLED);
    xhr.open(method, url);
    for (const [name, value] of Object.entries({ ...VERSION, ...fields })) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => {
      clearTimeout(stalled);
      stalled = setTimeout(giveUp, STALLED);
      sent?.(event.loaded);
    };
    xhr.onloadend = () => {
      clearTimeout(stalled);
      signal?.removeEventListener("abort", giveUp);
      if (xhr.status === 0) reject(new Lost());
      else resolve(xhr);
    };
    signal?.addEventListener("abort", giveUp);
    xhr.send(body);
  });
}

/** A text as tus metadata: Base64 of its UTF-8. */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Removes an upload that is not finished from the server. False when no reply came. */
export function terminate(url) {
  return request("DELETE", url, {}).then(
    () => true,
    () => false,
  );
}

/**
 * The upload of one file. `state` is waiting, running, lost (waiting to try again), paused, failed, done or cancelled;
 * `sent` counts the bytes the server has or is being sent, `transferred` those that were sent from here, `url` is the upload's own address, `address` the finished file's.
 */
export class Upload {
  state = "waiting";
  sent = 0;
  transferred = 0;
  /** Why it failed, or what it waits for. */
  message = "";
  /** When the server forgets it unless it goes on: a date as in HTTP, or null. */
  expires = null;
  address = null;
  #control = new AbortController();
  #run = Promise.resolve();
  #failures = 0;

  /** `path` is the name, with folders before it where a folder is uploaded; `changed` is called whenever anything here has. */
  constructor(file, { endpoint, path, url = null, expires = null, changed }) {
    Object.assign(this, { file, endpoint, path, url, expires, changed });
  }

  get isActive() {
    return this.state === "running" || this.state === "lost";
  }

  /** Begins, or goes on from where the server has it. Resolves when it is no longer active. */
  start() {
    this.#control.abort();
    this.#control = new AbortController();
    this.#failures = 0;
    this.#run = this.#repeat(this.#run, this.#control.signal);
    return this.#run;
  }

  /** Stops; start() goes on. */
  pause(message = "Paused.") {
    this.#stop("paused", message);
  }

  /** Stops for good and removes what the server has of it. False when the server could not be asked to. */
  async cancel() {
    this.#stop("cancelled", "");
    // A creation under way is awaited: only its reply tells what is to be removed.
    await this.#run;
    return this.url === null || (await terminate(this.url));
  }

  #stop(state, message) {
    this.#set(state, message);
    this.#control.abort();
  }

  #set(state, message = "") {
    this.state = state;
    this.message = message;
    this.changed(this);
  }

  async #repeat(before, signal) {
    this.#set("running");
    await before;
    while (!signal.aborted) {
      try {
        await this.#attempt(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const reason = await this.#hopeless(error);
        if (reason) return this.#set("failed", reason);
        await this.#wait(signal, error);
      }
    }
  }

  async #attempt(signal) {
    const offset = this.url === null ? await this.#create() : await this.#ask(signal);
    if (signal.aborted || this.state === "done") return;
    this.#moved(offset);
    this.#set("running");
    const reply = await request("PATCH", this.url, patchFields(offset), {
      body: this.file.slice(offset),
      signal,
      sent: (count) => {
        this.transferred += offset + count - this.sent;
        this.#moved(offset + count);
      },
    });
    if (isGone(reply)) this.url = null;
    if (reply.status >= 300) throw new Refused(reply, PASSING_LATER);
    this.#finish(reply);
  }

  /** Asks for a place; an empty file is then complete. Gives the offset, 0. */
  async #create() {
    const fields = { "Upload-Length": this.file.size, "Upload-Metadata": this.#metadata() };
    const reply = await request("POST", this.endpoint, fields);
    if (reply.status !== 201) throw new Refused(reply);
    this.url = reply.getResponseHeader("Location");
    this.expires = reply.getResponseHeader("Upload-Expires");
    if (this.file.size === 0) this.#finish(reply);
    else this.changed(this);
    return 0;
  }

  /** Gives the offset the server has. An upload it no longer knows is created again. */
  async #ask(signal) {
    const reply = await request("HEAD", this.url, {}, { signal });
    if (isGone(reply)) {
      this.url = null;
      return this.#create();
    }
    if (reply.status >= 300) throw new Refused(reply, PASSING_LATER);
    this.expires = reply.getResponseHeader("Upload-Expires");
    const offset = Number(reply.getResponseHeader("Upload-Offset"));
    if (offset === this.file.size) this.#finish(reply);
    return offset;
  }

  #metadata() {
    const about = { filename: this.file.name, filetype: this.file.type };
    if (this.path !== this.file.name) about.relativePath = this.path;
    const pairs = Object.entries(about).filter(([, value]) => value !== "");
    return pairs.map(([key, value]) => `${key} ${base64(value)}`).join(",");
  }

  #moved(sent) {
    if (sent > this.sent) this.#failures = 0;
    this.sent = sent;
    this.changed(this);
  }

  #finish(reply) {
    this.sent = this.file.size;
    this.address = reply.getResponseHeader("Content-Location");
    this.#set("done");
  }

  /** Why another attempt would not help, or "" when it may. */
  async #hopeless(error) {
    if (error instanceof Refused) return error.passes ? "" : error.message;
    if (!(error instanceof Lost)) return String(error);
    // A file that was changed, moved or removed since it was chosen looks like a lost connection, too.
    const first = this.file.slice(0, 1).arrayBuffer();
    return first.then(
      () => "",
      () => "The file has changed or is no longer there. Choose it again.",
    );
  }

  /** Waits before the next attempt: longer each time, but no longer than until the browser is online again. */
  async #wait(signal, error) {
    const seconds = WAITS[Math.min(this.#failures++, WAITS.length - 1)];
    const reason = error instanceof Lost ? "The connection is lost." : error.message;
    this.#set("lost", `${reason} Next attempt in ${seconds} s.`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      const now = () => {
        clearTimeout(timer);
        resolve();
      };
      addEventListener("online", now, { once: true });
      signal.addEventListener("abort", now, { once: true });
    });
    if (!signal.aborted) this.#set("running");
  }
}

const isGone = (reply) => reply.status === 404 || reply.status === 410;
const patchFields = (offset) => ({ "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset });
