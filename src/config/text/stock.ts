/** The files that nginx's packages install for `include`, in our words: they are part of the program, for configurations that have no copy. */
import fastcgiConf from "../../../conf/fastcgi.conf" with { type: "text" };
import fastcgiParams from "../../../conf/fastcgi_params" with { type: "text" };
import mimeTypes from "../../../conf/mime.types" with { type: "text" };
import proxyParams from "../../../conf/proxy_params" with { type: "text" };
import scgiParams from "../../../conf/scgi_params" with { type: "text" };
import fastcgiPhp from "../../../conf/snippets/fastcgi-php.conf" with { type: "text" };
import uwsgiParams from "../../../conf/uwsgi_params" with { type: "text" };

const FILES: ReadonlyMap<string, string> = new Map([
  ["fastcgi.conf", fastcgiConf],
  ["fastcgi_params", fastcgiParams],
  ["mime.types", mimeTypes],
  ["proxy_params", proxyParams],
  ["scgi_params", scgiParams],
  ["snippets/fastcgi-php.conf", fastcgiPhp],
  ["uwsgi_params", uwsgiParams],
]);

/** Where nginx's packages have them. */
const FOLDERS = ["/etc/nginx/", "/usr/local/nginx/conf/", "/usr/local/etc/nginx/"];

/** The text of such a file; undefined: an include does not name one. */
export function stockFile(include: string): string | undefined {
  const folder = FOLDERS.find((one) => include.startsWith(one)) ?? "";
  return FILES.get(include.slice(folder.length));
}
