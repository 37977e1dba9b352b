import { z } from 'zod';
import { operation } from './operation.ts';

/** Opaque reference of a data subject, as entries, requests and pages carry it. */
export const subjectReference = z.string().regex(/^S-[0-9A-F]{12}$/);

const why = {
  /** The request under which this happens. */
  requestId: z.number().int().positive().optional(),
  /** Why, when there is no request; such a look-up is marked in the trail. */
  reason: z.string().trim().min(3).max(2_000).optional(),
};

export const searchHit = z.object({
  subject: subjectReference,
  /** The kind of person, by the data map, and what it is called there. */
  kind: z.string(),
  kindTitle: z.string(),
  /** Who else decides about this person's data, in a sentence; null when it is us. */
  controller: z.string().nullable(),
  /** Masked. */
  name: z.string().nullable(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  /** Masked names of the workspaces that matched or are owned. */
  workspaces: z.array(z.string()),
  /** In how many tenants' workspaces a person without a table of their own is known; null for others. */
  tenants: z.number().int().nullable(),
  /** Why it matched, e.g. `email exact`, `name similar`. */
  matched: z.array(
    z.object({
      field: z.string(),
      how: z.enum(['exact', 'prefix', 'part', 'digits', 'similar', 'identifier']),
    }),
  ),
  /** 0 to 1; exact hits are 1. */
  score: z.number(),
});
export type SearchHit = z.infer<typeof searchHit>;

export const access = z.object({
  id: z.number().int(),
  subject: subjectReference,
  /** The kind of person, by the data map, and what it is called there. */
  kind: z.string(),
  kindTitle: z.string(),
  /** Who else decides about this person's data, in a sentence; null when it is us. */
  controller: z.string().nullable(),
  requestId: z.number().int().nullable(),
  openedAt: z.string(),
  expiresAt: z.string(),
  /** True when it was opened with a reason instead of a request. */
  withoutRequest: z.boolean(),
});
export type Access = z.infer<typeof access>;

/** One row of a collection: its key, and each column's value as text (null where the row holds null). */
export const subjectRow = z.object({ key: z.string(), cells: z.record(z.string(), z.string().nullable()) });
export type SubjectRow = z.infer<typeof subjectRow>;

const accessId = z.number().int().positive();
const collection = z.string().max(63);

export const subjects = {
  'search.run': operation({
    effect: 'reveal',
    permission: ['viewer', 'operator'],
    summary: 'searches people by e-mail, name, phone, workspace or identifier',
    input: z.strictObject({
      text: z.string().max(20_000),
      limit: z.number().int().min(1).max(200).default(50),
      ...why,
    }),
    output: z.object({ hits: z.array(searchHit), more: z.boolean(), entry: z.number().int() }),
  }),
  'subjects.open': operation({
    effect: 'reveal',
    permission: ['viewer', 'operator'],
    summary: 'opens an access to one person, for a request or a reason',
    input: z.strictObject({
      subject: subjectReference,
      minutes: z.number().int().min(1).max(60).default(15),
      ...why,
    }),
    output: z.object({ access, entry: z.number().int() }),
  }),
  'subjects.close': operation({
    effect: 'write',
    permission: ['viewer', 'operator'],
    summary: 'closes an access before it expires',
    input: z.strictObject({ accessId }),
    output: z.object({ entry: z.number().int() }),
  }),
  'subjects.show': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'shows what is held about a person, with counts',
    input: z.strictObject({ accessId }),
    output: z.object({
      access,
      /** The account row, masked. */
      account: subjectRow.nullable(),
      /** The plan in force for the person's workspaces, with quotas and rate limits. */
      plans: z.array(subjectRow),
      counts: z.array(z.object({ collection: z.string(), count: z.number().int(), capped: z.boolean() })),
    }),
  }),
  'subjects.page': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'reads one page of a collection, masked',
    input: z.strictObject({
      accessId,
      collection,
      /** Where the page begins: `next` of the page before; absent for the first. */
      cursor: z.array(z.string().max(500)).max(8).optional(),
      limit: z.number().int().min(1).max(500).default(50),
    }),
    output: z.object({ rows: z.array(subjectRow), next: z.array(z.string()).nullable() }),
  }),
  'subjects.reached': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'counts for each collection the person’s rows by the path of the map that reached them',
    input: z.strictObject({ accessId }),
    output: z.object({
      access,
      collections: z.array(
        z.object({
          collection: z.string(),
          title: z.string(),
          /** A row that several paths reach counts for each; numbers as `map.explain` gives them. */
          paths: z.array(z.object({ path: z.number().int(), rows: z.number().int(), capped: z.boolean() })),
        }),
      ),
    }),
  }),
  'subjects.reachedRows': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'tells for the rows of one page of a collection by which paths they were reached',
    input: z.strictObject({
      accessId,
      collection,
      cursor: z.array(z.string().max(500)).max(8).optional(),
      limit: z.number().int().min(1).max(500).default(50),
    }),
    output: z.object({
      /** No paths where no key tells the rows apart. */
      rows: z.array(z.object({ key: z.string(), paths: z.array(z.number().int()) })),
      next: z.array(z.string()).nullable(),
    }),
  }),
  'subjects.series': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'counts a collection by day, for a chart',
    input: z.strictObject({ accessId, collection }),
    output: z.object({
      points: z.array(z.object({ day: z.string(), by: z.string().nullable(), value: z.number() })),
    }),
  }),
  'subjects.reveal': operation({
    effect: 'reveal',
    permission: ['viewer', 'operator'],
    summary: 'reveals exactly one masked cell',
    input: z.strictObject({
      accessId,
      collection,
      row: z.string().max(1_000),
      column: z.string().max(63),
      reason: z.string().trim().max(2_000).optional(),
    }),
    output: z.object({ value: z.string().nullable(), entry: z.number().int() }),
  }),
  'subjects.act': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'does what the map allows to one row, e.g. ends a dashboard session',
    input: z.strictObject({ accessId, collection, row: z.string().max(1_000), action: z.string().max(63) }),
    output: z.object({ entry: z.number().int() }),
  }),
  'subjects.objects': operation({
    effect: 'read',
    permission: ['viewer', 'operator'],
    summary: 'lists the person’s objects in R2 and the rows that name them',
    input: z.strictObject({ accessId }),
    output: z.object({
      objects: z.array(
        z.object({
          /** Opaque name. */
          name: z.string(),
          contentType: z.string().nullable(),
          bytes: z.number().nullable(),
          modified: z.string().nullable(),
          /** `stored`: named by a row and there; `missing`: named by a row, not there; `unnamed`: there, no row names it. */
          state: z.enum(['stored', 'missing', 'unnamed']),
        }),
      ),
      /** True when the list was cut at 2,000. */
      cut: z.boolean(),
    }),
  }),
} as const;
