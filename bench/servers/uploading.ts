/** This server and nginx as stores for uploads: their files, and those on the way, on one file system, so that nothing is copied at the end. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, Setup } from "./server.ts";
import { SOURCE } from "./webserv.ts";

/** A server with the folder it stores to. */
export interface UploadPeer {
  readonly peer: Peer;
  readonly folder: string;
}

/** nginx's body is read into this much memory before it is written; its default is 16k. */
const NGINX_BUFFERS = ["16k", "256k", "512k", "1m", "2m"];

/** All peers, each with a folder beneath `store`. The first is this server. */
export function uploadPeers(store: string): UploadPeer[] {
  const folder = join(store, "webserv");
  const webserv: UploadPeer = { folder, peer: webservStore("webserv", SOURCE, folder) };
  return [webserv, ...NGINX_BUFFERS.map((buffer) => nginxWith(buffer, join(store, `nginx-${buffer}`)))];
}

/** The server whose main file is `source`, under a name of its own, storing to `folder`. */
export function webservStore(name: string, source: string, folder: string): Peer {
  const command = (setup: Setup): string[] => [process.execPath, "run", source, writeWebserv(setup, folder)];
  return { name, family: name, program: process.execPath, command };
}

function nginxWith(buffer: string, folder: string): UploadPeer {
  const peer: Peer = {
    name: `nginx (buffer ${buffer})`,
    family: "nginx",
    program: "nginx",
    command: (setup) => ["nginx", "-p", setup.site.folder, "-c", writeNginx(setup, folder, buffer)],
  };
  return { folder, peer };
}

function writeWebserv({ site, port }: Setup, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(site.folder, `webserv-upload-${port}.conf`);
  writeFileSync(
    file,
    `error_log stderr crit;
keepalive_requests 1000000000;
client_max_body_size 0;
server {
  listen 127.0.0.1:${port};
  root ${folder};
  location / { upload_store ${folder}; }
}
`,
  );
  return file;
}

/** The temporary files of nginx lie beside its store, which is its root. */
function writeNginx({ site, port }: Setup, folder: string, buffer: string): string {
  const temporary = `${folder}.tmp`;
  mkdirSync(folder, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  const file = join(site.folder, `nginx-upload-${port}.conf`);
  writeFileSync(
    file,
    `daemon off;
user root;
worker_processes 1;
pid ${site.folder}/nginx-${port}.pid;
error_log stderr crit;
events { worker_connections 1000; use epoll; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_buffer_size ${buffer};
  client_body_temp_path ${temporary};
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder};
    dav_methods PUT DELETE;
  }
}
`,
  );
  return file;
}
