import { PassThrough, type Readable } from 'node:stream';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { cancelled, ExpectedError } from '#core/kernel/errors.ts';
import { connectionLost, fromDriver, isConnectionLoss, sqlStateOf, weakLogin } from './errors.ts';
import { isLoopback, reachServer, upgradeToTls, verifiedTlsOptions, type Endpoint } from './tls.ts';

/** Everything that is needed to sign in: where, as whom, and how the way there is protected. */
export interface DatabaseTarget extends Endpoint {
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Name of this computer, as the server shows it in its list of sessions. */
  readonly workstation: string;
}

export interface PoolOptions {
  /** Version of the program, for the application name. */
  readonly version: string;
  /** The environment of the profile; `loopback` is refused in any other than `demo`. */
  readonly environment: 'production' | 'staging' | 'demo';
  /** Told when an idle connection is lost; the pool opens a new one by itself. */
  readonly onConnectionLost?: (() => void) | undefined;
}

export interface QueryOptions {
  /** When it aborts, the statement is cancelled on the server and the call rejects with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** How long the server may work on it; {@link statementTimeoutMs} unless told. */
  readonly timeoutMs?: number | undefined;
}

export interface CopyOptions extends QueryOptions {
  /** How long the server may give nothing while more is waited for; {@link copySilenceMs} unless told. */
  readonly silenceMs?: number | undefined;
}

export interface QueryResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows returned or changed; 0 for a statement that does neither. */
  readonly rowCount: number;
}

export interface TransactionOptions extends QueryOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
  readonly readOnly?: boolean | undefined;
}

/** One session of the pool, lent for the time of a `withClient` or `transaction`; one statement at a time. */
export interface DatabaseClient {
  query(text: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult>;
  /** The output of `copy … to stdout` as bytes, with back pressure. Destroying it ends the work on the server. */
  copyOut(text: string, options?: CopyOptions): Promise<Readable>;
}

/** A console never holds more sessions than this; the request to cancel a statement is not a session. */
export const maximumConnections = 3;
export const statementTimeoutMs = 30_000;
/** A `copy … to stdout` may last as long as the guard keeps an access open in one transaction. */
export const copyTimeoutMs = 15 * 60_000;
/**
 * A peer that is gone without a word (a network changed, a router forgot the connection) gives nothing for ever. The server
 * makes a window of rows in well under a second, on the slowest disk in some.
 */
export const copySilenceMs = 2 * 60_000;
const lockTimeoutMs = 5_000;
const idleInTransactionTimeoutMs = 15_000;
const connectTimeoutMs = 8_000;
/** Statements the server keeps parsed for a session; their texts are the program's own, so they are few. */
const preparedAtMost = 200;
/** How long past its limit a statement may stay unanswered before its connection counts as dead. */
const graceMs = 5_000;

/**
 * Settings that decide how values are written, fixed at start of session so that no default of the server or of PGOPTIONS
 * does; and that the server gives up a console that is gone without a word after minutes, not after the hours of its
 * system. The limit to what is unanswered holds for a reader who takes nothing as well, so it is the longer one.
 */
const sessionSettings =
  '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c tcp_user_timeout=300000 -c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 -c standard_conforming_strings=on';

const setTimeoutText = "select set_config('statement_timeout', $1, $2)";

/** date, timestamp, timestamptz, interval and arrays of them. A JavaScript Date would lose microseconds and move dates by the local zone. */
const asText = new Set([1082, 1114, 1184, 1186]);
const asTextArray = new Set([1115, 1182, 1185, 1187]);
const textArray = 1009;

/** The declared type knows only the types of its list, which lacks arrays. */
const parserOf = pg.types.getTypeParser as (oid: number, format: 'text' | 'binary') => unknown;

const types = {
  getTypeParser: ((oid: number, format: 'text' | 'binary' = 'text') => {
    if (asText.has(oid)) return String;
    return parserOf(asTextArray.has(oid) ? textArray : oid, format);
  }) as typeof pg.types.getTypeParser,
};

interface CancelKey {
  readonly processID: number;
  readonly secretKey: number;
}

/** A session that never lets a server have the password in clear text or as MD5, and knows the key to cancel with. */
class GuardedClient extends pg.Client {
  cancelKey: CancelKey | undefined;

  constructor(config?: pg.ClientConfig) {
    super(config);
    // node-postgres answers every kind of request for a password. These listeners come before its own, and a
    // destroyed stream sends nothing.
    const refuse = (): void => {
      this.connection.stream.destroy(weakLogin());
    };
    this.connection.on('authenticationCleartextPassword', refuse);
    this.connection.on('authenticationMD5Password', refuse);
    this.connection.on('backendKeyData', (key: CancelKey) => {
      this.cancelKey = key;
    });
  }
}

const namesOfStatements = new Map<string, string>();

/** The name under which sessions keep a statement parsed; none for one without values, or when there are too many. */
function preparedName(text: string, values: readonly unknown[]): string | undefined {
  if (values.length === 0) return undefined;
  const known = namesOfStatements.get(text);
  if (known !== undefined || namesOfStatements.size >= preparedAtMost) return known;
  const name = `privacy_console_${namesOfStatements.size + 1}`;
  namesOfStatements.set(text, name);
  return name;
}

type PooledClient = GuardedClient & pg.PoolClient;

/** The sessions of one sign-in. Everything it throws is an `ExpectedError`, a `DatabaseFault` or the caller's own. */
export class Pool {
  readonly #target: DatabaseTarget;
  readonly #pool: pg.Pool;
  #closing: Promise<void> | undefined;

  constructor(target: DatabaseTarget, options: PoolOptions) {
    this.#target = target;
    this.#pool = new pg.Pool(driverConfig(target, options));
    this.#pool.on('error', () => options.onConnectionLost?.());
  }

  /** Sessions open now, lent or idle. */
  get connectionCount(): number {
    return this.#pool.totalCount;
  }

  async query(
    text: string,
    values: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    return this.#withLease(
      (lease) => lease.query(text, values, { signal: options.signal, timeoutMs: options.timeoutMs }),
      options.signal,
    );
  }

  /** As {@link DatabaseClient.copyOut}; its session returns to the pool when the stream closes. */
  async copyOut(text: string, options: CopyOptions = {}): Promise<Readable> {
    const lease = await this.#lend(options.signal);
    try {
      const stream = await lease.copyOut(text, options);
      stream.once('close', () => void lease.giveBack());
      return stream;
    } catch (error) {
      await lease.giveBack();
      throw error;
    }
  }

  /** Lends one session. Its signal holds for each statement that names no other. */
  async withClient<Value>(
    work: (client: DatabaseClient) => Promise<Value>,
    options: Pick<QueryOptions, 'signal'> = {},
  ): Promise<Value> {
    return this.#withLease(work, options.signal);
  }

  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws or `signal` aborts.
   * `timeoutMs` is the limit of each of its statements.
   * When the connection is lost during the commit nobody knows whether it counts, and the error says so.
   */
  async transaction<Value>(
    work: (client: DatabaseClient) => Promise<Value>,
    options: TransactionOptions = {},
  ): Promise<Value> {
    return this.#withLease(async (lease) => {
      await lease.query(beginStatement(options));
      let value: Value;
      try {
        if (options.timeoutMs !== undefined) await lease.limitTransaction(options.timeoutMs);
        value = await work(lease);
        refuseAborted(options.signal);
      } catch (error) {
        // When this fails too, the session is thrown away and the server rolls back.
        await lease.query('rollback', [], { signal: undefined }).catch(() => undefined);
        throw error;
      }
      await lease.commit();
      return value;
    }, options.signal);
  }

  /** Waits for lent sessions to come back, closes all, and takes no more work. */
  async close(): Promise<void> {
    await (this.#closing ??= this.#pool.end());
  }

  async #withLease<Value>(
    work: (lease: Lease) => Promise<Value>,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    const lease = await this.#lend(signal);
    try {
      return await work(lease);
    } finally {
      await lease.giveBack();
    }
  }

  async #lend(signal: AbortSignal | undefined): Promise<Lease> {
    refuseAborted(signal);
    if (this.#closing !== undefined)
      throw new ExpectedError('not_signed_in', 'The console is locked; sign in again.');
    const connecting = this.#pool.connect();
    let onAbort = (): void => undefined;
    const aborted = new Promise<'aborted'>((resolve) => {
      onAbort = () => resolve('aborted');
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const client = await Promise.race([connecting, aborted]);
      if (client !== 'aborted') return new Lease(client as PooledClient, this.#target, signal);
      connecting.then(
        (late) => late.release(),
        () => undefined,
      );
      throw cancelled();
    } catch (error) {
      throw fromDriver(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** Opens no connection yet: the first statement does. Refuses a target that would send a password unprotected. */
export function openPool(target: DatabaseTarget, options: PoolOptions): Pool {
  return new Pool(target, options);
}

/** Settings node-postgres would take from PG… variables are all given a value here, since it asks the environment for what is empty. */
function driverConfig(target: DatabaseTarget, options: PoolOptions): pg.PoolConfig {
  const { host, port, database, user, password, tls } = target;
  if (host === '' || database === '' || user === '') {
    throw new ExpectedError(
      'invalid_input',
      'The profile lacks a host, database or user; complete it first.',
    );
  }
  if (password === '') {
    throw new ExpectedError('wrong_credentials', 'There is no password for this profile; enter it first.');
  }
  if (host.startsWith('/')) {
    throw new ExpectedError('invalid_input', 'The host is a folder; give a host name or an address.');
  }
  if (tls.mode === 'loopback' && (options.environment !== 'demo' || !isLoopback(host))) {
    throw new ExpectedError(
      'refused',
      'Without TLS the console signs in to nothing but a demo on this computer; use a profile with a CA certificate.',
    );
  }
  const config: pg.PoolConfig & { readonly replication: string } = {
    Client: GuardedClient,
    // `localhost` is whatever the hosts file says; without TLS it has to be this machine.
    host: tls.mode === 'loopback' && host === 'localhost' ? '127.0.0.1' : host,
    port,
    database,
    user,
    password,
    ssl: tls.mode === 'loopback' ? false : verifiedTlsOptions(host, tls),
    sslnegotiation: 'postgres',
    enableChannelBinding: tls.mode === 'verify',
    application_name: `privacy-console/${options.version} ${target.workstation}`,
    client_encoding: 'UTF8',
    replication: 'false',
    options: sessionSettings,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    max: maximumConnections,
    idleTimeoutMillis: 60_000,
    types,
  };
  return config;
}

function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  const modes = [
    ...(isolation === undefined ? [] : [`isolation level ${isolation}`]),
    ...(readOnly === true ? ['read only'] : []),
  ];
  return `begin ${modes.join(', ')}`.trim();
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

/** A lent session. It is thrown away instead of reused when anything about its state is in doubt. */
class Lease implements DatabaseClient {
  readonly #client: PooledClient;
  readonly #target: DatabaseTarget;
  readonly #signal: AbortSignal | undefined;
  readonly #onError: () => void;
  /** How long a statement may take that says nothing else. */
  #limitMs = statementTimeoutMs;
  #unfit = false;
  #busy = false;
  #over = false;
  /** The copy that still runs, and what to wait for before the session can be used again. */
  #copy: { readonly stream: Readable; readonly settled: Promise<void> } | undefined;

  constructor(client: PooledClient, target: DatabaseTarget, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#target = target;
    this.#signal = signal;
    // The pool stops listening while a session is lent, and an error nobody listens to ends the program.
    this.#onError = () => {
      this.#unfit = true;
    };
    client.on('error', this.#onError);
  }

  async query(
    text: string,
    values: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const { rows, rowCount } = await this.#run(text, values, options);
    return { rows, rowCount: rowCount ?? 0 };
  }

  async commit(): Promise<void> {
    let status: string;
    try {
      status = (await this.#run('commit', [], { signal: undefined })).command;
    } catch (error) {
      if (!(error instanceof ExpectedError) || error.code !== 'unreachable') throw error;
      throw new ExpectedError(
        'unreachable',
        'The connection was lost while the change was being saved, so it may or may not count; look at the trail before trying again.',
      );
    }
    // The server answers a commit of a failed transaction with a rollback and no error.
    if (status !== 'COMMIT') throw new Error('A failed statement was swallowed inside a transaction.');
  }

  async copyOut(text: string, options: CopyOptions = {}): Promise<Readable> {
    const signal = 'signal' in options ? options.signal : this.#signal;
    const inTransaction = this.#client.getTransactionStatus() === 'T';
    const { timeoutMs = copyTimeoutMs, silenceMs = copySilenceMs } = options;
    await this.#setTimeout(timeoutMs, inTransaction, signal);
    await this.#begin();
    const client = this.#client;
    const copy = copyTo(text);
    const stream = new PassThrough();
    const stop = (reason: Error): void => {
      stream.destroy(reason);
    };
    const onAbort = (): void => stop(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    const watchdog = setTimeout(() => stop(connectionLost()), timeoutMs + graceMs);
    let complete = false;
    copy.once('end', () => {
      complete = true;
    });
    const silence = setInterval(() => {
      // A reader who takes nothing is not told anything either.
      if (stream.writableNeedDrain || complete) heard = performance.now();
      else if (performance.now() - heard >= silenceMs) stop(connectionLost());
    }, silenceMs / 4);
    let heard = performance.now();
    copy.on('data', () => {
      heard = performance.now();
    });
    copy.on('error', (error: unknown) => {
      complete = true;
      if (isConnectionLoss(error)) this.#unfit = true;
      stop(fromDriver(error, signal));
    });
    stream.once('close', () => {
      clearTimeout(watchdog);
      clearInterval(silence);
      signal?.removeEventListener('abort', onAbort);
      if (complete) return;
      // A server that waits for its reader heeds no request to cancel, one that computes heeds no closed socket.
      this.#unfit = true;
      copy.destroy();
      void this.#cancelOnServer().then(() => client.connection.stream.destroy());
    });
    const settled = this.#answered().then(async () => {
      if (!this.#unfit && client.getTransactionStatus() !== 'E') {
        const limit = [String(this.#limitMs), inTransaction];
        await this.#transmit(setTimeoutText, limit, statementTimeoutMs, undefined).catch(() => {
          this.#unfit = true;
        });
      }
      this.#busy = false;
      this.#copy = undefined;
    });
    this.#copy = { stream, settled };
    client.query(copy);
    copy.pipe(stream);
    if (signal?.aborted === true) onAbort();
    return stream;
  }

  /** Resolves when the server is ready for the next statement, or the session has ended. */
  #answered(): Promise<void> {
    const client = this.#client;
    return new Promise((resolve) => {
      const done = (): void => {
        client.off('drain', done).off('end', done);
        resolve();
      };
      client.on('drain', done).on('end', done);
    });
  }

  async giveBack(): Promise<void> {
    if (this.#over) return;
    this.#copy?.stream.destroy();
    await this.#copy?.settled;
    this.#over = true;
    const clean = !this.#unfit && !this.#busy && this.#client.getTransactionStatus() === 'I';
    this.#client.off('error', this.#onError);
    this.#client.release(!clean);
  }

  async limitTransaction(timeoutMs: number): Promise<void> {
    await this.#setTimeout(timeoutMs, true, this.#signal);
    this.#limitMs = timeoutMs;
  }

  async #run(text: string, values: readonly unknown[], options: QueryOptions): Promise<pg.QueryResult> {
    const signal = 'signal' in options ? options.signal : this.#signal;
    const { timeoutMs = this.#limitMs } = options;
    if (timeoutMs === this.#limitMs) return this.#send(text, values, timeoutMs, signal);
    const inTransaction = this.#client.getTransactionStatus() === 'T';
    await this.#setTimeout(timeoutMs, inTransaction, signal);
    try {
      return await this.#send(text, values, timeoutMs, signal);
    } finally {
      // A rollback brings the limit back as well.
      if (!this.#unfit && this.#client.getTransactionStatus() !== 'E') {
        await this.#setTimeout(this.#limitMs, inTransaction, undefined).catch(() => {
          this.#unfit = true;
        });
      }
    }
  }

  async #setTimeout(ms: number, local: boolean, signal: AbortSignal | undefined): Promise<void> {
    await this.#send(setTimeoutText, [String(ms), local], statementTimeoutMs, signal);
  }

  async #begin(): Promise<void> {
    if (this.#copy?.stream.readableEnded === true) await this.#copy.settled;
    if (this.#over) throw new Error('A database session was used after it had been given back.');
    if (this.#busy) throw new Error('A database session runs one statement at a time.');
    this.#busy = true;
  }

  async #send(
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<pg.QueryResult> {
    refuseAborted(signal);
    await this.#begin();
    return this.#transmit(text, values, timeoutMs, signal);
  }

  async #transmit(
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<pg.QueryResult> {
    const client = this.#client;
    const dropConnection = (): void => {
      this.#unfit = true;
      client.connection.stream.destroy();
    };
    // The server ends what takes too long. This is for a server that no longer answers, as after a sleep of the machine.
    let watchdog = setTimeout(dropConnection, timeoutMs + graceMs);
    let cancelling: Promise<void> | undefined;
    let met = false;
    const name = preparedName(text, values);
    const onAbort = (): void => {
      clearTimeout(watchdog);
      watchdog = setTimeout(dropConnection, graceMs);
      cancelling = this.#cancelOnServer();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      refuseAborted(signal);
      return await client.query({
        ...(name === undefined ? {} : { name }),
        text,
        values: [...values],
        types,
      });
    } catch (error) {
      met = sqlStateOf(error) === '57014';
      if (isConnectionLoss(error)) {
        this.#unfit = true;
        refuseAborted(signal);
      }
      // What was parsed under an older data map gives other columns now; a new session parses it anew.
      if (name !== undefined && sqlStateOf(error) === '0A000') {
        this.#unfit = true;
        throw new ExpectedError(
          'conflict',
          'The data map was changed while this session was open, so nothing was read or changed; try again.',
        );
      }
      throw fromDriver(error, signal);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(watchdog);
      if (cancelling !== undefined) {
        await cancelling;
        // A request that did not meet its statement could still hit the next one.
        if (!met) this.#unfit = true;
      }
      this.#busy = false;
    }
  }

  /** Sends the protocol's request to cancel, which needs no session, over a connection protected like any other. */
  async #cancelOnServer(): Promise<void> {
    const key = this.#client.cancelKey;
    if (key === undefined) return;
    const { host, port, tls } = this.#target;
    const request = Buffer.alloc(16);
    request.writeInt32BE(16, 0);
    request.writeInt32BE(80877102, 4);
    request.writeInt32BE(key.processID, 8);
    request.writeInt32BE(key.secretKey, 12);
    try {
      const socket = await reachServer({ host, port }, graceMs);
      const way = tls.mode === 'verify' ? await upgradeToTls(socket, host, tls, graceMs) : socket;
      await new Promise<void>((resolve) => {
        way.setTimeout(graceMs, () => way.destroy());
        way.once('close', () => resolve());
        way.resume();
        way.end(request);
      });
    } catch {
      // The watchdog of the statement drops its connection when no request gets through.
    }
  }
}
