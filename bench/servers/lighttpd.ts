/** lighttpd at its best: one process, epoll, sendfile, file status from inotify, buffered access log. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, Setup } from "./server.ts";

export const lighttpd: Peer = {
  name: "lighttpd",
  family: "lighttpd",
  program: "lighttpd",
  command: (setup) => ["lighttpd", "-D", "-f", writeConfiguration(setup)],
};

function writeConfiguration(setup: Setup): string {
  const file = join(setup.site.folder, `lighttpd-${setup.port}.conf`);
  const log = `server.modules += ("mod_accesslog")
accesslog.filename = "${setup.site.folder}/lighttpd-${setup.port}.log"`;
  writeFileSync(
    file,
    `server.bind = "127.0.0.1"
server.port = ${setup.port}
server.document-root = "${setup.site.root}"
server.errorlog = "/dev/null"
server.event-handler = "linux-sysepoll"
server.network-backend = "sendfile"
server.stat-cache-engine = "inotify"
server.max-fds = 16000
server.max-connections = 15000
server.listen-backlog = 4096
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 3600
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html")
${setup.log ? log : ""}
`,
  );
  return file;
}
