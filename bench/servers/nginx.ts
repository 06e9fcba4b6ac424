/** nginx at its best: one worker, open_file_cache, no log of what is missing, buffered access log; all ways to send a file. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, Setup } from "./server.ts";

/** tcp_nopush matters only with sendfile: it spares small files a packet and costs large ones time. */
const VARIANTS = [
  ["sendfile", "sendfile on; tcp_nopush off;"],
  ["sendfile, tcp_nopush", "sendfile on; tcp_nopush on;"],
  ["no sendfile", "sendfile off;"],
] as const;

export const nginx: readonly Peer[] = VARIANTS.map(([name, directives]) => ({
  name: `nginx (${name})`,
  family: "nginx",
  program: "nginx",
  command: (setup) => ["nginx", "-p", setup.site.folder, "-c", writeConfiguration(setup, directives)],
}));

function writeConfiguration(setup: Setup, directives: string): string {
  const file = join(setup.site.folder, `nginx-${setup.port}.conf`);
  const log = setup.log ? `${setup.site.folder}/nginx-${setup.port}.log combined buffer=64k flush=1s` : "off";
  writeFileSync(
    file,
    `daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${setup.site.folder}/nginx-${setup.port}.pid;
error_log /dev/null crit;
events { worker_connections 16000; use epoll; }
http {
  types { text/html html; }
  access_log ${log};
  log_not_found off;
  ${directives}
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 60s;
  open_file_cache_min_uses 1;
  open_file_cache_errors off; # as ours: a missing file is not remembered
  server {
    listen 127.0.0.1:${setup.port} backlog=4096;
    root ${setup.site.root};
  }
}
`,
  );
  return file;
}
