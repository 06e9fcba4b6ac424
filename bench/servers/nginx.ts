/** nginx at its best: one worker, open_file_cache, no log of what is missing, buffered access log, sendfile on or off. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, Setup } from "./server.ts";

export const nginx: readonly Peer[] = ["on", "off"].map((sendfile) => ({
  name: `nginx (sendfile ${sendfile})`,
  family: "nginx",
  program: "nginx",
  command: (setup) => ["nginx", "-p", setup.site.folder, "-c", writeConfiguration(setup, sendfile)],
}));

function writeConfiguration(setup: Setup, sendfile: string): string {
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
  sendfile ${sendfile};
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 60s;
  open_file_cache_min_uses 1;
  open_file_cache_errors on;
  server {
    listen 127.0.0.1:${setup.port} backlog=4096;
    root ${setup.site.root};
  }
}
`,
  );
  return file;
}
