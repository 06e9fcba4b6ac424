/** A form of a file in another coding, that was made of it or is being made, with the reply that is kept of it. */
import type { FileForm } from "../compression/file-form.ts";
import type { KeptReply } from "./kept-reply.ts";

export class MadeForm {
  kept: KeptReply | null = null;

  constructor(readonly form: FileForm) {}
}

/** What a file may have in place of a form: it is sent as it is, or compressed anew for each client. */
export const AS_IT_IS = "as it is";
export const EACH_TIME = "each time";
