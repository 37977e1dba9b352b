import { hostname } from 'node:os';
import type { Session } from '#shared/contract/connections.ts';
import type { ConsoleEvent } from '#shared/contract/events.ts';
import type { OperationName } from '#shared/contract/index.ts';
import { batchOperations } from './batches/index.ts';
import { complianceOperations } from './compliance/index.ts';
import {
  connectionOperations,
  createSessions,
  demoRoles,
  readDemoProfile,
  type Places,
} from './connections/index.ts';
import { correctionOperations } from './corrections/index.ts';
import { erasureOperations, ledgerOperations } from './erasure/index.ts';
import { explanationOperations } from './explanation/index.ts';
import {
  exportOperations,
  exportsAtOnce,
  openStagings,
  packageOperations,
  type ExportPace,
} from './exports/index.ts';
import { holdOperations } from './holds/index.ts';
import { installationOperations, mapChangeOperations, type ScratchServer } from './installation/index.ts';
import { createDispatch, type Dispatch } from './kernel/dispatch.ts';
import { ExpectedError } from './kernel/errors.ts';
import { createJobs } from './kernel/jobs.ts';
import type { Log } from './kernel/log.ts';
import type { Keychain } from './keychain/index.ts';
import { requestOperations } from './requests/index.ts';
import { restrictionOperations } from './restrictions/index.ts';
import { retentionOperations } from './retention/index.ts';
import { keyOperations } from './signing/index.ts';
import { staffOperations } from './staff/index.ts';
import { subjectOperations } from './subjects/index.ts';
import { version } from './version.ts';
import { workstationOperations, type WorkstationPorts } from './workstation/index.ts';

/** What a console needs from where it runs. */
export interface ConsolePorts {
  readonly places: Places;
  readonly keychain: Keychain;
  readonly log: Log;
  readonly workstation: WorkstationPorts;
  /** A throw-away PostgreSQL, for a schema that lies in a file; only where the program has one. */
  readonly scratch?: () => Promise<ScratchServer>;
  /** Rows a deleting batch takes; for tests of what happens between batches. */
  readonly batchRows?: number;
  /** How an export reads; for tests of what happens between its windows. */
  readonly exportPace?: ExportPace;
}

/** A console: everything window, command line and tests use. */
export interface Console {
  readonly dispatch: Dispatch;
  /** Hears events; gives the way to stop hearing them. */
  onEvent(listener: (event: ConsoleEvent) => void): () => void;
  /** Cancels jobs, signs out, closes connections. */
  close(): Promise<void>;
}

/** Owner of jobs that are begun while nobody is signed in. */
const nobody = '';

/** A login of one profile's database. */
function ownerOf(session: Session | null): string {
  return session === null ? nobody : `${session.profile} ${session.login}`;
}

/** With a contradicted trail these still work: who is signed in, the trail itself, and saying why it is shorter. */
const worksWithoutTrust = new Set([
  'audit.list',
  'audit.verify',
  'audit.export',
  'audit.detail',
  'audit.restores',
  'audit.declareRestore',
  'audit.decideRestore',
]);

/** Composes the console; opens no connection. */
export function createConsole(ports: ConsolePorts): Console {
  const { places, keychain, log } = ports;
  const listeners = new Set<(event: ConsoleEvent) => void>();
  const tell = (event: ConsoleEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const name = hostname().slice(0, 40);
  const stagings = openStagings();
  let tidying = Promise.resolve();
  /** Removes what crashed exports left, and what an erasure made pointless. */
  const tidy = (): void => {
    const at = desk();
    // What can't be removed now is removed next time.
    tidying = tidying.then(() => stagings.tidy(at)).catch(() => undefined);
  };
  const jobs = createJobs(
    log,
    (job) => {
      tell({ type: 'job', job });
      if (
        (job.kind === 'erasure' || job.kind === 'batch') &&
        job.state === 'done' &&
        sessions.current().session !== null
      )
        tidy();
    },
    () => ownerOf(sessions.current().session),
    { export: exportsAtOnce },
  );
  const sessions = createSessions({
    places,
    keychain,
    workstation: name,
    version,
    onChange(session, locked) {
      // What was begun while nobody was signed in is nobody's: neither of who signs in, nor of who comes after.
      jobs.disown(nobody);
      tell({ type: 'session', session, locked });
      if (session !== null && !locked) tidy();
    },
  });
  const { desk } = sessions;
  const dispatch = createDispatch({
    log,
    roles: sessions.roles,
    refuse(operation: OperationName) {
      const fault = sessions.current().session?.trailFault ?? null;
      if (fault === null || isLocal(operation) || worksWithoutTrust.has(operation)) return;
      throw new ExpectedError(
        'trail_contradiction',
        `The audit trail contradicts what this console has seen, first at entry ${fault.number}: ${fault.says} Stop working and tell a compliance officer.`,
      );
    },
    handlers: {
      ...connectionOperations({ sessions, keychain, places, jobs, workstation: name, version }),
      ...installationOperations({
        sessions,
        workstation: name,
        version,
        desk,
        jobs,
        scratch: ports.scratch ?? null,
      }),
      ...mapChangeOperations(desk),
      ...staffOperations(desk),
      ...requestOperations(desk),
      ...subjectOperations(desk),
      ...explanationOperations(desk),
      ...exportOperations({
        desk,
        jobs,
        stagings,
        version,
        ...(ports.exportPace === undefined ? {} : { pace: ports.exportPace }),
      }),
      ...keyOperations(desk),
      ...packageOperations(jobs),
      ...erasureOperations({
        desk,
        jobs,
        ...(ports.batchRows === undefined ? {} : { batchRows: ports.batchRows }),
      }),
      ...ledgerOperations(desk, jobs),
      ...batchOperations(desk, jobs, ports.batchRows),
      ...holdOperations(desk),
      ...correctionOperations(desk),
      ...restrictionOperations(desk),
      ...retentionOperations({
        desk,
        jobs,
        ...(ports.batchRows === undefined ? {} : { batchRows: ports.batchRows }),
      }),
      ...complianceOperations(desk, jobs),
      ...workstationOperations({
        ports: ports.workstation,
        jobs,
        version,
        workstation: name,
        demoRunning: async () => {
          try {
            await readDemoProfile(places.demoFolder, demoRoles[0]);
            return true;
          } catch (error) {
            if (error instanceof ExpectedError) return false;
            throw error;
          }
        },
      }),
    },
  });
  return {
    dispatch,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await jobs.close();
      await tidying;
      await sessions.close();
      log.close();
    },
  };
}

function isLocal(operation: OperationName): boolean {
  return /^(session|profiles|jobs|about|dialogs|packages)\./.test(operation);
}
