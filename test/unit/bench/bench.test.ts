import { expect, test } from "bun:test";
import { parseCpuStat } from "../../../bench/cgroup.ts";
import { LOAD, parseAb, parseH2load } from "../../../bench/load.ts";
import {
  cpuBetween,
  median,
  readCpu,
  readDescriptors,
  readResident,
  statusField,
  ticks,
} from "../../../bench/measure.ts";
import { siegeFigure } from "../../../bench/scenarios/siege.ts";
import { atMost, describe, format, verdict } from "../../../bench/table.ts";

const H2LOAD = `finished in 224.56ms, 89065.04 req/s, 107.36MB/s
requests: 2000 total, 2000 started, 1990 done, 1500 succeeded, 500 failed, 10 errored, 0 timeout
status codes: 1400 2xx, 100 3xx, 490 4xx, 0 5xx
time for request:      164us      2.20ms       475us       189us    91.00%
`;
const AB = `Time taken for tests:   0.119 seconds
Complete requests:      2000
Failed requests:        3
Non-2xx responses:      7
 100%      5 (longest request)
`;

test("h2load's summary: replies, the time in its unit, and what is not of the expected class", () => {
  const load = { ...LOAD, requests: 2000 };
  expect(parseH2load(H2LOAD, load)).toEqual({ answered: 1990, failed: 600, seconds: 0.22456, slowest: 2.2 });
  expect(parseH2load(H2LOAD, { ...load, expects: 3 }).failed).toBe(1900);
  expect(parseH2load(H2LOAD, { ...load, expects: 4 }).failed).toBe(1510);
  expect(parseH2load(H2LOAD, { ...load, expects: 0 }).failed).toBe(10);
  expect(parseH2load(H2LOAD.replace("224.56ms", "1.50s"), load).seconds).toBe(1.5);
});

test("ab's summary: its failures, other statuses and missing replies all count", () => {
  expect(parseAb(AB, { ...LOAD, requests: 2010 })).toEqual({ answered: 2000, failed: 20, seconds: 0.119, slowest: 5 });
  expect(parseAb(AB.replace(/Non-2xx.*\n/, ""), { ...LOAD, requests: 2000 }).failed).toBe(3);
});

test("a generator that says something else is an error", () => {
  expect(() => parseH2load("usage: h2load", LOAD)).toThrow("usage");
  expect(() => parseAb("usage: ab", LOAD)).toThrow("usage");
});

test("siege's summary is read by the figure's whole name", () => {
  const said = '{ "successful_transactions": 7,\n"transactions":\t\t\t12,\n"availability":\t\t\t99.95 }';
  expect(siegeFigure(said, "transactions")).toBe(12);
  expect(siegeFigure(said, "availability")).toBe(99.95);
  expect(siegeFigure(said, "failed_transactions")).toBeNaN();
});

test("the median of odd, even and unsorted counts", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 2, 4, 8])).toBe(6);
  expect(median([])).toBeNaN();
});

test("CPU time is the sum over threads, of new ones as well; one that ended takes nothing from the others", () => {
  const before = {
    threads: new Map([
      ["1", 5000],
      ["2", 900_000],
    ]),
    userTicks: 10,
    systemTicks: 10,
  };
  const after = {
    threads: new Map([
      ["1", 9000],
      ["3", 4000],
    ]),
    userTicks: 11,
    systemTicks: 13,
  };
  expect(cpuBetween(before, after)).toEqual({ total: 8, user: 2, system: 6 });
});

test("no tick in between leaves the split to the kernel's side and the total as it is", () => {
  const reading = (spent: number) => ({ threads: new Map([["1", spent]]), userTicks: 3, systemTicks: 3 });
  expect(cpuBetween(reading(1000), reading(3000))).toEqual({ total: 2, user: 0, system: 2 });
});

test("/proc/PID/stat is read behind a name that contains blanks and parentheses", () => {
  const fields = Array.from({ length: 50 }, (_, i) => i + 3);
  fields[11] = 71;
  fields[12] = 72;
  expect(ticks(`42 (a) b (c) ${fields.join(" ")}`)).toEqual([71, 72]);
  expect(ticks("")).toEqual([0, 0]);
});

test("/proc/PID/status is read by the line's name, not by a longer one that ends alike", () => {
  const status = "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t4\nVmRSS:\t   812 kB\n";
  expect(statusField(status, "voluntary_ctxt_switches")).toBe(4);
  expect(statusField(status, "VmRSS")).toBe(812);
  expect(statusField(status, "VmSwap")).toBe(0);
});

test("this process has a CPU account that grows, memory and descriptors", () => {
  const before = readCpu(process.pid);
  let sum = 0;
  for (let i = 0; i < 20_000_000; i++) sum += i % 7;
  expect(sum).toBeGreaterThan(0);
  expect(cpuBetween(before, readCpu(process.pid)).total).toBeGreaterThan(1000);
  expect(readResident(process.pid)).toBeGreaterThan(1024 * 1024);
  expect(readDescriptors(process.pid)).toBeGreaterThan(2);
});

test("a promise is kept at its limit and missed beyond it", () => {
  expect(verdict(atMost("a / b", 0.75, 0.75), "x", 2)).toEqual(["<= 0.75x", "pass"]);
  expect(verdict(atMost("a / b", 0.76, 0.75), "x", 2)).toEqual(["<= 0.75x", "MISS"]);
  expect(atMost("a / b", Number.NaN, 1).pass).toBe(false);
});

test("a check in words names the value and the limit", () => {
  expect(describe(atMost("wakes a second", 2.004, 2))).toBe("MISS: wakes a second 2.00, must be <= 2");
  expect(describe(atMost("growth in MB", 0.75, 10))).toBe("pass: growth in MB 0.75, must be <= 10");
});

test("a table: names to the left, figures to the right, no blanks at line ends", () => {
  const rows = [
    ["webserv", "6.1", ""],
    ["nginx", "12.25", "pass"],
  ];
  const text = format({
    scenario: "small",
    title: "t",
    columns: ["server", "us", ""],
    rows,
    checks: [],
    notes: ["note: n"],
  });
  expect(text).toBe("small: t\n  server      us\n  webserv    6.1\n  nginx    12.25  pass\n  note: n\n");
});

test("a control group's account is in microseconds", () => {
  expect(parseCpuStat("usage_usec 3000\nuser_usec 1000\nsystem_usec 2000\nnice_usec 0\n")).toEqual({
    total: 3000,
    user: 1000,
    system: 2000,
  });
});
