/** Reload (SIGHUP): reads the configuration again and uses it if it has no errors. */
import type { Kernel } from "../../ffi/kernel.ts";
import { Sources } from "../config/files.ts";
import { formatDiagnostic, type LoadOptions, loadConfig } from "../config/load.ts";
import type { Config } from "../config/model.ts";
import { join } from "../config/paths.ts";
import type { Server } from "../server/server.ts";
import { removePid, writePid } from "./pid-file.ts";

export class Reloader {
  private requested = false;
  /** The path of the pid file, or null. Differs from the configuration's where a reload could not write the new one. */
  pidFile: string | null;
  private readonly options: LoadOptions;

  /** @param options from the command line at start; the working folder is not used any more */
  constructor(
    private readonly kernel: Kernel,
    private readonly server: Server,
    options: LoadOptions,
  ) {
    const folder = new Sources(kernel, options.file).workingFolder();
    this.pidFile = server.config.pidFile;
    this.options = { ...options, file: join(folder, options.file) };
  }

  /**
   * Reloads before the server's next turn. Called by a signal's handler, so between two turns; an immediate would come too late, as
   * the server's next turn may wait for an event first. Further requests before the reload have no effect.
   */
  request(): void {
    if (this.requested) return;
    this.requested = true;
    queueMicrotask(() => {
      this.requested = false;
      try {
        this.reload();
      } catch (error) {
        this.server.reportBug(error, null);
      }
      this.server.logs.flush(); // the sender of the signal looks for the result in the log
    });
  }

  private reload(): void {
    const { server } = this;
    const { config, diagnostics } = loadConfig(this.options);
    const empty = config?.addresses.length === 0 && server.config.addresses.length > 0;
    for (const diagnostic of diagnostics) {
      server.log(diagnostic.severity === "error" ? "emerg" : "warn", formatDiagnostic(diagnostic));
    }
    // A file that an editor is just writing is empty for a moment: that must not close every listener.
    if (empty)
      server.log("emerg", `error: ${this.options.file} has no "server" block any more: nothing would be served`);
    if (config === null || empty || !this.adopt(config)) {
      server.log("emerg", "reload refused because of errors: the configuration in force stays");
      return;
    }
    server.log("notice", `reconfigured: listening on ${server.sites.map(({ url }) => url).join(", ")}`);
  }

  /** Whether the configuration is now in use. */
  private adopt(config: Config): boolean {
    const { server } = this;
    const { adopted, problems } = server.reload(config, this.options.keepGoing);
    for (const text of problems) server.log("emerg", text);
    if (adopted && config.pidFile !== this.pidFile) this.movePidFile(config.pidFile);
    return adopted;
  }

  /** Writes the new pid file before the old one is removed. Only once the configuration is in use: a refused one must not touch a file. */
  private movePidFile(path: string | null): void {
    const problem = path === null ? "" : writePid(this.kernel, path);
    if (problem !== "") return this.server.log("alert", `error: ${problem}: the pid file stays where it was`);
    if (this.pidFile !== null) removePid(this.kernel, this.pidFile);
    this.pidFile = path;
  }
}
