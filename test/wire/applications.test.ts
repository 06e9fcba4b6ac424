/** Applications behind the servers that their users run, on the files that their documentation gives for nginx. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { useFolder, useProgram } from "./applications.ts";
import { ask, get } from "./client.ts";
import { PROJECT, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const succeeds = (...command: string[]): boolean =>
  Bun.which(command[0]!) !== null && Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).success;

const UWSGI = existsSync("/usr/lib/uwsgi/plugins/python3_plugin.so") && Bun.which("uwsgi") !== null;
const FLASK = Bun.which("gunicorn") !== null && succeeds("python3", "-c", "import flask");
const CGIT = "/usr/lib/cgit/cgit.cgi";
const FCGIWRAP = Bun.which("fcgiwrap") !== null && existsSync(CGIT) && Bun.which("git") !== null;

const folder = useFolder({
  "wsgi.py": `import json
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    seen = {k: v for k, v in environ.items() if isinstance(v, str)}
    seen["body"] = len(body)
    status = environ["QUERY_STRING"] if environ["QUERY_STRING"].isdigit() else "200"
    start_response(status + " Own Words", [("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2")])
    return [json.dumps(seen).encode()]
`,
  "webapp.py": `from flask import Flask, request, url_for, redirect, Response
from werkzeug.middleware.proxy_fix import ProxyFix
app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
@app.get("/")
def index(): return "flask for " + request.remote_addr + " at " + url_for("index", _external=True)
@app.post("/form")
def form(): return f"{request.form['name']} {len(request.files['file'].read())}"
@app.get("/away")
def away(): return redirect(url_for("index"))
@app.get("/lines")
def lines(): return Response((f"{i}\\n" for i in range(20000)), mimetype="text/plain")
@app.get("/broken")
def broken(): raise Exception("oh no")
`,
  "chat.cjs": `const { createServer } = require("node:http");
const { WebSocketServer } = require(${JSON.stringify(join(PROJECT, "node_modules/ws"))});
const server = createServer((request, response) => response.end("node for " + request.headers["x-real-ip"]));
const sockets = new WebSocketServer({ server, path: "/chat" });
sockets.on("connection", (socket, request) => {
  socket.send("hello " + request.headers["x-real-ip"]);
  socket.on("message", (data, isBinary) => {
    if (!isBinary && String(data) === "bye") socket.close(4001, "as you wish");
    else for (const other of sockets.clients) other.send(data, { binary: isBinary });
  });
});
server.listen(process.argv[2]);
`,
  "static/500.html": "a page for errors",
  "static/file.txt": "a file beside the application",
  cgitrc: `css=/cgit.css\ncache-size=0\nvirtual-root=/\nrepo.url=project\nrepo.path=${PROJECT}/.git-that-is-not-there\nrepo.desc=A project\n`,
});

const at = (name: string): string => join(folder, name);
const NODE = Bun.which("node");
const WSGI = [
  "--plugin",
  "python3",
  "--wsgi-file",
  at("wsgi.py"),
  "--die-on-term",
  "--need-app",
  "--buffer-size",
  "65535",
];
useProgram(UWSGI ? ["uwsgi", "--socket", at("uwsgi.sock"), "--scgi-socket", at("scgi.sock"), ...WSGI] : [], folder, [
  at("uwsgi.sock"),
  at("scgi.sock"),
]);
useProgram(FLASK ? ["gunicorn", "--bind", `unix:${at("gunicorn.sock")}`, "webapp:app"] : [], folder, [
  at("gunicorn.sock"),
]);
useProgram(FCGIWRAP ? ["fcgiwrap", "-s", `unix:${at("fcgiwrap.sock")}`] : [], folder, [at("fcgiwrap.sock")]);
useProgram(NODE === null ? [] : [NODE, at("chat.cjs"), at("node.sock")], folder, [at("node.sock")]);

const server = useServer({
  configuration: `
    error_log error.log;
    client_max_body_size 4G;
    keepalive_timeout 5;

    # https://docs.gunicorn.org/en/stable/deploy.html
    upstream app_server {
      # fail_timeout=0 means we always retry an upstream even if it failed
      # to return a good HTTP response
      server unix:${at("gunicorn.sock")} fail_timeout=0;
    }

    server {
      listen 127.0.0.1:0 deferred;
      server_name flask.test;
      root ${at("static")};
      location / {
        # checks for static file, if not found proxy to app
        try_files $uri @proxy_to_app;
      }
      location @proxy_to_app {
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Host $http_host;
        # we don't want nginx trying to do something clever with
        # redirects, we set the Host: header above already.
        proxy_redirect off;
        proxy_pass http://app_server;
      }
      error_page 500 502 503 504 /500.html;
      location = /500.html {
        root ${at("static")};
      }
    }

    # https://nginx.org/en/docs/http/websocket.html
    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      close;
    }

    server {
      listen 127.0.0.1:0;
      server_name node.test;
      location / {
        proxy_pass http://unix:${at("node.sock")};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Real-IP $remote_addr;
      }
    }

    # https://uwsgi-docs.readthedocs.io/en/latest/Nginx.html
    server {
      listen 127.0.0.1:0;
      server_name wsgi.test;
      location / {
        uwsgi_pass unix:///${at("uwsgi.sock").slice(1)};
        include "${PROJECT}/conf/uwsgi_params";
      }
      location /scgi/ {
        include "${PROJECT}/conf/scgi_params";
        scgi_param SCRIPT_NAME /scgi;
        scgi_param PATH_INFO $document_uri;
        scgi_pass unix:${at("scgi.sock")};
      }
    }

    # https://wiki.archlinux.org/title/Cgit#Nginx
    server {
      listen 127.0.0.1:0;
      server_name cgit.test;
      root /usr/share/cgit;
      try_files $uri @cgit;
      location @cgit {
        include "${PROJECT}/conf/fastcgi_params";
        fastcgi_param SCRIPT_FILENAME ${CGIT};
        fastcgi_param CGIT_CONFIG ${at("cgitrc")};
        fastcgi_param PATH_INFO $uri;
        fastcgi_param QUERY_STRING $args;
        fastcgi_param HTTP_HOST $server_name;
        fastcgi_pass unix:${at("fcgiwrap.sock")};
      }
    }`,
});

const from = (host: string, path: string, method = "GET") => ask(server.port, get(path, { Host: host }, method));

describe.if(FLASK)("gunicorn with Flask", () => {
  test("a page that knows its client and its own address", async () => {
    const { text } = await from("flask.test", "/");
    expect(text).toBe("flask for 127.0.0.1 at http://flask.test/");
  });

  test("a form with a file", async () => {
    const form = new FormData();
    form.append("name", "Ada");
    form.append("file", new Blob([Buffer.alloc(3_000_000)]), "a.bin");
    const request = { method: "POST", body: form, headers: { Host: "flask.test" } };
    expect(await (await fetch(`${server.urls[0]}form`, request)).text()).toBe("Ada 3000000");
  });

  test("redirects, streams, files beside it", async () => {
    expect((await from("flask.test", "/away")).field("location")).toBe("/");
    expect((await from("flask.test", "/lines")).text).toEndWith("\n19998\n19999\n");
    expect((await from("flask.test", "/file.txt")).text).toBe("a file beside the application");
  });

  test("its own error page is passed on; Webserv's are the configured ones", async () => {
    const broken = await from("flask.test", "/broken");
    expect([broken.status, broken.text]).toEqual([500, expect.stringContaining("Internal Server Error")]);
  });
});

describe.if(UWSGI)("uwsgi with Python", () => {
  const seen = async (request: string): Promise<Record<string, string>> =>
    JSON.parse((await ask(server.port, request)).text);

  test("by uwsgi", async () => {
    expect(await seen(get("/a%20b?x=1", { Host: "wsgi.test:80", "X-Own": "mine" }))).toMatchObject({
      REQUEST_METHOD: "GET",
      REQUEST_URI: "/a%20b?x=1",
      PATH_INFO: "/a b",
      QUERY_STRING: "x=1",
      SERVER_PROTOCOL: "HTTP/1.1",
      HTTP_X_OWN: "mine",
    });
  });

  test("by SCGI", async () => {
    expect(await seen(get("/scgi/x?x=1", { Host: "wsgi.test" }))).toMatchObject({
      PATH_INFO: "/scgi/x",
      QUERY_STRING: "x=1",
      SCGI: "1",
    });
  });

  for (const [path, name] of [
    ["/", "uwsgi"],
    ["/scgi/", "SCGI"],
  ] as const) {
    test(`bodies by ${name}, also in chunks`, async () => {
      const post = (rest: string) => `POST ${path} HTTP/1.1\r\nHost: wsgi.test\r\n${rest}`;
      expect(await seen(post("Content-Length: 3\r\n\r\nabc"))).toMatchObject({ body: 3, CONTENT_LENGTH: "3" });
      expect(await seen(post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))).toMatchObject({
        body: 5,
      });
    });

    test(`statuses and fields by ${name}, and the next request on the same connection`, async () => {
      const reply = await from("wsgi.test", `${path}?404`);
      expect([reply.statusLine, reply.field("x-a")]).toEqual(["HTTP/1.1 404 Not Found", "1, 2"]);
      expect((await from("wsgi.test", path, "HEAD")).body.length).toBe(0);
    });
  }
});

describe.if(FCGIWRAP)("fcgiwrap with cgit", () => {
  test("its pages, and its files", async () => {
    const page = await from("cgit.test", "/");
    expect([page.status, page.text]).toEqual([200, expect.stringContaining("A project")]);
    expect((await from("cgit.test", "/cgit.css")).text).toStartWith("div#cgit {");
    expect((await from("cgit.test", "/nothing/")).text).toContain("No repositories found");
  });
});

describe.if(NODE !== null)("Node with ws", () => {
  const connect = (): WebSocket => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/chat`, { headers: { Host: "node.test" } });
    socket.binaryType = "arraybuffer";
    return socket;
  };
  const next = (socket: WebSocket): Promise<MessageEvent> =>
    new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));

  test("a page beside it", async () => {
    expect((await from("node.test", "/")).text).toBe("node for 127.0.0.1");
  });

  test("messages of two clients, a megabyte among them; the closing code arrives", async () => {
    const [one, two] = [connect(), connect()];
    expect([(await next(one)).data, (await next(two)).data]).toEqual(["hello 127.0.0.1", "hello 127.0.0.1"]);
    const heard = [next(one), next(two)];
    one.send("to all");
    expect((await Promise.all(heard)).map(({ data }) => data)).toEqual(["to all", "to all"]);
    const megabyte = new Uint8Array(1024 * 1024).map((_, i) => i * 7);
    const echoed = next(one);
    two.send(megabyte);
    expect(Buffer.compare(new Uint8Array((await echoed).data), megabyte)).toBe(0);
    const closed = new Promise<CloseEvent>((resolve) => one.addEventListener("close", resolve));
    one.send("bye");
    expect([(await closed).code, (await closed).reason]).toEqual([4001, "as you wish"]);
    two.close();
  });
});
