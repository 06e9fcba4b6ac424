/**
 * One request and its reply, from the first byte of the head until the reply is handed to the connection: the Exchange that handlers
 * see. The object is reused; a connection holds one only while it has a request.
 */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { LogLevel } from "../config/settings/logs.ts";
import type { BodyWatcher, ConnectionInfo, Exchange, ReceivedBody, Templates } from "../exchange/exchange.ts";
import type { LimitState } from "../exchange/facts/limits.ts";
import type { UserIds } from "../exchange/facts/user-ids.ts";
import type { Filter } from "../exchange/filter.ts";
import type { BodySink } from "../exchange/handler.ts";
import type { Page } from "../exchange/page.ts";
import type { Encoded, Field, Pacing, ReplyBody, ReplyOptions, StreamBody, WholeReply } from "../exchange/reply.ts";
import type { Rewriting } from "../exchange/rewriting.ts";
import type { Session } from "../exchange/session.ts";
import { evaluate, evaluateOctets } from "../exchange/templates.ts";
import type { Tunnel } from "../exchange/tunnel.ts";
import type { UpstreamFacts } from "../exchange/upstream.ts";
import { errorPage, errorPageType, shownStatus } from "../handlers/error-page.ts";
import { locationTo } from "../handlers/redirect.ts";
import { redirectStatus } from "../handlers/return.ts";
import type { SharedServices } from "../handlers/services.ts";
import { BodyDecoder } from "../http/body/body.ts";
import { indexOfSingleton, putField } from "../http/reply/response.ts";
import { type HeadLimits, RequestParser } from "../http/request/parser.ts";
import { AsleepRequest, NO_HEAD } from "./asleep.ts";
import { errorLine } from "./error-line.ts";
import { filtered } from "./filters/filtered.ts";
import { forwarded } from "./front-server.ts";
import type { Origin } from "./origin.ts";
import { pacingOf } from "./pacing.ts";
import { Progress } from "./progress.ts";
import type { ReplyTarget } from "./reply-target.ts";
import type { RequestLog } from "./request-log.ts";

const NO_FIELDS: readonly Field[] = [];
const NO_LIMITS: HeadLimits = { line: 0, field: 0, total: 0, fields: 0 };

export class ServerExchange implements Exchange {
  /** Location, phase and redirects of the request. */
  readonly progress = new Progress(this);
  parser = new RequestParser(NO_LIMITS);
  private bodyDecoder: BodyDecoder | null = null;
  request = this.parser.head;
  target!: ReplyTarget;
  origin!: Origin;
  errorStatus = 0;
  /** Status of the error whose page is being made; 0: none, or another location decides the status (`error_page ... = @name`). */
  private failedWith = 0;
  startedAt = 0;
  replied = false;
  status = 0;
  sentFields: readonly Field[] = NO_FIELDS;
  sentTrailers: readonly Field[] = NO_FIELDS;
  encoded: Encoded | null = null;
  assigned: Map<string, string> | null = null;
  session: Session | null = null;
  user = "";
  userIds: UserIds | null = null;
  limits: LimitState | null = null;
  limitRate = -1;
  page: Page | null = null;
  depth = 0;
  upstream: UpstreamFacts | null = null;
  onGone: (() => void) | null = null;
  endsWithClient = false;
  explained = false;
  /** Receives the request's body. */
  sink: BodySink | undefined = undefined;
  private forwarded: ConnectionInfo | null = null;
  private headKept = false;
  private asleep: AsleepRequest | null = null;
  /** Fields that are added to the reply: those of `addField`, and those of the error whose page is being made. */
  private addedFields: readonly Field[] = NO_FIELDS;
  /** Fields that stand in place of the handler's own. */
  private replacingFields: readonly Field[] = NO_FIELDS;
  private id = "";
  bodyWatcher: BodyWatcher | null = null;
  bodyBytesReceived = 0;
  receivedBody: ReceivedBody | null = null;
  isPipelined = false;
  isComplete = false;

  constructor(
    readonly services: SharedServices,
    private readonly logs: RequestLog,
  ) {}

  /** Resets the exchange for the next request of a connection. */
  begin(target: ReplyTarget, origin: Origin): void {
    this.parser.reset(origin.limits);
    this.target = target;
    this.origin = origin;
    this.progress.begin(origin.hosts.fallback.server);
    this.sink = undefined;
    this.errorStatus = this.failedWith = 0;
    this.startedAt = this.services.clock.now;
    this.bodyBytesReceived = 0;
    this.limitRate = -1;
    this.replied = this.headKept = this.isPipelined = this.isComplete = false;
    this.forwarded = null;
    this.status = 0;
    this.encoded = null;
    this.addedFields = this.replacingFields = NO_FIELDS;
    this.id = "";
  }

  /** Drops references, so that the unused exchange keeps nothing alive. */
  end(): void {
    this.progress.captures = null;
    this.assigned = null;
    this.sentFields = this.sentTrailers = NO_FIELDS;
    this.encoded = null;
    this.sink = undefined;
    this.session = null;
    this.user = "";
    this.upstream = null;
    this.page = null;
    this.depth = 0;
    this.userIds = null;
    this.limits?.release();
    this.limits = null;
    this.bodyWatcher = null;
    this.receivedBody = null;
    this.onGone = null;
    this.endsWithClient = this.explained = false;
  }

  /** Made for the first request with a body. */
  get decoder(): BodyDecoder {
    return (this.bodyDecoder ??= new BodyDecoder());
  }

  get receivedTrailers(): string {
    return this.bodyBytesReceived > 0 && this.request.chunked ? this.decoder.trailers : "";
  }

  get templates(): Templates {
    return this.progress.route.templates;
  }

  /** The client's connection; behind a trusted front server, the one it describes. */
  get connection(): ConnectionInfo {
    return this.forwarded ?? this.target.info;
  }

  /** Called when the location is known: takes the client's address from a trusted front server. */
  applyFrontServer(): void {
    if (this.settings.realIpFrom.length > 0) this.forwarded = forwarded(this.target.info, this.request, this.settings);
  }

  get server(): VirtualServer {
    return this.progress.route.server;
  }

  get location(): Location {
    return this.progress.route.location;
  }

  get settings(): Settings {
    return this.progress.route.settings;
  }

  get filters(): readonly Filter[] {
    return this.progress.route.filters;
  }

  get path(): string {
    return this.progress.path;
  }

  get query(): string {
    return this.progress.query;
  }

  get captures(): RegExpExecArray | null {
    return this.progress.captures;
  }

  set captures(latest: RegExpExecArray | null) {
    this.progress.matched(latest);
  }

  get method(): string {
    return this.progress.method;
  }

  get redirects(): number {
    return this.progress.redirects;
  }

  get isRedirected(): boolean {
    return this.progress.isRedirected;
  }

  get rewriting(): Rewriting {
    return this.progress;
  }

  get isSubrequest(): boolean {
    return this.progress.subrequest !== "";
  }

  get requestId(): string {
    if (this.id === "") this.id = this.services.randomHex(16);
    return this.id;
  }

  get takesWholeReply(): boolean {
    return (
      this.limitRate <= 0 &&
      this.settings.limitRate === null &&
      !this.progress.inErrorPage &&
      !this.isSubrequest &&
      this.addedFields.length + this.replacingFields.length === 0
    );
  }

  /** How fast the reply that begins now is sent; null: without a limit. */
  get pacing(): Pacing | null {
    return this.limitRate > 0 || this.settings.limitRate !== null ? pacingOf(this) : null;
  }

  get bytesSent(): number {
    return this.target.bytesSent;
  }

  get persists(): boolean {
    return this.target.persists();
  }

  get bodyBytesSent(): number {
    return this.target.bodyBytesSent;
  }

  /** A reply was given, or an error page is being made (perhaps by a script): no handler is asked any more. */
  get settled(): boolean {
    return this.replied || this.progress.inErrorPage;
  }

  /** The body will not be complete. */
  abortSink(): void {
    this.sink?.abort();
    this.sink = undefined;
  }

  /** Tells the handler that its reply is no longer wanted. */
  callOff(): void {
    this.wake();
    const { onGone } = this;
    this.onGone = null;
    this.failedWith = 0;
    onGone?.();
  }

  /** The connection broke. If no reply was given, the log says 499, as in nginx. */
  cutShort(): void {
    if (!this.replied) this.status = 499;
  }

  reply(status: number, fields: readonly Field[], body: ReplyBody, options?: ReplyOptions): void {
    // A page, whatever status it comes with, gets that of the error (as nginx); a partial reply or a redirect keeps its own.
    if ((status >= 300 && status < 400) || status === 206) this.errorStatus = 0;
    this.start(this.errorStatus || status);
    const given = this.replacingFields.length === 0 ? fields : this.replaced(fields);
    const own = this.addedFields.length === 0 ? given : [...given, ...this.fieldsBeside(given)];
    const draft = filtered(this, this.status, own, body, options);
    this.encoded = draft.encoded;
    this.sentFields = draft.fields;
    this.target.reply(this.status, draft.fields, draft.body, draft.length);
  }

  /** `fields` with those that another handler has set in their place; not the type of multiple ranges, which has the boundary. */
  private replaced(fields: readonly Field[]): readonly Field[] {
    const all = [...fields];
    const type = all[indexOfSingleton(all, "Content-Type")];
    const isMultiple = type?.[1].startsWith("multipart/byteranges;") === true;
    for (const [name, value] of this.replacingFields)
      if (!isMultiple || !/^content-type$/i.test(name)) putField(all, name, value);
    return all;
  }

  /** The added fields, without those that may occur only once and are in `fields` already. */
  private fieldsBeside(fields: readonly Field[]): readonly Field[] {
    return this.addedFields.filter(([name]) => indexOfSingleton(fields, name) < 0);
  }

  addField(name: string, value: string, replaces = false): void {
    const field: Field = [name, value];
    if (replaces) this.replacingFields = [...this.replacingFields, field];
    else this.addedFields = [...this.addedFields, field];
  }

  replyWhole(reply: WholeReply, rest: ReplyBody = null): void {
    this.start(reply.status);
    this.sentFields = reply.fields;
    this.encoded = reply.encoded;
    this.target.replyWhole(reply, rest);
  }

  replyRaw(body: StreamBody): void {
    this.start(200);
    this.sentFields = NO_FIELDS;
    this.target.replyRaw(body);
  }

  tunnel(fields: readonly Field[], far: Tunnel): void {
    this.start(101);
    const draft = filtered(this, 101, fields, null, undefined);
    this.sentFields = draft.fields;
    this.target.tunnel(draft.fields, far);
    this.sleep(far);
  }

  /** Until the tunnel ends, only log lines need the request. */
  private sleep(far: Tunnel): void {
    this.headKept = true;
    this.asleep = new AsleepRequest(this.request, this.sentFields, far);
    this.sentFields = NO_FIELDS;
    this.bodyDecoder = null;
    this.parser = NO_HEAD;
    this.request = NO_HEAD.head;
  }

  private wake(): void {
    if (this.asleep === null) return;
    const { far, sentFields } = this.asleep;
    this.onGone = () => far.close();
    this.parser = this.asleep.parser(this.origin.limits);
    this.request = this.parser.head;
    this.sentFields = sentFields;
    this.asleep = null;
  }

  private start(status: number): void {
    if (this.replied) throw new Error("a request was answered twice");
    this.replied = true;
    this.status = status;
  }

  wholeReply(status: number, fields: readonly Field[], body: Buffer | null, options?: ReplyOptions): WholeReply {
    const draft = filtered(this, status, fields, body, options, true);
    return this.target.wholeReply(draft, this.services.clock.second);
  }

  fail(status: number, fields: readonly Field[] = NO_FIELDS): void {
    this.replacingFields = NO_FIELDS;
    if (this.progress.inErrorPage && !this.settings.recursiveErrorPages) return this.failPage(status, fields);
    const page = this.settings.errorPages.find(({ statuses }) => statuses.includes(status));
    if (page === undefined) return this.failPlainly(status, fields);
    this.progress.inErrorPage = true;
    this.addedFields = [...this.addedFields, ...fields];
    const uri = evaluate(page.uri, this);
    if (!uri.startsWith("/") && !uri.startsWith("@")) {
      const location = locationTo(this, evaluateOctets(page.uri, this));
      return this.failPlainly(redirectStatus(page.status), [["Location", location]]);
    }
    this.errorStatus = page.status ?? status;
    // `= @name` passes the request to another location, which decides the status of an error itself.
    this.failedWith = page.status === 0 && uri.startsWith("@") ? 0 : status;
    const forPage = uri.startsWith("/") && this.method !== "HEAD";
    if (forPage || this.method === "") this.progress.method = "GET"; // a malformed head may have no method
    this.redirect(uri);
  }

  /** The error page itself failed, because it is missing or forbidden: the original error keeps its status (not in nginx). */
  private failPage(status: number, fields: readonly Field[]): void {
    const isOwn = status < 400 || status >= 500; // a redirect, as that of `rewrite`, leads on
    if (this.failedWith === 0 || isOwn || this.settings.nginxReplies) this.failPlainly(status, fields);
    else this.failPlainly(this.failedWith, NO_FIELDS);
  }

  /** Replies with the built-in page of an error or a redirect. */
  failPlainly(status: number, fields: readonly Field[]): void {
    this.errorStatus = 0; // this is another error
    this.reply(shownStatus(status), [["Content-Type", errorPageType(this.settings)], ...fields], errorPage(status));
  }

  redirect(uri: string, query?: string, method?: string): void {
    this.endsWithClient = false; // the handler that answers now decides
    this.progress.redirect(uri, query, method);
  }

  retarget(path: string): void {
    this.progress.retarget(path);
  }

  get beneathAlias(): boolean {
    return this.progress.beneathAlias;
  }

  proceed(): void {
    this.progress.proceed();
  }

  locationOf(path: string): { location: Location; undecided: boolean } {
    const match = this.progress.router.find(path);
    return { location: match.route.location, undecided: match.undecided === true };
  }

  drop(): void {
    this.start(444);
    this.target.drop();
  }

  resume(): void {
    this.target.goOn();
  }

  crash(error: unknown): void {
    this.target.crash(error);
  }

  log(level: LogLevel, message: string, brief = false): void {
    const { errorLog } = this.settings;
    this.wake();
    if (this.logs.wants(errorLog, level)) this.logs.error(errorLog, level, errorLine(this, message, brief));
  }

  /** Copies the head out of the shared inbox, once, because the request lasts longer than the turn. */
  keepHead(): void {
    if (this.headKept || this.request.length === 0) return; // an incomplete head is still in the input
    this.headKept = true;
    this.request.own();
  }

  /** Writes the request's line to the access logs of its location. */
  logAccess(): void {
    this.wake();
    const { accessLogs, limitedLogs } = this.settings;
    if (accessLogs.length > 0 || limitedLogs !== null) this.logs.access(this);
  }
}
