/**
 * Gives every test a minute instead of bun's 5 s, which a busy machine takes to start a process. bunfig.toml has no
 * setting for it, `--timeout` is not there when someone types plain `bun test`, and what setDefaultTimeout says ends with
 * the file that says it: so each test file is read with the call in front of its first line.
 */
import { plugin } from "bun";

/** Milliseconds a test may take that says nothing of its own: only one that hangs needs more. */
const LIMIT = process.env.TEST_TIMEOUT ?? "60_000";
const CALL = `import { setDefaultTimeout as limitTests } from "bun:test"; limitTests(${LIMIT}); `;

plugin({
  name: "a minute for each test",
  setup(build) {
    build.onLoad({ filter: /\/test\/.*\.test\.ts$/ }, async ({ path }) => ({
      contents: CALL + (await Bun.file(path).text()),
      loader: "ts",
    }));
  },
});
