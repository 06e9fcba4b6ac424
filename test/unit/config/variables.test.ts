/** The directives whose values may have variables, as nginx's documentation says of each; nginx 1.22 is asked too. What they do with them: test/wire/variables-as-nginx.test.ts. */
import { describe, expect, test } from "bun:test";
import { config, load } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

const inServer = (text: string): string => `server { ${text} }`;
const inLocation = (text: string): string => `server { location / { ${text} } }`;
const passing = (family: string, text: string): string =>
  inLocation(`${family}_pass ${family === "proxy" ? "http://" : ""}127.0.0.1:1; ${text}`);

const TAKEN = [
  ...[
    "root /srv/$host;",
    "location /a/ { alias /srv/$arg_x/; }",
    "index $arg_i.html index.html /x$uri;",
    "try_files $uri $uri/ /$arg_x =404;",
    "try_files /a @$arg_n;",
    "error_page 404 /e$uri;",
    "error_page 404 =200 $arg_x;",
    "error_page 404 http://$host/x;",
    "error_page 404 @$arg_n;",
    "return 302 $arg_x;",
    "return 200 $arg_x;",
    "return $scheme://$host/;",
    "add_header X $arg_v always;",
    "add_trailer X $arg_a;",
    "expires $arg_x;",
    "expires modified $arg_x;",
    "expires @$arg_x;",
    "charset $arg_x;",
    "source_charset $arg_x;",
    "auth_basic $arg_r; auth_basic_user_file /etc/$arg_u;",
    "access_log /tmp/$arg_x.log combined if=$arg_y;",
    "limit_rate $arg_x; limit_rate_after $arg_y;",
    "disable_symlinks on from=$document_root;",
    "sub_filter $arg_a $arg_b;",
    'secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret";',
    "auth_request /x; auth_request_set $v $upstream_http_x$arg_a;",
    "rewrite ^/a$ /b$arg_x?$args last;",
    'set $v "$arg_a $uri";',
    "if ($arg_a ~ ^x) { return 403 $arg_v; }",
    "if (-f $document_root/$arg_f) { return 403; }",
  ].map(inServer),
  ...["proxy", "fastcgi", "uwsgi", "scgi"].flatMap((family) =>
    ["$arg_to", "$arg_host:$arg_port"].map((target) =>
      inLocation(`${family}_pass ${family === "proxy" ? "http://" : ""}${target};`),
    ),
  ),
  ...["proxy", "fastcgi", "uwsgi", "scgi"].flatMap((family) =>
    [
      `${family}_bind $arg_b;`,
      `${family}_store /tmp/$arg_x;`,
      `${family}_cache $arg_z; ${family}_cache_key $arg_k;`,
      `${family}_cache_bypass $arg_b $arg_c; ${family}_no_cache $arg_b;`,
      ...(family === "proxy" ? [] : [`${family}_param A $arg_b;`]),
    ].map((text) => passing(family, text)),
  ),
  ...[
    "proxy_method $arg_m;",
    "proxy_set_body $arg_b;",
    "proxy_set_header X $arg_x;",
    "proxy_redirect http://$arg_a /$arg_b;",
    "proxy_redirect ~^http://(?<name>[^/]+) /$name$arg_b;",
    "proxy_cookie_domain $arg_a $arg_b;",
    "proxy_cookie_path $arg_a $arg_b;",
    "proxy_cookie_flags $arg_a secure;",
    "proxy_ssl_name $arg_a;",
  ].map((text) => passing("proxy", text)),
  "upstream u { server 127.0.0.1:1; hash $arg_k$uri consistent; } server { }",
  "limit_req_zone $binary_remote_addr$arg_x zone=a:1m rate=1r/s; limit_conn_zone $server_name$arg_x zone=b:1m; server { }",
  'log_format f "$arg_x"; server { }',
  'map "$arg_a:$arg_b" $x { a "$arg_c-$uri"; } geo $arg_ip $y { default 0; } split_clients "$arg_a$uri" $z { * a; } server { }',
  "map $uri $pool { default u; } upstream u { server 127.0.0.1:1; } server { location / { proxy_pass http://$pool$request_uri; } }",
];

/** Those that nginx takes as they are, or not at all. */
const REFUSED = [
  ...[
    "client_max_body_size $arg_x;",
    "keepalive_timeout $arg_x;",
    "gzip $arg_x;",
    "etag $arg_x;",
    "autoindex $arg_x;",
  ].map(inServer),
  passing("proxy", "proxy_http_version $arg_x;"),
  passing("proxy", "proxy_next_upstream $arg_x;"),
  "upstream u { server $arg_x; } server { }",
];

const complete = (text: string): string => inHttp(text);

test.each(TAKEN)("%s is taken", (text) => {
  const { diagnostics } = load(complete(text), { "conf/htpasswd": "a:b" });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
});
test.each(REFUSED)("%s is refused", (text) => expect(load(complete(text)).config).toBeNull());

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(TAKEN)("%s", (text) => expect(nginxTakes(complete(text))).toBe(true));
  test.each(REFUSED)("%s", (text) => expect(nginxTakes(complete(text))).not.toBe(true));
});

describe("a path that is not absolute", () => {
  const settings = (text: string, files = {}) => config(`server { ${text} }`, files).servers[0]!.scope.settings;
  const users = (files: Record<string, string>, name = "users") =>
    settings(`auth_basic_user_file ${name};`, files).authUserFile;

  test("of root: beneath the prefix, also where a variable gives it", () => {
    expect(settings("root $arg_r;").root).toMatchObject({ constant: null, base: "/work" });
    expect(settings("root x/$arg_r;").root.parts[0]).toBe("/work/x/");
  });
  test("of auth_basic_user_file: beneath the folder of the main file, as in nginx; else the prefix", () => {
    expect(users({ "conf/users": "", users: "" })?.constant).toBe("/work/conf/users");
    expect(users({ users: "" })?.constant).toBe("/work/users");
    expect(users({})?.constant).toBe("/work/users");
    expect(users({ "conf/pw/x": "" }, "pw/$host")?.parts[0]).toBe("/work/conf/pw/");
    expect(users({ "pw/x": "" }, "pw/$host")?.parts[0]).toBe("/work/pw/");
    expect(users({}, "$arg_u")?.base).toBe("/work/conf");
  });
});
