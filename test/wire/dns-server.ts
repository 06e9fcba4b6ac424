/** A small DNS server for tests: answers out of a table, by UDP and by TCP on the same port. */
import { type Answer, decode, encode, type Packet, TRUNCATED_RESPONSE } from "dns-packet";

/** The records of each name, in small letters; "cut": only by TCP. */
export type Zone = Record<string, { readonly records: readonly Answer[]; readonly cut?: boolean }>;

export const a = (name: string, data: string, ttl = 60): Answer => ({ type: "A", class: "IN", name, ttl, data });
export const aaaa = (name: string, data: string, ttl = 60): Answer => ({ type: "AAAA", class: "IN", name, ttl, data });
export const cname = (name: string, data: string, ttl = 60): Answer => ({
  type: "CNAME",
  class: "IN",
  name,
  ttl,
  data,
});

/** The reply to a question; `code` is the RCODE if the zone does not know the name. */
export function answer(query: Buffer, zone: Zone, byStream: boolean, code = 3): Buffer {
  const { id = 0, questions = [] } = decode(query);
  const { name, type } = questions[0]!;
  const entry = zone[name.toLowerCase()];
  const cut = entry?.cut === true && !byStream;
  const answers = cut ? [] : (entry?.records ?? []).filter((record) => record.type === type || record.type === "CNAME");
  const flags = (cut ? TRUNCATED_RESPONSE : 0) | (entry === undefined ? code : 0);
  const reply: Packet = { type: "response", id, flags, questions, answers: [...answers] };
  return encode(reply);
}

export interface DnsServer {
  readonly port: number;
  /** Names and types asked for, such as "a.test A"; by TCP "a.test A tcp". */
  readonly asked: string[];
  stop(): void;
}

/** Starts a server on 127.0.0.1, at a port of its own. */
export async function dnsServer(zone: Zone): Promise<DnsServer> {
  const asked: string[] = [];
  const note = (query: Buffer, suffix: string) => {
    const { name, type } = decode(query).questions![0]!;
    asked.push(`${name} ${type}${suffix}`);
  };
  const stream = Bun.listen<{ input: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { input: Buffer.alloc(0) }),
      data(socket, bytes) {
        socket.data.input = Buffer.concat([socket.data.input, bytes]);
        const { input } = socket.data;
        if (input.length < 2 || input.length < 2 + input.readUInt16BE(0)) return;
        const query = input.subarray(2);
        note(query, " tcp");
        const reply = answer(query, zone, true);
        const prefix = Buffer.alloc(2);
        prefix.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([prefix, reply]));
      },
    },
  });
  const datagrams = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: stream.port,
    socket: {
      data(socket, query, port, address) {
        note(query, "");
        socket.send(answer(query, zone, false), port, address);
      },
    },
  });
  return {
    port: stream.port,
    asked,
    stop() {
      stream.stop(true);
      datagrams.close();
    },
  };
}
