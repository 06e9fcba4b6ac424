/**
 * The content handlers of a location, one row each, in order of precedence. The configuration's checks and the server use the same
 * rows; src/handlers/contents.ts makes the handlers by these names. A new handler is one row here and one folder there.
 */
import type { Settings } from "../config/model.ts";
import { DAV_EXT_METHODS, DAV_METHODS } from "../config/settings/dav.ts";

/** The settings that decide which handler answers. */
type Deciding = Pick<
  Settings,
  | "return"
  | "sessionApi"
  | "stubStatus"
  | "davMethods"
  | "davExtMethods"
  | "davLock"
  | "emptyGif"
  | "upload"
  | "deleteFiles"
  | "tryFiles"
  | "pass"
  | "cgi"
  | "cgiMethods"
  | "allowedMethods"
  | "nginxReplies"
>;

export interface Answerer {
  /** The directive that turns it on; `files` and `tus` have none of their own. */
  readonly name:
    | "return"
    | "session_api"
    | "stub_status"
    | "empty_gif"
    | "tus"
    | "dav_methods"
    | "dav_ext_methods"
    | "upload_store"
    | "delete_files"
    | "try_files"
    | "pass"
    | "cgi"
    | "files";
  /** The setting that turns it on; null: it is always on. */
  readonly setting: Exclude<keyof Deciding, "allowedMethods" | "cgiMethods" | "davLock" | "nginxReplies"> | null;
  /** It answers every request of its location, so the rows below it are not tried. */
  readonly alone: boolean;
  /** The methods it answers without `allowed_methods`; null: any. */
  readonly byDefault: readonly string[] | null;
  /** The methods that `allowed_methods` may name for it; null: any. With others, a 200 would claim that something was done. */
  readonly performs: readonly string[] | null;
  /** What happens to a request's body, for the documentation. */
  readonly body: string;
  /** The method that the location must allow, instead of the request's own. */
  readonly judgedAs?: string;
}

const SENDING = ["POST", "PUT", "PATCH"];

export const ANSWERERS: readonly Answerer[] = [
  { name: "return", setting: "return", alone: true, byDefault: null, performs: null, body: "discarded" },
  {
    name: "session_api",
    setting: "sessionApi",
    alone: true,
    byDefault: ["GET", "HEAD", "POST", "DELETE"],
    performs: ["GET", "HEAD", "POST", "DELETE"],
    body: "the change to the session",
  },
  {
    name: "stub_status",
    setting: "stubStatus",
    alone: true,
    byDefault: ["GET", "HEAD"],
    performs: ["GET", "HEAD"],
    body: "discarded",
  },
  {
    name: "empty_gif",
    setting: "emptyGif",
    alone: true,
    byDefault: ["GET", "HEAD"],
    performs: ["GET", "HEAD"],
    body: "discarded",
  },
  // In the tus protocol HEAD, PATCH and DELETE concern an upload that a POST has created.
  {
    name: "tus",
    setting: "upload",
    alone: false,
    byDefault: SENDING,
    performs: SENDING,
    body: "a piece of an upload",
    judgedAs: "POST",
  },
  // Each answers only the methods that its directive names.
  {
    name: "dav_methods",
    setting: "davMethods",
    alone: false,
    byDefault: DAV_METHODS,
    performs: DAV_METHODS,
    body: "the file (PUT)",
  },
  {
    name: "dav_ext_methods",
    setting: "davExtMethods",
    alone: false,
    byDefault: [...DAV_EXT_METHODS, "PROPPATCH"],
    performs: [...DAV_EXT_METHODS, "PROPPATCH"],
    body: "XML",
  },
  {
    name: "upload_store",
    setting: "upload",
    alone: false,
    byDefault: SENDING,
    performs: SENDING,
    body: "the file, or a form with files",
  },
  {
    name: "delete_files",
    setting: "deleteFiles",
    alone: false,
    byDefault: ["DELETE"],
    performs: ["DELETE"],
    body: "discarded",
  },
  // When it finds nothing it answers with its status only, whatever the method is.
  { name: "try_files", setting: "tryFiles", alone: false, byDefault: null, performs: null, body: "discarded" },
  // `proxy_pass` and the others: a location has at most one of them. It answers whatever `try_files` lets pass.
  { name: "pass", setting: "pass", alone: false, byDefault: null, performs: null, body: "passed on" },
  {
    name: "cgi",
    setting: "cgi",
    alone: false,
    byDefault: ["GET", "HEAD", "POST", "OPTIONS"],
    performs: null,
    body: "the program's input",
  },
  {
    name: "files",
    setting: null,
    alone: false,
    byDefault: ["GET", "HEAD"],
    performs: ["GET", "HEAD", "POST"],
    body: "discarded",
  },
];

/** `allowed_methods any`. */
export const ANY_METHOD = "any";
/** Shown in Allow where any method is answered; also the order of methods that nobody listed. */
const USUAL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Whether a setting turns something on. */
export const isOn = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined && value !== false;

/** WebDAV changes files of the server itself: in nginx, too, what is passed on is the other server's. */
export const isDav = (name: Answerer["name"]): boolean => name === "dav_methods" || name === "dav_ext_methods";

/** The rows that apply in a location. */
export function answerersOf(settings: Deciding): readonly Answerer[] {
  const isThere = ({ name, setting }: Answerer): boolean =>
    setting === null || (isOn(settings[setting]) && !(settings.pass !== null && isDav(name)));
  const there = ANSWERERS.filter(isThere);
  return there[0]!.alone ? [there[0]!] : there;
}

/** The methods that a row answers in a location; null: any. */
export function methodsOf(answerer: Answerer, settings: Deciding): readonly string[] | null {
  const { name } = answerer;
  const { allowedMethods } = settings;
  const named = namedMethods(name, settings);
  const { byDefault, performs } = named === null ? answerer : { byDefault: named, performs: named };
  if (allowedMethods === null || name === "try_files") return byDefault;
  if (allowedMethods.includes(ANY_METHOD)) return performs;
  return performs === null ? allowedMethods : allowedMethods.filter((method) => performs.includes(method));
}

/** The methods that a directive asks for, of which `allowed_methods` can only remove some; null: no directive does. */
export function namedMethods(name: Answerer["name"], settings: Deciding): readonly string[] | null {
  if (name === "cgi") return settings.cgiMethods;
  if (name === "dav_methods") return settings.davMethods;
  // nginx looks the file up first: what is missing is 404, what is there 405.
  if (name === "files" && settings.nginxReplies && settings.allowedMethods === null) return ["GET", "HEAD", "POST"];
  if (name !== "dav_ext_methods") return null;
  const methods = settings.davExtMethods.filter((method) => settings.davLock !== null || !/LOCK$/.test(method));
  // Who may read properties and write files may set properties, too.
  const sets = methods.includes("PROPFIND") && settings.davMethods.includes("PUT");
  return sets ? [...methods, "PROPPATCH"] : methods;
}

/**
 * The value of `Allow` (RFC 9110 §10.2.1), in the order of `allowed_methods`.
 * @param last the row that answers for the resource; for a file, the methods of programs are left out
 * @param refused a method that a script itself has refused
 */
export function allowValue(settings: Deciding, last?: Answerer, refused = ""): string {
  const isSaid = ({ name }: Answerer): boolean =>
    name !== "try_files" && (name !== "cgi" || last?.name !== "files" || settings.cgiMethods !== null);
  const lists = answerersOf(settings)
    .filter(isSaid)
    .map((row) => methodsOf(row, settings));
  const written = settings.allowedMethods?.filter((method) => method !== ANY_METHOD) ?? [];
  const listed = lists.flatMap((list) => list ?? []);
  const answered = [...new Set([...written, ...USUAL, ...listed])].filter((method) =>
    lists.some((list) => list === null || list.includes(method)),
  );
  const methods = answered.filter((method) => method !== refused && method !== "OPTIONS");
  return [...methods, "OPTIONS"].join(", ");
}
