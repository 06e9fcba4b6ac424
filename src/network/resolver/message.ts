/** DNS messages (RFC 1035 §4) by dns-packet, whose exceptions end here: a malformed message is null. */
import { type Answer, decode, encode, RECURSION_DESIRED, type StringAnswer, TRUNCATED_RESPONSE } from "dns-packet";
import { formatAddress, parseAddress } from "../../../ffi/inet.ts";

export type AddressType = "A" | "AAAA";

/** What the resolver reads of a reply. Names are in small letters and have no dot at the end. */
export interface Reply {
  readonly id: number;
  /** The answers did not fit into a datagram (RFC 1035 §4.2.1). */
  readonly truncated: boolean;
  /** RCODE (RFC 1035 §4.1.1): one of CODE. */
  readonly code: number;
  readonly question: { readonly name: string; readonly type: string };
  /** The addresses and aliases of the answer section. `ttl`: seconds. */
  readonly records: readonly AnswerRecord[];
}

interface AnswerRecord {
  readonly name: string;
  readonly type: AddressType | "CNAME";
  readonly ttl: number;
  /** A numeric address, or for CNAME a name. */
  readonly data: string;
}

/** RCODEs. */
export const CODE = { none: 0, format: 1, failure: 2, noName: 3, notImplemented: 4, refused: 5 } as const;

const CODE_BITS = 15;
const HEADER = 12;
/** Most seconds that an answer counts, whatever it says (RFC 8767 §4 recommends a limit of days). */
const LONGEST_TTL = 86_400;

/** `name` in the form in which names are compared; null: it can be no host's name (RFC 1035 §2.3.4, RFC 1123 §2.1; underscores occur). */
export function hostName(name: string): string | null {
  const plain = (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
  return plain.length <= 253 && plain.split(".").every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? plain : null;
}

/** A question for the addresses of a valid `name`. */
export function encodeQuestion(id: number, name: string, type: AddressType): Buffer {
  return encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ name, type, class: "IN" }] });
}

/** Reads a reply to one question; null: it is none, or malformed. */
export function decodeReply(bytes: Buffer): Reply | null {
  if (bytes.length < HEADER) return null;
  try {
    const { id = 0, type, flags = 0, questions = [], answers = [] } = decode(bytes);
    const question = questions[0];
    if (type !== "response" || questions.length !== 1 || question === undefined || question.class !== "IN") return null;
    return {
      id,
      truncated: (flags & TRUNCATED_RESPONSE) !== 0,
      code: bytes[3]! & CODE_BITS,
      question: { name: plainName(question.name), type: question.type },
      records: answers.flatMap(recordOf),
    };
  } catch {
    return null; // dns-packet throws at whatever is malformed
  }
}

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, "");

function recordOf(answer: Answer): AnswerRecord[] {
  if (answer.type === "CNAME") return [{ ...common(answer), type: "CNAME", data: plainName(answer.data) }];
  if ((answer.type !== "A" && answer.type !== "AAAA") || answer.class !== "IN") return [];
  const address = parseAddress(answer.data);
  if (address?.length !== (answer.type === "A" ? 4 : 16)) return [];
  const data = formatAddress(address, 0, address.length as 4 | 16);
  return [{ ...common(answer), type: answer.type, data }];
}

const common = ({ name, ttl = 0 }: StringAnswer) => ({ name: plainName(name), ttl: Math.min(ttl, LONGEST_TTL) });
