import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';

/** The redacted log of this workstation. Holds operations, codes and incidents; never inputs, outputs or rows. */
export interface Log {
  info(event: string, facts?: Readonly<Record<string, string | number | boolean | null>>): void;
  /** Writes down what wasn't expected and gives the number under which to find it. */
  incident(where: string, error: unknown): string;
  close(): void;
}

const hidden = [
  'password',
  'secretAccessKey',
  'accessKeyId',
  'token',
  'text',
  'message',
  'detail',
  'value',
  'email',
  'name',
  'phone',
];

/** Opens the log in `folder`; `null` writes nowhere. */
export function openLog(folder: string | null): Log {
  if (folder !== null) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const destination =
    folder === null
      ? null
      : pino.destination({ dest: path.join(folder, 'console.log'), sync: true, mode: 0o600 });
  const logger = pino(
    {
      base: null,
      enabled: destination !== null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...hidden, ...hidden.map((name) => `*.${name}`)], censor: '[hidden]' },
    },
    destination ?? pino.destination({ dest: '/dev/null', sync: true }),
  );
  return {
    info: (event, facts = {}) => logger.info({ event, ...facts }),
    incident(where, error) {
      const incident = incidentNumber();
      logger.error({ event: 'incident', incident, where, ...factsOf(error) });
      return incident;
    },
    close: () => destination?.end(),
  };
}

function incidentNumber(): string {
  return Array.from({ length: 8 }, () => '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'[randomInt(32)]).join('');
}

/** Where it happened, and nothing that was in hand: an error's message may quote what it choked on. */
function factsOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) return { kind: typeof error };
  // The stack begins with the message, whose own lines can look like frames.
  const stack = error.stack ?? '';
  const message = stack.indexOf(error.message);
  const frames =
    message < 0
      ? []
      : stack
          .slice(message + error.message.length)
          .split('\n')
          .filter((line) => line.trimStart().startsWith('at '));
  const sqlState = 'sqlState' in error && typeof error.sqlState === 'string' ? error.sqlState : '';
  return { kind: error.name, sqlState, stack: frames.slice(0, 12).join('\n') };
}
