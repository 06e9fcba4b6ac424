/** Resumable uploads by the public client tus-js-client, unchanged, through every interruption there is. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type PreviousUpload, Upload, type UploadOptions, type UrlStorage } from "tus-js-client";
import { ask, Client } from "./client.ts";
import { freePort } from "./free-ports.ts";
import { until, useServer } from "./server.ts";
import { bytesOf, digest, tree, unfinished as unfinishedIn } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const MB = 1_000_000;
const EXTENSIONS = "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation";
const port = await freePort();
const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:${port};
      root www;
      location /up/ { upload_store www/up; client_max_body_size 60m; upload_resume_lifetime 1h; }
      location /few/ {
        alias www/up/; upload_store www/up; client_max_body_size 1k;
        location /few/more/ { client_max_body_size 10k; }
      }
      location /once/ { alias www/up/; upload_store www/up; upload_overwrite refuse; }
    }`,
  files: { "www/up/more/": "" },
});
const endpoint = `http://127.0.0.1:${port}/up/`;
const stored = (path: string): string => join(server.folder, "www/up", path);
const unfinished = (): string[] => unfinishedIn(stored(""));

const BIG = bytesOf(0, 50 * MB);

/** Where the client keeps the URLs of its uploads, as a browser does in its local storage. */
class Urls implements UrlStorage {
  private readonly kept = new Map<string, PreviousUpload>();

  get isEmpty(): boolean {
    return this.kept.size === 0;
  }

  async findAllUploads(): Promise<PreviousUpload[]> {
    return [...this.kept.values()];
  }

  async findUploadsByFingerprint(fingerprint: string): Promise<PreviousUpload[]> {
    return [...this.kept].filter(([key]) => key.startsWith(`${fingerprint} `)).map(([, upload]) => upload);
  }

  async removeUpload(key: string): Promise<void> {
    this.kept.delete(key);
  }

  async addUpload(fingerprint: string, upload: PreviousUpload): Promise<string> {
    const key = `${fingerprint} ${this.kept.size}`;
    this.kept.set(key, { ...upload, urlStorageKey: key });
    return key;
  }
}

interface Run {
  readonly upload: Upload;
  /** Requests and their statuses, in order. */
  readonly requests: string[];
  /** Upload-Offset of the replies that had one. */
  readonly offsets: number[];
  /** Content-Location of the last reply. */
  readonly location: string | undefined;
}

/** Uploads until it succeeds, fails, or `interrupt` says so when a chunk is complete. */
async function run(data: Buffer, options: UploadOptions, interrupt?: (accepted: number) => boolean): Promise<Run> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const requests: string[] = [];
  const offsets: number[] = [];
  let location: string | undefined;
  const upload = new Upload(data, {
    endpoint: options.uploadUrl === undefined ? endpoint : null,
    retryDelays: null,
    onSuccess: () => resolve(),
    onError: reject,
    onAfterResponse(request, response) {
      requests.push(`${request.getMethod()} ${response.getStatus()}`);
      const offset = response.getHeader("Upload-Offset");
      if (offset !== undefined) offsets.push(Number(offset));
      location = response.getHeader("Content-Location");
    },
    onChunkComplete(_, accepted) {
      if (interrupt?.(accepted)) void upload.abort().then(resolve);
    },
    ...options,
  });
  const [previous] = await upload.findPreviousUploads();
  if (previous !== undefined) upload.resumeFromPreviousUpload(previous);
  upload.start();
  await promise;
  return { upload, requests, offsets, location };
}

/** An upload that was created and nothing more. */
async function created(length: number, filename: string): Promise<string> {
  const lines = [`Upload-Length: ${length}`, `Upload-Metadata: filename ${Buffer.from(filename).toString("base64")}`];
  const reply = await ask(
    port,
    `POST /up/ HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n${lines.join("\r\n")}\r\n\r\n`,
  );
  expect(reply.status).toBe(201);
  return reply.field("location")!;
}

/** Sends the beginning of a PATCH that promises everything, and waits until all that was sent is in the part. */
async function half(path: string, data: Buffer, length: number): Promise<Client> {
  const client = await Client.connect(port);
  const type = "Content-Type: application/offset+octet-stream";
  const head = `PATCH ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n${type}`;
  await client.send(`${head}\r\nContent-Length: ${data.length}\r\n\r\n`);
  await client.send(data.subarray(0, length));
  const part = stored(`.webserv/${path.slice(-32)}.part`);
  await until(
    () => statSync(part).size === length,
    () => `${statSync(part).size} bytes`,
  );
  return client;
}

const head = (path: string) => ask(port, `HEAD ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n\r\n`);

describe("50 MB", () => {
  test.each([undefined, 7 * MB])("in chunks of %p", async (chunkSize) => {
    const metadata = { filename: `whole-${chunkSize}.bin`, filetype: "application/octet-stream" };
    const { requests, location } = await run(BIG, { metadata, ...(chunkSize && { chunkSize }) });
    expect(requests).toEqual(["POST 201", ...Array(chunkSize ? 8 : 1).fill("PATCH 204")]);
    expect(location).toBe(`/up/${metadata.filename}`);
    expect(digest(readFileSync(stored(metadata.filename)))).toBe(digest(BIG));
    expect(statSync(stored(metadata.filename)).mode & 0o777).toBe(0o644);
    expect(unfinished()).toEqual([]);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("interrupted; the server is restarted by %s; resumed", async (signal) => {
    const urlStorage = new Urls();
    const options = { metadata: { filename: `${signal}.bin` }, chunkSize: 5 * MB, urlStorage };
    await run(BIG, options, (accepted) => accepted >= 20 * MB);
    expect(unfinished().length).toBe(2);
    await server.restart(signal);
    const { requests, offsets } = await run(BIG, options);
    expect([requests[0], requests.length, offsets[0]]).toEqual(["HEAD 200", 7, 20 * MB]);
    expect(digest(readFileSync(stored(`${signal}.bin`)))).toBe(digest(BIG));
    expect(unfinished()).toEqual([]);
  });

  test("created; the server is killed; sent", async () => {
    const path = await created(BIG.length, "created.bin");
    await server.restart("SIGKILL");
    const { requests } = await run(BIG, { uploadUrl: `http://127.0.0.1:${port}${path}` });
    expect(requests).toEqual(["HEAD 200", "PATCH 204"]);
    expect(digest(readFileSync(stored("created.bin")))).toBe(digest(BIG));
  });

  test("the server is killed in the middle of a PATCH: what it had written counts", async () => {
    const path = await created(BIG.length, "killed.bin");
    const client = await half(path, BIG, 7_654_321);
    await server.restart("SIGKILL");
    client.destroy();
    const { offsets } = await run(BIG, { uploadUrl: `http://127.0.0.1:${port}${path}` });
    expect(offsets).toEqual([7_654_321, BIG.length]);
    expect(digest(readFileSync(stored("killed.bin")))).toBe(digest(BIG));
  });

  test("a connection that hangs is taken over, and closed", async () => {
    const path = await created(BIG.length, "hangs.bin");
    const client = await half(path, BIG, 1_234_567);
    const { offsets } = await run(BIG, { uploadUrl: `http://127.0.0.1:${port}${path}` });
    expect(offsets).toEqual([1_234_567, BIG.length]);
    expect((await client.rest()).length).toBe(0);
    expect(digest(readFileSync(stored("hangs.bin")))).toBe(digest(BIG));
    client.destroy();
  });

  test("a client that leaves in the middle of a PATCH goes on from there", async () => {
    const path = await created(BIG.length, "leaves.bin");
    (await half(path, BIG, 3 * MB)).destroy();
    const { offsets } = await run(BIG, { uploadUrl: `http://127.0.0.1:${port}${path}` });
    expect(offsets[0]).toBe(3 * MB);
    expect(digest(readFileSync(stored("leaves.bin")))).toBe(digest(BIG));
  });
});

describe("in three parts at once", () => {
  const parallel = { parallelUploads: 3, chunkSize: 5 * MB };

  test("become one file", async () => {
    const { requests, location } = await run(BIG, { ...parallel, metadata: { filename: "parallel.bin" } });
    expect(requests.filter((request) => request === "POST 201").length).toBe(4);
    expect(location).toBe("/up/parallel.bin");
    expect(digest(readFileSync(stored("parallel.bin")))).toBe(digest(BIG));
    expect(unfinished()).toEqual([]);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("interrupted; the server is restarted by %s; resumed", async (signal) => {
    const urlStorage = new Urls();
    const options = { ...parallel, metadata: { filename: `parallel-${signal}.bin` }, urlStorage };
    // Only what the client has noted can be resumed: it notes the three parts when it has been told all their URLs.
    await run(BIG, options, (accepted) => accepted >= 5 * MB && !urlStorage.isEmpty);
    expect(unfinished().length).toBe(6);
    expect(tree(stored("")).includes(`parallel-${signal}.bin`)).toBe(false);
    await server.restart(signal);
    const { requests } = await run(BIG, options);
    expect(requests.filter((request) => request === "HEAD 200").length).toBe(3);
    expect(digest(readFileSync(stored(`parallel-${signal}.bin`)))).toBe(digest(BIG));
    expect(unfinished()).toEqual([]);
  });

  test("interrupted and never resumed: nothing is left when they have expired", async () => {
    await run(BIG, { ...parallel, metadata: { filename: "left.bin" } }, (accepted) => accepted >= 5 * MB);
    await server.restart("SIGKILL"); // nothing that is still on its way may be written after their time is set
    for (const name of unfinished()) utimesSync(stored(`.webserv/${name}`), 1, 1);
    await server.restart();
    expect(unfinished()).toEqual([]);
    expect(tree(stored("")).includes("left.bin")).toBe(false);
  });
});

describe("small things", () => {
  const small = bytesOf(1, 1000);

  test("a chunked PATCH that breaks leaves what came before", async () => {
    const path = await created(10, "chunks.txt");
    const type = "Content-Type: application/offset+octet-stream";
    const start = `PATCH ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n${type}\r\nTransfer-Encoding: chunked\r\n`;
    const broken = await ask(port, `${start}Upload-Offset: 0\r\n\r\n3\r\n012\r\n4\r\n3456\r\nnonsense\r\n`);
    expect([broken.status, broken.field("tus-resumable")]).toEqual([400, "1.0.0"]);
    expect((await head(path)).field("upload-offset")).toBe("7");
    const rest = await ask(port, `${start}Upload-Offset: 7\r\n\r\n3\r\n789\r\n0\r\n\r\n`);
    expect([rest.status, rest.field("content-location")]).toEqual([204, "/up/chunks.txt"]);
    expect(readFileSync(stored("chunks.txt"), "utf8")).toBe("0123456789");
  });

  test("Expect: 100-continue is answered with 100 only where the bytes are wanted", async () => {
    const path = await created(2, "expected.txt");
    const asks = (offset: number) =>
      `PATCH ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n` +
      `Upload-Offset: ${offset}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
    expect((await ask(port, asks(1))).status).toBe(409);
    const client = await Client.connect(port);
    expect((await client.ask(asks(0), "PATCH")).status).toBe(100);
    expect((await client.ask("ok", "PATCH")).status).toBe(204);
    client.destroy();
  });

  test("in a location within another, under the limits it has", async () => {
    const options = { endpoint: `http://127.0.0.1:${port}/few/more/`, metadata: { filename: "more.bin" } };
    const { requests, location } = await run(bytesOf(2, 5000), options);
    expect([requests, location]).toEqual([["POST 201", "PATCH 204"], "/few/more/more.bin"]);
  });

  test("with its creation", async () => {
    const options = { metadata: { filename: "creation.bin" }, uploadDataDuringCreation: true };
    const { requests, location } = await run(small, options);
    expect([requests, location]).toEqual([["POST 201"], "/up/creation.bin"]);
    expect(readFileSync(stored("creation.bin")).equals(small)).toBe(true);
  });

  test("begun with its creation, and a length that comes last", async () => {
    const options = { metadata: { filename: "deferred.bin" }, uploadDataDuringCreation: true, chunkSize: 300 };
    const { requests } = await run(small, { ...options, uploadLengthDeferred: true });
    expect(requests).toEqual(["POST 201", "PATCH 204", "PATCH 204", "PATCH 204", "PATCH 204"]);
    expect(readFileSync(stored("deferred.bin")).equals(small)).toBe(true);
  });

  test("a creation that breaks off leaves nothing", async () => {
    const client = await Client.connect(port);
    const type = "Content-Type: application/offset+octet-stream";
    await client.send(
      `POST /up/ HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n${type}\r\nUpload-Length: 9\r\nContent-Length: 9\r\n\r\n0123`,
    );
    await until(
      () => unfinished().length === 1,
      () => unfinished().join(),
    );
    client.destroy();
    await until(
      () => unfinished().length === 0,
      () => unfinished().join(),
    );
  });

  test("a checksum that is wrong leaves what was there", async () => {
    const path = await created(6, "sum.txt");
    const type = "Content-Type: application/offset+octet-stream\r\nContent-Length: 3";
    const patch = (offset: number, checksum: string, body: string) =>
      ask(
        port,
        `PATCH ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: ${offset}\r\n${type}\r\nUpload-Checksum: ${checksum}\r\n\r\n${body}`,
      );
    const sha1 = (text: string) => `sha1 ${new Bun.CryptoHasher("sha1").update(text).digest("base64")}`;
    expect((await patch(0, sha1("abc"), "abc")).status).toBe(204);
    expect((await patch(3, sha1("def"), "deg")).status).toBe(460);
    expect((await patch(3, "crc32 AAAAAA==", "def")).status).toBe(400);
    expect((await head(path)).field("upload-offset")).toBe("3");
    expect((await patch(3, sha1("def"), "def")).status).toBe(204);
    expect(readFileSync(stored("sum.txt"), "utf8")).toBe("abcdef");
  });

  test("an empty file", async () => {
    const { requests } = await run(Buffer.alloc(0), { metadata: { filename: "empty.txt" } });
    expect([requests, readFileSync(stored("empty.txt")).length]).toEqual([["POST 201"], 0]);
  });

  test("a name in unicode, in folders that are made for it", async () => {
    const metadata = { filename: "größe 漢字 🎉.txt", relativePath: "Fotos/2026 été/größe 漢字 🎉.txt" };
    const { location } = await run(small, { metadata });
    expect(decodeURI(location!)).toBe(`/up/${metadata.relativePath}`);
    expect(readFileSync(stored(metadata.relativePath)).equals(small)).toBe(true);
    const got = await ask(port, `GET ${location} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect([got.status, got.body.equals(small)]).toEqual([200, true]);
  });

  test("termination", async () => {
    const { upload } = await run(BIG, { metadata: { filename: "never" }, chunkSize: MB }, (accepted) => accepted > 0);
    expect(unfinished().length).toBe(2);
    await Upload.terminate(upload.url!, { retryDelays: null } as UploadOptions);
    expect(unfinished()).toEqual([]);
    expect((await head(new URL(upload.url!).pathname)).status).toBe(404);
  });

  test("an upload that has expired is begun again", async () => {
    const urlStorage = new Urls();
    const options = { metadata: { filename: "late.txt" }, chunkSize: 100, urlStorage };
    const first = await run(small, options, (accepted) => accepted >= 300);
    const hours = (count: number) => Date.now() / 1000 - count * 3600;
    const part = stored(`.webserv/${first.upload.url!.slice(-32)}.part`);
    utimesSync(part, hours(0.9), hours(0.9));
    expect((await head(new URL(first.upload.url!).pathname)).field("upload-offset")).toBe("300");
    utimesSync(part, hours(1.1), hours(1.1));
    const { requests } = await run(small, options);
    expect(requests.slice(0, 3)).toEqual(["HEAD 404", "POST 201", "PATCH 204"]);
    expect(readFileSync(stored("late.txt")).equals(small)).toBe(true);
    expect(unfinished()).toEqual([]);
  });

  test("what has expired is removed when the server starts", async () => {
    const path = await created(1000, "stale.txt");
    utimesSync(stored(`.webserv/${path.slice(-32)}.part`), 1, 1);
    await server.restart();
    expect(unfinished()).toEqual([]);
  });

  test("POST in the place of PATCH", async () => {
    const { requests } = await run(small, { metadata: { filename: "override.txt" }, overridePatchMethod: true });
    expect(requests).toEqual(["POST 201", "POST 204"]);
    expect(readFileSync(stored("override.txt")).equals(small)).toBe(true);
  });

  test.each<[string, UploadOptions, Buffer, number]>([
    ["more than client_max_body_size", {}, Buffer.alloc(60 * 1024 * 1024 + 1), 413],
    ["a path that climbs", { metadata: { relativePath: "../../x/y.txt" } }, small, 400],
    [
      "a name that is taken",
      { endpoint: `http://127.0.0.1:${port}/once/`, metadata: { filename: "taken" } },
      small,
      409,
    ],
  ])("refused: %s", async (_, options, data, status) => {
    if (status === 409) await run(small, { metadata: { filename: "taken" } });
    const failing = run(data, options);
    await expect(failing).rejects.toThrow(`response code: ${status}`);
    expect(unfinished()).toEqual([]);
  });

  test("OPTIONS says what is offered", async () => {
    const reply = await ask(port, "OPTIONS /up/ HTTP/1.1\r\nHost: a\r\n\r\n");
    const fields = ["Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Checksum-Algorithm", "Tus-Max-Size"].map(
      (name) => reply.field(name),
    );
    expect(fields).toEqual(["1.0.0", "1.0.0", EXTENSIONS, "sha1,sha256,sha512,md5", String(60 * 1024 * 1024)]);
  });
});
