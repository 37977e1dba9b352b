import { cancelled, ExpectedError } from '#core/kernel/errors.ts';
import type { FailureCode } from '#shared/contract/result.ts';

type ExpectedCode = Exclude<FailureCode, 'internal'>;

/**
 * What our own functions raise. They use the SQLSTATE class `PC`, which PostgreSQL and the standard leave free,
 * and sentences without personal data, so their message may be shown as it is. A code that is missing here is a bug.
 */
export const raised = {
  PC001: 'access_closed',
  PC002: 'not_permitted',
  PC003: 'refused',
  PC004: 'invalid_input',
  PC005: 'not_found',
  PC006: 'conflict',
  PC007: 'refused',
  PC008: 'refused',
  PC010: 'schema_drift',
} as const satisfies Readonly<Record<string, ExpectedCode>>;

/**
 * A failure of the database that nobody can act on: a bug. It keeps the SQLSTATE and, for class 42 only, the
 * primary message: that class speaks of the statement, every other may quote a value out of a row. Detail, hint,
 * context, internal query and parameters are dropped here and the original is not kept as `cause`.
 */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  readonly sqlState: string | undefined;

  constructor(sqlState: string | undefined, about: string) {
    super(about);
    this.sqlState = sqlState;
  }
}

const sentences = {
  lost: 'The connection to the database was lost; check the network and try again.',
  starting: 'The database is starting or stopping; wait a minute and try again.',
  refusedConnection:
    'The database server refuses connections at this address; check host and port in the profile, and that it is running.',
  unknownHost:
    'The name of the database server was not found; check the host in the profile and the network.',
  noAnswer: 'The database server did not answer in time; check host and port in the profile and the network.',
  full: 'The database server accepts no more connections; try again in a minute or ask its administrator.',
  busy: "All of this console's connections are busy; wait for the running work to finish and try again.",
  password: 'The database refused this user or password; enter them again.',
  noDatabase: 'The server has no database of that name; correct the name in the profile.',
  noRight: 'The database does not permit this login to do that; ask an administrator for the role it needs.',
  noSchema:
    "The console's schema is missing in this database; an administrator has to run `console db install` first.",
  contended: 'Somebody else was changing the same thing at that moment, so nothing was changed; try again.',
  locked: 'Somebody else holds what this needs, so nothing was changed; try again in a moment.',
  slow: 'The database took too long and was told to stop, so nothing was changed; ask for less or try again.',
  readOnly: 'This database accepts no changes, it may be a standby; choose the primary in the profile.',
  disk: "The database server's disk is full, so nothing was changed; tell its administrator.",
  text: 'The text has a character that can not be stored, such as NUL; remove it and try again.',
  idle: 'The work paused too long and the database ended it, so nothing was changed; try again.',
  noEncryption:
    'The server offers no encrypted connection, so no password was sent; check host and port or tell its administrator.',
  weakLogin:
    'The server asked for the password in a form that could be read on the way, so it was not sent; tell its administrator to use scram-sha-256.',
  selfSigned:
    "The server's certificate is signed by nobody this profile trusts, so no password was sent; put the right CA certificate into the profile.",
  expired:
    "The server's certificate has expired, so no password was sent; its administrator has to renew it.",
  notYetValid:
    "The server's certificate is not valid yet, so no password was sent; check this computer's clock, then tell the server's administrator.",
  wrongName:
    "The server's certificate belongs to another name, so no password was sent; check the host, or set the TLS server name when a tunnel is used.",
  certificate:
    'The encrypted connection could not be set up with a certificate this profile trusts, so no password was sent; check the CA certificate in the profile.',
} as const;

const bySqlState: Readonly<Record<string, readonly [ExpectedCode, string]>> = {
  '28P01': ['wrong_credentials', sentences.password],
  '28000': ['wrong_credentials', sentences.password],
  '3D000': ['not_found', sentences.noDatabase],
  '42501': ['not_permitted', sentences.noRight],
  '57014': ['cancelled', sentences.slow],
  '57P01': ['unreachable', sentences.lost],
  '57P02': ['unreachable', sentences.lost],
  '57P03': ['unreachable', sentences.starting],
  '57P05': ['unreachable', sentences.lost],
  '53300': ['unreachable', sentences.full],
  '53100': ['disk', sentences.disk],
  '40001': ['conflict', sentences.contended],
  '40P01': ['conflict', sentences.contended],
  '55P03': ['conflict', sentences.locked],
  '25006': ['refused', sentences.readOnly],
  '22021': ['invalid_input', sentences.text],
  '22P05': ['invalid_input', sentences.text],
  '25P03': ['unreachable', sentences.idle],
};

const byNodeCode: Readonly<Record<string, readonly [ExpectedCode, string]>> = {
  ECONNREFUSED: ['unreachable', sentences.refusedConnection],
  ENOTFOUND: ['unreachable', sentences.unknownHost],
  EAI_AGAIN: ['unreachable', sentences.unknownHost],
  EAI_FAIL: ['unreachable', sentences.unknownHost],
  ETIMEDOUT: ['unreachable', sentences.noAnswer],
  EHOSTUNREACH: ['unreachable', sentences.noAnswer],
  ENETUNREACH: ['unreachable', sentences.noAnswer],
  EADDRNOTAVAIL: ['unreachable', sentences.noAnswer],
  ECONNRESET: ['unreachable', sentences.lost],
  EPIPE: ['unreachable', sentences.lost],
  ENETDOWN: ['unreachable', sentences.lost],
  CERT_HAS_EXPIRED: ['certificate', sentences.expired],
  CERT_NOT_YET_VALID: ['certificate', sentences.notYetValid],
  ERR_TLS_CERT_ALTNAME_INVALID: ['certificate', sentences.wrongName],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['certificate', sentences.selfSigned],
  SELF_SIGNED_CERT_IN_CHAIN: ['certificate', sentences.selfSigned],
  UNABLE_TO_GET_ISSUER_CERT: ['certificate', sentences.selfSigned],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['certificate', sentences.selfSigned],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['certificate', sentences.selfSigned],
};

/** Everything else by which Node says that it did not trust a certificate or could not agree on TLS. */
const certificateCodes =
  /^(?:CERT_|UNABLE_TO_|ERROR_IN_CERT|ERROR_IN_CRL|CRL_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|EPROTO$)/;

/** node-postgres gives these no code. */
const byMessage: readonly (readonly [string, ExpectedCode, string])[] = [
  ['timeout exceeded when trying to connect', 'unreachable', sentences.busy],
  ['Connection terminated due to connection timeout', 'unreachable', sentences.noAnswer],
  ['timeout expired', 'unreachable', sentences.noAnswer],
  ['The server does not support SSL connections', 'certificate', sentences.noEncryption],
  ['There was an error establishing an SSL connection', 'certificate', sentences.noEncryption],
  ['Connection terminated', 'unreachable', sentences.lost],
  ['Client has encountered a connection error', 'unreachable', sentences.lost],
  ['Client was closed', 'unreachable', sentences.lost],
  ['SASL', 'wrong_credentials', sentences.password],
];

/** The server asked for the password in clear text or as MD5. */
export function weakLogin(): ExpectedError {
  return new ExpectedError('wrong_credentials', sentences.weakLogin);
}

/** The server answered the request for TLS with anything but yes. */
export function noEncryption(): ExpectedError {
  return new ExpectedError('certificate', sentences.noEncryption);
}

/** The connection is gone, or as good as gone. */
export function connectionLost(): ExpectedError {
  return new ExpectedError('unreachable', sentences.lost);
}

/** No answer within the time a connection may take. */
export function noAnswer(): ExpectedError {
  return new ExpectedError('unreachable', sentences.noAnswer);
}

/** The SQLSTATE of an error of the server, `undefined` for anything else. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** Whether the connection itself is gone, so that the outcome of what ran on it is not known. */
export function isConnectionLoss(error: unknown): boolean {
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return sqlState.startsWith('08') || sqlState.startsWith('57P');
  return error instanceof Error && !(error instanceof ExpectedError);
}

/**
 * What leaves this folder instead of an error of node-postgres, Node or the server: an `ExpectedError` with a plain
 * sentence, or a `DatabaseFault` without a single value. Call it only with what the driver threw: errors of the
 * caller's own code are not for it.
 */
export function fromDriver(error: unknown, signal?: AbortSignal): ExpectedError | DatabaseFault {
  if (error instanceof ExpectedError || error instanceof DatabaseFault) return error;
  const sqlState = sqlStateOf(error);
  if (sqlState === '57014' && signal?.aborted === true) return cancelled();
  if (sqlState !== undefined && error instanceof Error) return fromServer(sqlState, error.message);
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const known = byNodeCode[code];
    if (known !== undefined) return new ExpectedError(...known);
    if (certificateCodes.test(code)) return new ExpectedError('certificate', sentences.certificate);
    const said = byMessage.find(([start]) => error.message.startsWith(start));
    if (said !== undefined) return new ExpectedError(said[1], said[2]);
    return new DatabaseFault(undefined, `The database driver failed (${error.name} ${code}).`);
  }
  return new DatabaseFault(undefined, 'The database driver failed.');
}

function fromServer(sqlState: string, message: string): ExpectedError | DatabaseFault {
  const ours: Readonly<Record<string, ExpectedCode>> = raised;
  const raisedCode = ours[sqlState];
  if (raisedCode !== undefined) return new ExpectedError(raisedCode, message);
  // The words around the name depend on the server's language; the name does not.
  if ((sqlState === '3F000' || sqlState === '42P01') && message.includes('privacy_console')) {
    return new ExpectedError('schema_missing', sentences.noSchema);
  }
  const known = bySqlState[sqlState];
  if (known !== undefined) return new ExpectedError(...known);
  if (sqlState.startsWith('08')) return new ExpectedError('unreachable', sentences.lost);
  return new DatabaseFault(
    sqlState,
    sqlState.startsWith('42')
      ? `The database answered ${sqlState}: ${message}`
      : `The database answered ${sqlState}.`,
  );
}
