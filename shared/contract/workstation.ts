import { z } from 'zod';
import { failureCodes } from './result.ts';
import { operation } from './operation.ts';

export const job = z.object({
  id: z.string(),
  kind: z.enum([
    'export',
    'erasure',
    'audit.verify',
    'audit.export',
    'bucket',
    'delivery',
    'package',
    'replay',
    'retention',
    'batch',
  ]),
  requestId: z.number().int().nullable(),
  /** `waiting`: for its turn, as enough jobs of its kind are at work. */
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  progress: z.object({
    /** What it is doing now, e.g. `reading messages`. */
    says: z.string(),
    done: z.number(),
    /** Null while it isn't known. */
    total: z.number().nullable(),
  }),
  /** What it came to; shape by kind (export: file, sha256, rows, files · erasure: state · audit.verify: Verification · audit.export: file, entries, sha256 · bucket: objects, named, underPrefix, unnamed, missing, findings · package: PackageVerdict · replay: replayId, cameBack · batch: batchId · retention: planId, and of a run complete, rows, left). */
  result: z.record(z.string(), z.unknown()).nullable(),
  failure: z
    .object({ code: z.enum(failureCodes), message: z.string(), incident: z.string().optional() })
    .nullable(),
});
export type Job = z.infer<typeof job>;

/** What only touches this workstation: jobs, dialogs, clipboard, about. */
export const workstation = {
  'jobs.list': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lists running and finished jobs of this console',
    input: z.strictObject({}),
    output: z.object({ jobs: z.array(job) }),
  }),
  'jobs.wait': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'answers when a job has ended',
    input: z.strictObject({ id: z.string() }),
    output: z.object({ job }),
  }),
  'jobs.cancel': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'cancels a running job',
    input: z.strictObject({ id: z.string() }),
    output: z.object({}),
  }),
  'dialogs.chooseFolder': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lets the person choose a folder to write to or to read',
    input: z.strictObject({}),
    output: z.object({ folder: z.string().nullable() }),
  }),
  'dialogs.chooseFile': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lets the person choose a file to read or to write',
    input: z.strictObject({ purpose: z.enum(['open', 'save']), suggested: z.string().max(200).optional() }),
    output: z.object({ file: z.string().nullable() }),
  }),
  'clipboard.copy': operation({
    effect: 'local',
    permission: 'staff',
    summary: 'copies a text; it leaves the clipboard after a minute and at lock',
    input: z.strictObject({ text: z.string().max(100_000) }),
    output: z.object({}),
  }),
  'about.show': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'tells the program’s versions and whether the demo can be tried',
    input: z.strictObject({}),
    output: z.object({
      version: z.string(),
      schemaVersion: z.number().int(),
      node: z.string(),
      shell: z.string(),
      workstation: z.string(),
      demoRunning: z.boolean(),
    }),
  }),
} as const;
