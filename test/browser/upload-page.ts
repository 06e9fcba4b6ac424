/** What tests of the upload page ask of it. */
import type { Locator, Page } from "playwright-core";
import { eventually } from "./uploads-site.ts";

export const MB = 1 << 20;

/** The rows of uploads in a state, such as "running". */
export const inState = (page: Page, state: string): Locator => page.locator(`.upload[data-state="${state}"]`);

/** Waits until so many uploads are done. */
export async function done(page: Page, count: number): Promise<void> {
  const all = (): Promise<string[]> => page.locator(".upload").allInnerTexts();
  await eventually(
    async () => (await inState(page, "done").count()) === count,
    async () => (await all()).join(" | "),
  );
}

/** Waits until the first bar shows more than `value`; gives what it shows, from 0 to 1. */
export async function more(page: Page, value: number): Promise<number> {
  const bar = page.locator("progress").first();
  let shown = 0;
  const read = (): Promise<number> => bar.evaluate((element) => element.value);
  await eventually(
    async () => (shown = await read()) > value,
    () => `still ${shown}`,
  );
  return shown;
}

/** Offsets at which a PATCH began, as they happen. */
export function patches(page: Page): number[] {
  const offsets: number[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  return offsets;
}

/** Presses keys; what was asked of the browser before, such as to tell of a picker, has then been done. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
  await page.title();
  for (const key of keys) await page.keyboard.press(key);
}
