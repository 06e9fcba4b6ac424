/**
 * Who answers in a location: one row per content handler, in order of precedence. The configuration's checks and the server
 * read the same rows; src/handlers/contents.ts makes the handlers by these names. A new handler is one row here and one folder there.
 */
import type { Settings } from "../config/model.ts";

/** What of the settings decides who answers. */
type Deciding = Pick<
  Settings,
  "return" | "sessionApi" | "upload" | "deleteFiles" | "tryFiles" | "cgi" | "cgiMethods" | "allowedMethods"
>;

export interface Answerer {
  /** The directive that turns it on; `files` and `tus` have none of their own. */
  readonly name: "return" | "session_api" | "tus" | "upload_store" | "delete_files" | "try_files" | "cgi" | "files";
  /** The setting that turns it on; null: it is everywhere. */
  readonly setting: Exclude<keyof Deciding, "allowedMethods" | "cgiMethods"> | null;
  /** It answers every request of its location: no row below it is asked. */
  readonly alone: boolean;
  /** The methods it answers where `allowed_methods` says nothing; null: any. */
  readonly byDefault: readonly string[] | null;
  /** The methods that `allowed_methods` may name for it; null: any. For others a 200 would say that something was done. */
  readonly performs: readonly string[] | null;
  /** What becomes of a request's body, for the documentation. */
  readonly body: string;
  /** It answers when the location allows this method, whatever the request's own is. */
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
  // The protocol's HEAD, PATCH and DELETE are about an upload, which a POST has begun.
  {
    name: "tus",
    setting: "upload",
    alone: false,
    byDefault: SENDING,
    performs: SENDING,
    body: "a piece of an upload",
    judgedAs: "POST",
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
  // It answers only with its status where it finds nothing, whatever the method.
  { name: "try_files", setting: "tryFiles", alone: false, byDefault: null, performs: null, body: "discarded" },
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
/** What Allow shows where any method is answered, and the order of methods that nobody listed. */
const USUAL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Whether a setting turns something on. */
export const isOn = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined && value !== false;

/** The rows that count in a location. */
export function answerersOf(settings: Deciding): readonly Answerer[] {
  const there = ANSWERERS.filter(({ setting }) => setting === null || isOn(settings[setting]));
  return there[0]!.alone ? [there[0]!] : there;
}

/** The methods with which a row answers in a location; null: any. */
export function methodsOf(answerer: Answerer, { allowedMethods, cgiMethods }: Deciding): readonly string[] | null {
  const { name } = answerer;
  // Whoever names methods for programs wants them answered: `allowed_methods` can only leave some of them out.
  const named = name === "cgi" ? cgiMethods : null;
  const { byDefault, performs } = named === null ? answerer : { byDefault: named, performs: named };
  if (allowedMethods === null || name === "try_files") return byDefault;
  if (allowedMethods.includes(ANY_METHOD)) return performs;
  return performs === null ? allowedMethods : allowedMethods.filter((method) => performs.includes(method));
}

/**
 * The value of `Allow` (RFC 9110 §10.2.1), in the order of `allowed_methods`.
 * @param last who answers for the resource; for a file it is not said what programs perform
 * @param refused a method that a script has refused itself
 */
export function allowValue(settings: Deciding, last?: Answerer, refused = ""): string {
  const isSaid = ({ name }: Answerer): boolean =>
    name !== "try_files" && (name !== "cgi" || last?.name !== "files" || settings.cgiMethods !== null);
  const lists = answerersOf(settings)
    .filter(isSaid)
    .map((row) => methodsOf(row, settings));
  const written = settings.allowedMethods?.filter((method) => method !== ANY_METHOD) ?? [];
  const answered = [...new Set([...written, ...USUAL])].filter((method) =>
    lists.some((list) => list === null || list.includes(method)),
  );
  const methods = answered.filter((method) => method !== refused && method !== "OPTIONS");
  return [...methods, "OPTIONS"].join(", ");
}
