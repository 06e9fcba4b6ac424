/** The directives of each family about how replies are read: buffers and temporary files. */
import type { Family } from "../../gateway.ts";
import type { Context } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import { flag, number, path, size, sizeBetween, words } from "../../values/arguments.ts";
import { keep } from "./keep.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** The rows of one family. */
export function bufferRows(family: Family): readonly Row[] {
  const onOff = (name: string, key: "buffering" | "requestBuffering", help: string): Row =>
    directive(`${family}_${name}`, { in: anywhere, takes: [flag], default: "on", help, set: keep(family, key) });
  return [
    onOff(
      "buffering",
      "buffering",
      "Whether a reply is read as fast as the server sends it, into buffers and a temporary file, so that a slow client does not occupy the server. The field `X-Accel-Buffering` overrides it.",
    ),
    onOff(
      "request_buffering",
      "requestBuffering",
      "Whether a request's body is read completely before the server is asked.",
    ),
    directive(`${family}_buffer_size`, {
      in: anywhere,
      takes: [sizeBetween(1, 2 ** 30)],
      default: "4k",
      help: "The buffer for the first part of a reply; its head must fit.",
      set: keep(family, "bufferSize"),
    }),
    directive(`${family}_buffers`, {
      in: anywhere,
      takes: [number("N", 2, 2 ** 20), sizeBetween(1, 2 ** 30)],
      default: "8 4k",
      help: "Number and size of the buffers for one reply.",
      set: (scope, [count, size]) => {
        scope.ownGroup(family).buffers = { count, size };
      },
    }),
    directive(`${family}_busy_buffers_size`, {
      in: anywhere,
      takes: [size],
      default: null,
      shownDefault: "8k, twice the size of a buffer",
      help: "How much of the buffers may be busy with sending. It is checked as nginx does; how much is sent at once is decided here.",
      set: keep(family, "busyBuffersSize"),
    }),
    ...fileRows(family),
  ];
}

function fileRows(family: Family): readonly Row[] {
  return [
    directive(`${family}_max_temp_file_size`, {
      in: anywhere,
      takes: [size],
      default: "1024m",
      help: "How much of a reply goes to a temporary file when it does not fit into the buffers; 0: none does, the server waits instead.",
      set: keep(family, "maxTempFileSize"),
    }),
    directive(`${family}_temp_file_write_size`, {
      in: anywhere,
      takes: [size],
      default: null,
      shownDefault: "8k, twice the size of a buffer",
      help: "How much is written to a temporary file at once. It is checked as nginx does, but decided here.",
      set: keep(family, "tempFileWriteSize"),
    }),
    directive(`${family}_temp_path`, {
      in: anywhere,
      takes: [path("DIR"), words("[LEVEL [LEVEL [LEVEL]]]", 0, 3)],
      default: null,
      shownDefault: "the system's folder for temporary files",
      help: "The folder of the temporary files. They have no names, so the levels of nginx's folders make no difference.",
      set: (scope, [folder, levels]) => {
        const wrong = levels.find(({ text }) => !/^[123]$/.test(text));
        if (wrong)
          return scope.error(
            wrong.position,
            `"${family}_temp_path" expects levels of 1 to 3, not ${quote(wrong.text)}`,
          );
        scope.ownGroup(family).tempPath = folder;
      },
    }),
  ];
}
