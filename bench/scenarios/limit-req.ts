/** The part of the scenario `language` about `limit_req`, in a process of its own. */
import { join } from "node:path";
import { atMost, type Report, verdict } from "../table.ts";

interface Figures {
  readonly first: number;
  readonly again: number;
  readonly full: number;
  readonly resident: number;
  readonly size: number;
}

/** Most us of a request. */
const LIMIT = 2;

export async function limitReq(): Promise<Report> {
  const child = Bun.spawn([process.execPath, "run", join(import.meta.dir, "../limit-req.ts")], { stdout: "pipe" });
  const { first, again, full, resident, size } = JSON.parse(await new Response(child.stdout).text()) as Figures;
  const megabytes = resident / 2 ** 20;
  const checks = [
    atMost("limit_req, an address that is new: us", first, LIMIT),
    atMost("one that is known: us", again, LIMIT),
    atMost("one that is new to a full zone: us", full, LIMIT),
    atMost("RSS / size of the zone", resident / size, 1),
  ];
  const unit = (i: number): string => (i === 3 ? "x" : " us");
  return {
    scenario: "language",
    title: `limit_req with 1,000,000 addresses, zone of ${size / 2 ** 20}m (RSS ${megabytes.toFixed(1)} MB)`,
    columns: ["measured", "", "must", ""],
    rows: checks.map((check, i) => [check.what, check.value.toFixed(2), ...verdict(check, unit(i), 2)]),
    checks,
    notes: [],
  };
}
