/** A compressed form of a file, complete or still being made, with its kept reply. */
import type { FileForm } from "../compression/file-form.ts";
import type { KeptReply } from "./kept-reply.ts";

export class MadeForm {
  kept: KeptReply | null = null;

  constructor(readonly form: FileForm) {}
}

/** Used instead of a form: the file is sent as it is, or compressed for each client. */
export const AS_IT_IS = "as it is";
export const EACH_TIME = "each time";
