/**
 * Configurations in the manner of those that people have for nginx (test/vectors/nginx-files), as both servers get them: only
 * addresses, sockets and folders are others. A line `#> METHOD PATH [Name: value]` in a file is a request for it.
 */
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, PROJECT } from "./server.ts";

const FOLDER = join(PROJECT, "test/vectors/nginx-files");
/** The sites that the files' roots lead to; every file's content is its own path, except for these. */
const SITES: Record<string, string[]> = {
  app: ["index.html", "static/js/main.8f2a.js", "manifest.json", "css/app.css", "favicon.ico"],
  wordpress: [
    "index.php wp-login.php wp-admin/index.php wp-cron.php wp-config.php xmlrpc.php robots.txt favicon.ico",
    "wp-content/uploads/evil.php wp-content/uploads/photo.jpg wp-content/cache/supercache/example.com/cached/index.html",
  ],
  "laravel/public": ["index.php favicon.ico robots.txt build/app.css storage/file.txt .env"],
  "symfony/public": ["index.php other.php bundles/a.js"],
  drupal: ["index.php update.php core/install.php sites/default/files/styles/there.jpg some.module robots.txt"],
  nextcloud: ["index.php remote.php status.php public.php core/css/app.css robots.txt data/secret"],
  mediawiki: ["w/index.php w/load.php w/rest.php w/images/a.png w/images/x.php w/skins/common.css w/includes/a.php"],
  dokuwiki: ["doku.php lib/exe/fetch.php lib/exe/detail.php lib/images/smile.gif data/pages/start.txt install.php"],
  joomla: ["index.php administrator/index.php images/x.php media/a.css 403_error.html"],
  "rails/public": ["404.html 500.html assets/application-abc.css packs/x.js"],
  django: ["static/admin/base.css media/a.png media/b.svg 500.html"],
  flask: ["static/app.css"],
  static: [
    "index.html 404.html empty.html blog/index.html blog/first.html new-page.html archive/deep/page.html data.json a/index.html",
    "assets/logo.svg assets/style.css assets/font.woff2 assets/d fallback.txt images/a.png images/forbidden.png videos/v.mp4",
    "backup.sql page.html~ .git/config style.css",
  ],
  files: ["pub/a.txt pub/folder/b.txt pub/<&>.txt private/x"],
  cgit: ["cgit.css cgit.cgi"],
  git: ["git/other"],
  "gitea/public": ["css/index.css"],
  node: ["public/logo.png favicon.ico"],
  maintenance: ["index.html style.css maintenance.html maintenance.enable"],
  languages: ["de/page/index.html en/index.html en/only.html fr/index.html"],
  downloads: ["protected/a.txt"],
  php: ["index.php info.php dir/index.html .htaccess"],
  "home/user/public_html": ["x index.html"],
  "share/phpmyadmin": ["index.php themes/x.css"],
  matomo: ["index.php matomo.php config/config.ini.php tmp/x js/index.php plugins/x/a.php plugins/x/a.css"],
  "magento/pub": [
    "index.php get.php static.php errors/404.php health_check.php static/frontend/a.css media/catalog/p.jpg",
  ],
  media: ["hls/stream.m3u8 hls/seg1.ts dash/a.mpd"],
  "users/alice": ["index.html"],
  "users/bob": ["index.html"],
};

const CONTENTS: Record<string, string> = {
  "www/files/.keep": "",
  "www/dav/.keep": "",
  "www/letsencrypt/.keep": "",
  "www/filters/static.html": "<html><body>path<p>host</body></html>",
  "www/filters/charset.txt": "Привет, мир\n",
  "www/ssi/ssi/page.html":
    '<!--# set var="a" value="1" --><!--# if expr="$a = 1" -->yes<!--# else -->no<!--# endif --> <!--# include virtual="/parts/head.html" -->\n' +
    '<!--# echo var="arg_name" default="nobody" --> <!--# if expr="$arg_name = /^B/" -->B<!--# endif --> <!--# include file="missing.html" -->\n',
  "www/ssi/ssi/plain.txt": "<!--# echo var='uri' -->",
  "www/ssi/framed/body.html": "<p>body</p>",
  "www/ssi/parts/head.html": "<h1>head</h1>",
  "www/ssi/parts/foot.html": "<hr>foot",
  "html/index.html": "<h1>Welcome</h1>",
  "html/50x.html": "<h1>An error occurred.</h1>",
  "etc/.htpasswd": "alice:{PLAIN}secret\n",
  "etc/geo.conf": "127.0.0.2/32 L2;\n",
  "etc/snippets/homelab-proxy.conf":
    "proxy_set_header Host $host;\nproxy_set_header X-Real-IP $remote_addr;\nproxy_http_version 1.1;\nclient_max_body_size 0;\n",
  "logs/": "",
  "cache/": "",
};

/** One file, and the requests for it. */
export interface NginxFile {
  readonly name: string;
  readonly text: string;
  readonly requests: readonly NginxRequest[];
}

export interface NginxRequest {
  /** As the file has it. */
  readonly text: string;
  readonly method: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What every file is asked. */
const COMMON = [
  ...["GET /", "HEAD /", "GET /missing", "GET /missing.php?a=b", "GET /robots.txt", "GET /favicon.ico"],
  ...["GET /.git/config", "GET /a%20b/%2e%2e/index.html", "POST /", "GET /?utm=1&x[]=2"],
];

/** All files, in the order of their names. */
export const NGINX_FILES: readonly NginxFile[] = readdirSync(FOLDER)
  .sort()
  .map((name) => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    const own = [...text.matchAll(/^#> (.*)$/gm)].map((match) => match[1]!);
    return { name: name.replace(/\.conf$/, ""), text, requests: [...COMMON, ...own].map(request) };
  });

function request(text: string): NginxRequest {
  const [, method, path, field] = /^(\S+) (\S+)(?: (.*))?$/.exec(text)!;
  const [name, value] = field === undefined ? [] : field.split(/: (.*)/s);
  return { text, method: method!, path: path!, fields: name === undefined ? {} : { [name]: value! } };
}

/** The backends that all files share. */
export interface Backends {
  /** The port of an HTTP server. */
  readonly http: number;
  /** The folder with its unix socket `http.sock`, and `fastcgi.sock` and `uwsgi.sock`. */
  readonly folder: string;
}

/** A folder with all sites, of which a server's files get the paths. The caller removes it. */
export function makeSites(): string {
  const files: Record<string, string> = { ...CONTENTS };
  for (const [site, lists] of Object.entries(SITES)) {
    for (const path of lists.flatMap((list) => list.split(" "))) files[`www/${site}/${path}`] = `${path}\n`;
  }
  const folder = makeFolder(files);
  for (const path of Object.keys(files)) if (!path.endsWith("/")) utimesSync(join(folder, path), 1.7e9, 1.7e9);
  for (const name of ["mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "snippets/fastcgi-php.conf"]) {
    const text = readFileSync(join(PROJECT, "conf", name), "utf8");
    writeFileSync(join(folder, "etc", name), text.replace(/include +(?![ /])/g, `include ${folder}/etc/`));
  }
  return folder;
}

/** The address of a file's server: each has its own of 127.0.0.0/8, so that all can have one port. */
export const addressOf = (side: number, file: number): string => `127.${side}.${file + 1}.1`;

/** A file's text for a server. @param side 1 or 2: the server that it is for */
export function adapted(file: NginxFile, index: number, side: number, port: number, sites: string, to: Backends) {
  return file.text
    .replace(/listen\s+\[::\]:[^;]*;/g, "")
    .replace(/listen\s+\d+/g, `listen ${addressOf(side, index)}:${port}`)
    .replace(/include +(?![ /])/g, `include ${sites}/etc/`)
    .replaceAll("/etc/nginx/", `${sites}/etc/`)
    .replace(/(?<=[ \t"])\/var\/www(?=\/)/g, `${sites}/www`)
    .replaceAll("/usr/share/nginx/html", `${sites}/html`)
    .replaceAll("/var/log/nginx", `${sites}/logs`)
    .replaceAll("/var/cache/nginx", `${sites}/cache`)
    .replace(/unix:(\/var)?\/run\/(php\/php[\d.-]*-?fpm\.sock|fcgiwrap\.socket)/g, `unix:${to.folder}/fastcgi.sock`)
    .replaceAll("unix:/run/gunicorn.sock", `unix:${to.folder}/http.sock`)
    .replaceAll("unix:/run/uwsgi.sock", `unix:${to.folder}/uwsgi.sock`)
    .replace(/(?:127\.0\.0\.1|localhost):\d{4}/g, `127.0.0.1:${to.http}`);
}
