/** A PHP site on php-fpm, configured as Debian's packages of nginx do it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { HAS_PHP_FPM, useFolder, usePhpFpm } from "./applications.ts";
import { ask, Client, get } from "./client.ts";
import { PROJECT, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const folder = useFolder({
  "www/index.php": `<?php echo "index ", $_SERVER["SCRIPT_NAME"];`,
  "www/sub/index.php": `<?php echo "sub ", $_SERVER["SCRIPT_NAME"];`,
  "www/vars.php": `<?php header("Content-Type: application/json");
    $_SERVER["body"] = strlen(file_get_contents("php://input"));
    echo json_encode($_SERVER);`,
  "www/upload.php": `<?php foreach ($_FILES as $file) echo $file["name"], " ", $file["size"], " ", md5_file($file["tmp_name"]);`,
  "www/error.php": `<?php http_response_code(404); error_log("oh no"); echo "not here";`,
  "www/away.php": `<?php header("Location: /elsewhere?a=b");`,
  "www/cookies.php": `<?php setcookie("a", "1"); setcookie("b", "2"); header("X-Powered-By: me");`,
  "www/large.php": `<?php header("Content-Length: 5000000"); for ($i = 0; $i < 500; $i++) echo str_repeat(chr(65 + $i % 26), 10000);`,
  "www/stream.php": `<?php header("X-Accel-Buffering: no"); echo "one,"; flush(); fgets(fopen($_GET["fifo"], "r")); echo "two";`,
  "www/accel.php": `<?php header("X-Accel-Redirect: /private/secret.txt");`,
  "www/304.php": `<?php http_response_code(304); header("ETag: \\"x\\"");`,
  "www/picture.png": "<?php echo 'must not run';",
  "private/secret.txt": "secret",
});
usePhpFpm(folder, { upload_max_filesize: "50M", post_max_size: "60M" });

const PHP = `include "${PROJECT}/conf/snippets/fastcgi-php.conf"; fastcgi_pass unix:${folder}/php.sock;`;
const server = useServer({
  configuration: `
    error_log error.log;
    client_max_body_size 60m;
    upstream kept { server unix:${folder}/php.sock; keepalive 1; }
    server {
      listen 127.0.0.1:0;
      root ${folder}/www;
      index index.php;
      location / { try_files $uri $uri/ =404; }
      location ~ \\.php(/|$) { ${PHP} }
      location /private/ { internal; alias ${folder}/private/; }
      location /kept/ {
        fastcgi_keep_conn on;
        fastcgi_param SCRIPT_FILENAME $document_root/vars.php;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_request_buffering off;
        fastcgi_pass kept;
        add_header X-Connect $upstream_connect_time;
      }
    }`,
});

const asked = (path: string, fields: Record<string, string> = {}) => ask(server.port, get(path, fields));
/** $_SERVER for a request. */
const variables = async (request: string): Promise<Record<string, string>> =>
  JSON.parse((await ask(server.port, request)).text);
const logged = (): Promise<string> => Bun.file(join(server.folder, "error.log")).text();

describe.if(HAS_PHP_FPM)("php-fpm", () => {
  test("pages by their names, and the index of folders", async () => {
    expect((await asked("/")).text).toBe("index /index.php");
    expect((await asked("/sub/")).text).toBe("sub /sub/index.php");
    expect((await asked("/nothing.php")).status).toBe(404);
  });

  test("$_SERVER", async () => {
    const request = get("/vars.php/p/a%20th?x=1&y=2", { "X-Own": "mine", Proxy: "http://evil/", Cookie: "a=b" });
    expect(await variables(request)).toMatchObject({
      SCRIPT_FILENAME: `${folder}/www/vars.php`,
      SCRIPT_NAME: "/vars.php",
      PATH_INFO: "/p/a th",
      QUERY_STRING: "x=1&y=2",
      REQUEST_URI: "/vars.php/p/a%20th?x=1&y=2",
      DOCUMENT_ROOT: `${folder}/www`,
      REQUEST_METHOD: "GET",
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "127.0.0.1",
      SERVER_PORT: String(server.port),
      REDIRECT_STATUS: "200",
      HTTP_X_OWN: "mine",
      HTTP_COOKIE: "a=b",
    });
    expect(await variables(request)).not.toHaveProperty("HTTP_PROXY");
  });

  test("what is no script never runs, whatever follows its name", async () => {
    expect((await asked("/picture.png/x.php")).status).toBe(404);
  });

  test("bodies of a known length, in chunks, and empty ones", async () => {
    const post = (rest: string) => `POST /vars.php HTTP/1.1\r\nHost: a\r\n${rest}`;
    expect(await variables(post("Content-Length: 3\r\n\r\nabc"))).toMatchObject({ body: 3, CONTENT_LENGTH: "3" });
    expect(await variables(post("Content-Length: 0\r\n\r\n"))).toMatchObject({ body: 0 });
    const chunks = `${"10000\r\n"}${"x".repeat(65_536)}\r\n`.repeat(20);
    expect(await variables(post(`Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`))).toMatchObject({
      body: 20 * 65_536,
    });
  });

  test("an upload of 20 MB", async () => {
    const file = Buffer.alloc(20_000_000, "webserv");
    const form = new FormData();
    form.append("file", new Blob([file]), "a.bin");
    const reply = await fetch(`${server.urls[0]}upload.php`, { method: "POST", body: form });
    expect(await reply.text()).toBe(`a.bin 20000000 ${new Bun.CryptoHasher("md5").update(file).digest("hex")}`);
  });

  test("statuses, redirects, cookies", async () => {
    expect(await asked("/error.php")).toMatchObject({ status: 404, text: "not here" });
    const away = await asked("/away.php");
    expect([away.status, away.field("location")]).toEqual([302, "/elsewhere?a=b"]);
    const cookies = await asked("/cookies.php");
    expect([cookies.field("set-cookie"), cookies.field("x-powered-by")]).toEqual(["a=1, b=2", "me"]);
    const unchanged = await asked("/304.php");
    expect([unchanged.status, unchanged.field("etag"), unchanged.text]).toEqual([304, '"x"', ""]);
  });

  test("HEAD", async () => {
    const reply = await ask(server.port, get("/large.php", {}, "HEAD"));
    expect([reply.status, reply.field("content-length"), reply.body.length]).toEqual([200, "5000000", 0]);
  });

  test("what PHP logs is in the error log, in nginx's words", async () => {
    await asked("/error.php");
    let log = "";
    await until(
      () => {
        void logged().then((text) => (log = text));
        return /FastCGI sent in stderr: "(PHP message: )?oh no" while reading .* upstream: "fastcgi:\/\/unix:/.test(
          log,
        );
      },
      () => log,
    );
  });

  test("a large reply, whole", async () => {
    const { body } = await asked("/large.php");
    expect([body.length, body.at(-1)]).toEqual([5_000_000, 65 + (499 % 26)]);
  });

  test("X-Accel-Redirect", async () => {
    expect((await asked("/accel.php")).text).toBe("secret");
  });

  test("a reply comes while it is made", async () => {
    const fifo = join(folder, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).success).toBe(true);
    const client = await Client.connect(server.port);
    await client.send(get(`/stream.php?fifo=${fifo}`));
    await client.until(() => client.pending.includes("one,"), "the beginning");
    await Bun.write(Bun.file(fifo), "go\n");
    expect((await client.reply()).text).toBe("one,two");
    client.destroy();
  });

  test("a body that PHP does not read, because its length is not known, costs only the connection", async () => {
    const post = "POST /kept/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (let i = 0; i < 5; i++) expect(await variables(post)).toMatchObject({ body: 0, CONTENT_LENGTH: "" });
  });

  test("a kept connection serves the next request, bodies without buffering", async () => {
    const post = "POST /kept/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for (let i = 0; i < 5; i++) {
      expect(await variables(get("/kept/?x"))).toMatchObject({ QUERY_STRING: "x", body: 0 });
      expect(await variables(post)).toMatchObject({ body: 3 });
    }
    expect((await asked("/kept/")).field("x-connect")).toBe("0.000");
  });
});
