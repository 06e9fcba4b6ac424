/** This server and nginx as gateways: everything goes to an origin over kept connections, or to php-fpm. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOAD_CPU, onCpu, type Peer, type Setup } from "./server.ts";
import { SOURCE, webserv } from "./webserv.ts";

/** The origin beside the load, so that a gateway has its CPU for itself. */
export const origin: Peer = { ...webserv, name: "origin", command: (setup) => onCpu(LOAD_CPU, webserv.command(setup)) };

/** The origin of tunnels: a program of its own, beside the load. */
export const tunnelOrigin: Peer = {
  name: "origin",
  family: "origin",
  program: process.execPath,
  command: ({ port }) => onCpu(LOAD_CPU, [process.execPath, "run", join(import.meta.dir, "tunnels.ts"), `${port}`]),
};

/** What the `http` block of a gateway has, for both servers. */
type Configuration = (setup: Setup) => string;

/** Gateways to the origin at `port`. */
export const gateways = (port: number): Peer[] => gatewaysWith(toOrigin(port));

/** Gateways to php-fpm on a unix socket, with the parameters that Debian's nginx gives; a connection for each request. */
export const phpGateways = (socket: string): Peer[] => gatewaysWith(toPhp(socket));

/** Gateways that pass upgrades to the origin at `port`. */
export const tunnelGateways = (port: number): Peer[] => gatewaysWith(toTunnels(port));

const gatewaysWith = (http: Configuration): Peer[] => [gatewayFrom("webserv", SOURCE, http), nginx(http)];

/** The server whose main file is `source`, under a name of its own. */
function gatewayFrom(name: string, source: string, http: Configuration): Peer {
  const command = (setup: Setup): string[] => {
    const file = join(setup.site.folder, `webserv-gateway-${setup.port}.conf`);
    writeFileSync(file, `access_log off;\nerror_log stderr crit;\n${http(setup)}`);
    return [process.execPath, "run", source, file];
  };
  return { name, family: "webserv", program: process.execPath, command };
}

function nginx(http: Configuration): Peer {
  const command = (setup: Setup): string[] => {
    const file = join(setup.site.folder, `nginx-gateway-${setup.port}.conf`);
    writeFileSync(
      file,
      `daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${setup.site.folder}/nginx-gateway-${setup.port}.pid;
error_log stderr crit;
events { worker_connections 24000; use epoll; }
http {
access_log off;
sendfile on;
${http(setup)}
}
`,
    );
    return ["nginx", "-p", setup.site.folder, "-c", file];
  };
  return { name: "nginx", family: "nginx", program: "nginx", command };
}

const toOrigin =
  (origin: number): Configuration =>
  ({ port, site }) =>
    `keepalive_requests 1000000000;
keepalive_timeout 1h;
client_max_body_size 0;
upstream origin {
  server 127.0.0.1:${origin};
  keepalive 256;
  keepalive_requests 1000000000;
}
server {
  listen 127.0.0.1:${port} backlog=4096;
  root ${site.root};
  location / {
    proxy_pass http://origin;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
  }
}
`;

const toPhp =
  (socket: string): Configuration =>
  ({ port, site }) =>
    `keepalive_requests 1000000000;
keepalive_timeout 1h;
server {
  listen 127.0.0.1:${port} backlog=4096;
  root ${site.root};
  location ~ \\.php$ {
    include ${join(import.meta.dir, "../../conf/fastcgi.conf")};
    fastcgi_pass unix:${socket};
  }
}
`;

const toTunnels =
  (origin: number): Configuration =>
  ({ port }) =>
    `server {
  listen 127.0.0.1:${port} backlog=4096;
  location / {
    proxy_pass http://127.0.0.1:${origin};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_read_timeout 1h;
  }
}
`;
