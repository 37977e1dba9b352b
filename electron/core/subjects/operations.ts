import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { DatabaseFault } from '#core/database/errors.ts';
import { sql } from '#core/database/sql.ts';
import { quoteIdentifier } from '#core/dataMap/quote.ts';
import { cancelled, ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import type { MappedCollection, MappedSubject } from '#shared/contract/dataMap.ts';
import type { Access, SearchHit, SubjectRow } from '#shared/contract/subjects.ts';
import {
  collectionOf,
  compiled,
  compiledAcross,
  kindInForce,
  mapInForce,
  type KindInForce,
  type MapInForce,
} from './mapInForce.ts';
import { isSearchable, tidySearchText } from './rules.ts';

type Names =
  | 'search.run'
  | 'subjects.open'
  | 'subjects.close'
  | 'subjects.show'
  | 'subjects.page'
  | 'subjects.reached'
  | 'subjects.reachedRows'
  | 'subjects.series'
  | 'subjects.reveal'
  | 'subjects.act'
  | 'subjects.objects'
  | 'map.show';

const hitRow = z.object({
  subject: z.string(),
  kind: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  workspaces: z.array(z.string()),
  tenants: z.coerce.number().nullable(),
  matched: z.array(z.string()),
  score: z.number(),
});
const accessRow = z.object({
  id: z.coerce.number(),
  subject: z.string(),
  kind: z.string(),
  kindTitle: z.string(),
  controller: z.string().nullable(),
  request: z.coerce.number().nullable(),
  openedAt: z.string(),
  expiresAt: z.string(),
});
const receipt = z.object({ entry: z.number() });
const anyRow = z.record(z.string(), z.unknown());
const cursorRow = z.array(z.string());
const searchIntent = z.object({ search: z.number(), entry: z.number() });
const openedAccess = z.object({ access: z.number(), entry: z.number() });
const countRow = z.object({ place: z.number(), count: z.coerce.number() });
const dayRow = z.object({ day: z.string(), by: z.string().nullable(), value: z.number() });
const revealIntent = z.object({ reveal: z.number(), entry: z.number() });
const revealedRow = z.object({ value: z.string().nullable() });

/** How many rows a tab's count goes up to. */
const countCap = 10_001;
const objectCap = 2_000;

export function subjectOperations(desk: () => Desk): SomeHandlers<Names> {
  let newestSearch: AbortController | null = null;
  let known: { readonly hash: string; readonly map: MapInForce } | null = null;
  /** The kind of each access of a session, which never changes: a page shouldn't have to ask for it again. */
  const kinds = new WeakMap<object, Map<number, string>>();
  const map = async (): Promise<MapInForce> => {
    const { database, info } = desk();
    if (known === null || known.hash !== info.mapHash)
      known = { hash: info.mapHash, map: await mapInForce(database) };
    return known.map;
  };
  const accessOf = async (id: number): Promise<Access> => {
    const [found] = await desk().database.rows(
      sql`select id, subject, kind, title as "kindTitle", controller, request, to_json(opened_at) #>> '{}' as "openedAt", to_json(expires_at) #>> '{}' as "expiresAt"
          from privacy_console.show_access(${id}::bigint)`,
      accessRow,
    );
    if (found === undefined)
      throw new ExpectedError('access_closed', 'The access to this person has ended; open it again.');
    return toAccess(found);
  };
  const kindOf = async (accessId: number): Promise<KindInForce> => {
    const { database } = desk();
    const seen = kinds.get(database) ?? new Map<number, string>();
    kinds.set(database, seen);
    const kind = seen.get(accessId) ?? (await accessOf(accessId)).kind;
    seen.set(accessId, kind);
    return kindInForce(await map(), kind);
  };
  const page = async (
    subject: MappedSubject,
    collection: MappedCollection,
    accessId: number,
    cursor: readonly string[] | null,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ rows: SubjectRow[]; next: string[] | null }> => {
    const reading = desk().database.rows(
      {
        text: `select p.row_key, ${collection.columns
          .map((column, place) => `p.${quoteIdentifier(column.name)}${castOf(column.kind)} as c${place}`)
          .join(
            ', ',
          )}, p.cursor from ${compiled('page', subject, collection)}($1::bigint, $2::text[], $3::int) p`,
        values: [accessId, cursor, limit + 1],
      },
      anyRow,
      { signal },
    );
    const rows = await withKnownKeys(reading);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      rows: shown.map((row) => ({
        key: String(row['row_key']),
        cells: Object.fromEntries(
          collection.columns.map((column, place) => [column.name, cell(row[`c${place}`], column.kind)]),
        ),
      })),
      next: rows.length > limit && last !== undefined ? cursorRow.parse(last['cursor']) : null,
    };
  };
  return {
    'map.show': async () => {
      const { hash, subjects, collections } = await map();
      return { hash, subjects: [...subjects], collections: [...collections] };
    },
    'search.run': async ({ text, limit, requestId, reason }, call) => {
      const wanted = tidySearchText(text);
      if (!isSearchable(wanted)) {
        throw new ExpectedError(
          'invalid_input',
          'A search has from 3 to 200 characters; shorten it, or type more of it.',
        );
      }
      // What is typed next is what is wanted: the older search ends on the server.
      newestSearch?.abort(cancelled('The search'));
      const mine = new AbortController();
      newestSearch = mine;
      const signal = AbortSignal.any([call.signal, mine.signal]);
      try {
        const { database } = desk();
        const intent = await database.effect(
          sql`select privacy_console.intend_search(${wanted}::text, ${limit}::int, ${requestId ?? null}::bigint, ${reason ?? null}::text) as result`,
          searchIntent,
          call.note,
        );
        const found = await database.rows(
          sql`select subject, kind, name, email, phone, workspaces, tenants, matched, score from privacy_console.run_search(${intent.search}::bigint)`,
          hitRow,
          { signal },
        );
        // Each kind of person comes best first; so do all of them.
        const hits = [...found].sort((one, other) => other.score - one.score);
        const { subjects } = await map();
        return {
          hits: hits.slice(0, limit).map((hit) => toHit(hit, subjects)),
          more: hits.length > limit,
          entry: intent.entry,
        };
      } finally {
        if (newestSearch === mine) newestSearch = null;
      }
    },
    'subjects.open': async ({ subject, minutes, requestId, reason }, call) => {
      const opened = await desk().database.effect(
        sql`select privacy_console.open_access(${subject}::text, ${requestId ?? null}::bigint, ${reason ?? null}::text, ${minutes}::int) as result`,
        openedAccess,
        call.note,
      );
      return { access: await accessOf(opened.access), entry: opened.entry };
    },
    'subjects.close': async ({ accessId }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.close_access(${accessId}::bigint) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'subjects.show': async ({ accessId }, { signal }) => {
      const access = await accessOf(accessId);
      const { subject, collections } = kindInForce(await map(), access.kind);
      const counts = await desk().database.rows(
        {
          text: collections
            .map(
              (each, place) =>
                `select ${place}::int as place, ${compiled('count', subject, each)}($1::bigint, ${countCap}) as count`,
            )
            .join(' union all '),
          values: [accessId],
        },
        countRow,
        { signal },
      );
      const first = async (name: string, limit: number): Promise<SubjectRow[]> => {
        const found = collections.find((each) => each.name === name);
        return found === undefined ? [] : (await page(subject, found, accessId, null, limit, signal)).rows;
      };
      const [account] = await first(subject.collection ?? '', 1);
      return {
        access,
        account: account ?? null,
        plans: await first('plans', 20),
        counts: counts.map(({ place, count }) => ({
          collection: collections[place]?.name ?? '',
          count: Math.min(count, countCap - 1),
          capped: count >= countCap,
        })),
      };
    },
    'subjects.page': async ({ accessId, collection, cursor, limit }, { signal }) => {
      const kind = await kindOf(accessId);
      return page(kind.subject, collectionOf(kind, collection), accessId, cursor ?? null, limit, signal);
    },
    'subjects.reached': async ({ accessId }, { signal }) => {
      const access = await accessOf(accessId);
      const { subject, collections } = kindInForce(await map(), access.kind);
      const found = await desk().database.rows(
        {
          text: collections
            .map(
              (each, place) =>
                `select ${place}::int as place, path, reached from ${compiled('reached', subject, each)}($1::bigint, ${countCap})`,
            )
            .join(' union all '),
          values: [accessId],
        },
        z.object({ place: z.number(), path: z.number(), reached: z.coerce.number() }),
        { signal },
      );
      return {
        access,
        collections: collections.map((each, place) => ({
          collection: each.name,
          title: each.title,
          paths: found
            .filter((row) => row.place === place)
            .sort((one, other) => one.path - other.path)
            .map(({ path, reached }) => ({
              path,
              rows: Math.min(reached, countCap - 1),
              capped: reached >= countCap,
            })),
        })),
      };
    },
    'subjects.reachedRows': async ({ accessId, collection, cursor, limit }, { signal }) => {
      const kind = await kindOf(accessId);
      const held = collectionOf(kind, collection);
      const { rows, next } = await page(kind.subject, held, accessId, cursor ?? null, limit, signal);
      const paths = await withKnownKeys(
        desk().database.rows(
          {
            text: `select row_key as key, paths from ${compiled('paths', kind.subject, held)}($1::bigint, $2::text[])`,
            values: [accessId, rows.map((row) => row.key)],
          },
          z.object({ key: z.string(), paths: z.array(z.number()) }),
          { signal },
        ),
      );
      const byKey = new Map(paths.map((row) => [row.key, row.paths]));
      return { rows: rows.map(({ key }) => ({ key, paths: byKey.get(key) ?? [] })), next };
    },
    'subjects.series': async ({ accessId, collection }, { signal }) => {
      const kind = await kindOf(accessId);
      const found = collectionOf(kind, collection);
      if (found.series === null) throw new ExpectedError('not_found', 'The data map has no chart for this.');
      const points = await desk().database.rows(
        {
          text: `select day, by, value from ${compiled('series', kind.subject, found)}($1::bigint)`,
          values: [accessId],
        },
        dayRow,
        { signal },
      );
      return { points: [...points] };
    },
    'subjects.reveal': async ({ accessId, collection, row, column, reason }, call) => {
      const { database } = desk();
      const intent = await database.effect(
        sql`select privacy_console.intend_reveal(${accessId}::bigint, ${collection}::text, ${row}::text, ${column}::text, ${reason ?? null}::text) as result`,
        revealIntent,
        call.note,
      );
      const { value } = await withKnownKeys(
        database.row(sql`select privacy_console.show_reveal(${intent.reveal}::bigint) as value`, revealedRow),
      );
      return { value, entry: intent.entry };
    },
    'subjects.act': async ({ accessId, collection, row, action }, call) => {
      const { entry } = await withKnownKeys(
        desk().database.effect(
          sql`select privacy_console.act(${accessId}::bigint, ${collection}::text, ${row}::text, ${action}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
    'subjects.objects': async ({ accessId }, { signal }) => {
      const bucket = await desk().openBucket('read');
      try {
        return await listObjects(desk(), bucket, (await kindOf(accessId)).subject, accessId, signal);
      } finally {
        bucket.close();
      }
    },
  };
}

/** Keys and page markers go back to the database as it gave them; one of another form is the caller's mistake. */
async function withKnownKeys<Value>(asking: Promise<Value>): Promise<Value> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof DatabaseFault && /^22(P02|007|008)$/.test(error.sqlState ?? '')) {
      throw new ExpectedError(
        'invalid_input',
        'The row or page asked for is not one the console has shown; read the first page again.',
      );
    }
    throw error;
  }
}

function toAccess(row: z.output<typeof accessRow>): Access {
  return {
    id: row.id,
    subject: row.subject,
    kind: row.kind,
    kindTitle: row.kindTitle,
    controller: row.controller,
    requestId: row.request,
    openedAt: row.openedAt,
    expiresAt: row.expiresAt,
    withoutRequest: row.request === null,
  };
}

function toHit(row: z.output<typeof hitRow>, subjects: readonly MappedSubject[]): SearchHit {
  const kind = subjects.find((each) => each.kind === row.kind);
  return {
    ...row,
    kindTitle: kind?.title ?? row.kind,
    controller: kind?.controller ?? null,
    matched: row.matched.map((each) => {
      const place = each.lastIndexOf(' ');
      return {
        field: each.slice(0, place),
        how: each.slice(place + 1) as SearchHit['matched'][number]['how'],
      };
    }),
  };
}

/** Lists and documents are read as text; the driver would make arrays and objects of them. */
function castOf(kind: MappedCollection['columns'][number]['kind']): string {
  return kind === 'json' || kind === 'list' || kind === 'boolean' ? '::text' : '';
}

function cell(value: unknown, kind: MappedCollection['columns'][number]['kind']): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return kind === 'time' ? new Date(text).toISOString() : text;
}

const objectRow = z.object({
  rowKey: z.string(),
  key: z.string(),
  contentType: z.string().nullable(),
  bytes: z.coerce.number().nullable(),
});

/** The person's rows that name objects, and what the bucket holds under the person's prefixes, put side by side. */
async function listObjects(
  desk: Desk,
  bucket: ObjectStore,
  subject: MappedSubject,
  accessId: number,
  signal: AbortSignal,
): Promise<{ objects: ObjectShown[]; cut: boolean }> {
  const named = await desk.database.rows(
    {
      text: `select row_key as "rowKey", key, content_type as "contentType", bytes from ${compiledAcross('object_rows', subject)}($1::bigint) limit ${objectCap + 1}`,
      values: [accessId],
    },
    objectRow,
    { signal },
  );
  const prefixes = await desk.database.rows(
    {
      text: `select p as prefix from ${compiledAcross('object_prefixes', subject)}($1::bigint) p`,
      values: [accessId],
    },
    z.object({ prefix: z.string() }),
    { signal },
  );
  const stored = new Map<string, { bytes: number; modified: Date }>();
  for (const { prefix } of prefixes) {
    for await (const object of bucket.list(prefix, { signal })) {
      stored.set(object.key, object);
      if (stored.size > objectCap) break;
    }
  }
  const objects: ObjectShown[] = [];
  for (const row of named.slice(0, objectCap)) {
    const found = stored.get(row.key) ?? (await headOf(bucket, row.key, signal));
    stored.delete(row.key);
    objects.push({
      name: fileName(row.rowKey),
      contentType: row.contentType,
      bytes: found?.bytes ?? row.bytes,
      modified: found?.modified.toISOString() ?? null,
      state: found === null ? 'missing' : 'stored',
    });
  }
  let unnamed = 0;
  for (const object of stored.values()) {
    unnamed += 1;
    objects.push({
      name: `unnamed ${unnamed}`,
      contentType: null,
      bytes: object.bytes,
      modified: object.modified.toISOString(),
      state: 'unnamed',
    });
  }
  return {
    objects: objects.slice(0, objectCap),
    cut: objects.length > objectCap || named.length > objectCap,
  };
}

interface ObjectShown {
  name: string;
  contentType: string | null;
  bytes: number | null;
  modified: string | null;
  state: 'stored' | 'missing' | 'unnamed';
}

async function headOf(
  bucket: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<{ bytes: number; modified: Date } | null> {
  const found = await bucket.head(key, { signal });
  return typeof found === 'string' ? null : found;
}

function fileName(rowKey: string): string {
  const [first] = z.array(z.string()).parse(JSON.parse(rowKey));
  return first ?? '';
}
