import { z } from 'zod';
import { operation } from './operation.ts';

export const columnKinds = [
  'text',
  'time',
  'date',
  'integer',
  'number',
  'boolean',
  'json',
  'list',
  'bytes',
] as const;

export const mappedColumn = z.object({
  name: z.string(),
  title: z.string(),
  category: z.string(),
  kind: z.enum(columnKinds),
  /** How the value is masked; null when it is shown as it is. */
  mask: z.string().nullable(),
  correctable: z.boolean(),
});
export type MappedColumn = z.infer<typeof mappedColumn>;

export const mappedCollection = z.object({
  name: z.string(),
  table: z.string(),
  title: z.string(),
  /** The tab it belongs to, by the policy's categories. */
  group: z.string(),
  columns: z.array(mappedColumn),
  /** Columns mapped `never`: held, never shown, erased. */
  never: z.array(z.string()),
  /** Whether it is charted by day. */
  series: z.object({ value: z.string(), by: z.string().nullable() }).nullable(),
  /** Where its objects lie in R2, with the column in braces, e.g. `workspaces/{id}/`. */
  objectPrefix: z.string().nullable(),
  /** What erasure does to its rows. */
  erasure: z.enum(['delete', 'anonymise', 'keep', 'detach', 'none']),
  /** The ground in law, when rows are kept. */
  keptBecause: z.string().nullable(),
  /** Things that may be done to one of its rows, e.g. ending a session. */
  actions: z.array(z.object({ name: z.string(), title: z.string() })),
});
export type MappedCollection = z.infer<typeof mappedCollection>;

export const dataMap = {
  'map.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows the data map in force',
    input: z.strictObject({}),
    output: z.object({ hash: z.string(), collections: z.array(mappedCollection) }),
  }),
  'map.check': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'compares the data map with the live schema',
    input: z.strictObject({}),
    output: z.object({
      findings: z.array(z.object({ what: z.string(), detail: z.string(), blocks: z.boolean() })),
    }),
  }),
} as const;
