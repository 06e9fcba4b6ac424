/**
 * This server, lighttpd's mod_cgi and Apache's mod_cgid with the same scripts at /cgi-bin/, each in the configuration that costs it
 * least. Nothing is logged.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlGroup } from "../cgroup.ts";
import type { Peer, Setup } from "./server.ts";
import { SOURCE } from "./webserv.ts";

/** Where the scripts are, and where bodies wait that a server collects first. */
export interface CgiFolders {
  readonly scripts: string;
  readonly temporary: string;
}

/** How lighttpd takes a body and gives the output: whole (0), as it comes (1), as it comes with small buffers (2). */
const LIGHTTPD_STREAMING = [0, 1, 2] as const;

/** For small requests and replies: streaming changes nothing there. */
export function cgiPeers(folders: CgiFolders): Peer[] {
  return [webserv(folders), lighttpd(folders, 0), apache(folders)];
}

/** For large bodies: lighttpd in all its ways. */
export function streamingPeers(folders: CgiFolders): Peer[] {
  return [webserv(folders), ...LIGHTTPD_STREAMING.map((streaming) => lighttpd(folders, streaming))];
}

/** `peer` as a member of the group. */
export function within(group: ControlGroup, peer: Peer): Peer {
  return { ...peer, command: (setup) => group.enclose(peer.command(setup)) };
}

const webserv = (folders: CgiFolders): Peer => webservScripts("webserv", SOURCE, folders);

/** The server whose main file is `source`, under a name of its own, with the scripts. */
export function webservScripts(name: string, source: string, folders: CgiFolders): Peer {
  const command = (setup: Setup): string[] => [process.execPath, "run", source, writeWebserv(setup, folders)];
  return { name, family: name, program: process.execPath, command };
}

function writeWebserv({ site, port }: Setup, { scripts, temporary }: CgiFolders): string {
  const file = join(site.folder, `webserv-cgi-${port}.conf`);
  writeFileSync(
    file,
    `error_log stderr crit;
keepalive_requests 1000000000;
keepalive_timeout 1h;
client_max_body_size 0;
client_body_temp_path ${temporary};
cgi_timeout 1h;
server {
  listen 127.0.0.1:${port};
  root ${site.root};
  location /cgi-bin/ {
    alias ${scripts}/;
    cgi .sh /bin/sh;
    cgi .cgi;
  }
}
`,
  );
  return file;
}

function lighttpd(folders: CgiFolders, streaming: number): Peer {
  return {
    name: streaming === 0 ? "lighttpd" : `lighttpd (streaming ${streaming})`,
    family: "lighttpd",
    program: "lighttpd",
    command: (setup) => ["lighttpd", "-D", "-f", writeLighttpd(setup, folders, streaming)],
  };
}

/** The shell is /usr/bin/sh here, for lighttpd 1.4.69 makes "//in/sh" of "/bin/sh". */
function writeLighttpd({ site, port }: Setup, { scripts, temporary }: CgiFolders, streaming: number): string {
  const file = join(site.folder, `lighttpd-cgi-${port}.conf`);
  writeFileSync(
    file,
    `server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${site.root}"
server.errorlog = "/dev/null"
server.event-handler = "linux-sysepoll"
server.stat-cache-engine = "inotify"
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 3600
server.max-request-size = 0
server.upload-dirs = ("${temporary}")
server.stream-request-body = ${streaming}
server.stream-response-body = ${streaming}
server.modules = ("mod_alias", "mod_cgi")
alias.url = ("/cgi-bin/" => "${scripts}/")
cgi.assign = (".sh" => "/usr/bin/sh", ".cgi" => "")
mimetype.assign = (".html" => "text/html")
`,
  );
  return file;
}

function apache(folders: CgiFolders): Peer {
  return {
    name: "Apache (mod_cgid)",
    family: "apache",
    program: "apache2",
    command: (setup) => ["apache2", "-DFOREGROUND", "-f", writeApache(setup, folders)],
  };
}

/** Where Debian keeps them. */
const APACHE_MODULES = "/usr/lib/apache2/modules";

/** One process with threads enough, and its daemon that starts the scripts. */
function writeApache({ site, port }: Setup, { scripts }: CgiFolders): string {
  const folder = join(site.folder, `apache-${port}`);
  mkdirSync(folder);
  const modules = ["mpm_event", "authz_core", "alias", "cgid"].map(
    (name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`,
  );
  const file = join(folder, "httpd.conf");
  writeFileSync(
    file,
    `ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ScriptSock ${folder}/cgid.sock
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
User www-data
Group www-data
${modules.join("\n")}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
ErrorLog /dev/null
LogLevel emerg
DocumentRoot ${site.root}
ScriptAlias /cgi-bin/ ${scripts}/
<Directory />
  AllowOverride None
</Directory>
`,
  );
  return file;
}
