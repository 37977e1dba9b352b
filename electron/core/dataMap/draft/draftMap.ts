import { ExpectedError } from '#core/kernel/errors.ts';
import type { Ask } from '../catalogue.ts';
import type { ReplacementKind, SearchForm, Undecided } from '../map.ts';
import { printable } from '../mapText.ts';
import {
  guessColumn,
  isPersonal,
  isPlaced,
  type ColumnGuess,
  type Confidence,
  type Unplaced,
} from './guess.ts';
import { collectionNames } from './names.ts';
import {
  readLiveSchema,
  type ForeignKey,
  type LiveColumn,
  type LiveSchema,
  type LiveTable,
} from '../liveSchema.ts';
import { countPatterns, type Sampled } from './sample.ts';
import {
  emailOf,
  findPaths,
  isGenericName,
  isLookup,
  isMappable,
  isOfPeople,
  isPassing,
  proposeSubject,
  tellRows,
  type DraftPath,
  type FoundPaths,
  type Guesses,
  type SubjectProposal,
} from './subjects.ts';
import { tableWords, titled, wordsOf } from './words.ts';

/** A value of the map with why it was proposed. */
export interface Because {
  readonly confidence: Confidence;
  readonly reason: string;
}

export interface DraftColumn extends Because {
  readonly name: string;
  /** The fields of the map's column. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface DraftCollection {
  readonly name: string;
  readonly table: string;
  readonly title: string;
  readonly group: string;
  readonly about: string | null;
  readonly subject: readonly (Because & { readonly fields: Readonly<Record<string, unknown>> })[];
  readonly order: readonly string[];
  readonly columns: readonly DraftColumn[];
  /** Everything after the columns: field, value, why. */
  readonly rest: readonly (Because & { readonly field: string; readonly value: unknown })[];
}

/** What a draft proposes; `document.ts` writes it as YAML. */
export interface Draft {
  readonly subject: Because & {
    readonly table: string;
    readonly fields: Readonly<Record<string, unknown>>;
  };
  readonly collections: readonly DraftCollection[];
  readonly ignored: readonly (Because & { readonly table: string })[];
  readonly undecided: readonly Undecided[];
  /** Views, materialised views, foreign tables, triggers: said, not touched. */
  readonly reported: readonly string[];
  readonly schema: LiveSchema;
}

export interface DraftOptions {
  /** `schema.table`, or a table's bare name when only one schema has it; null lets the draft propose one. */
  readonly subject: string | null;
  /** Counts values in the server, a table at a time; null does without. */
  readonly count: Ask | null;
  readonly signal: AbortSignal;
}

/**
 * Drafts a data map from the live database. Values are counted in the server
 * and never asked for.
 * @throws ExpectedError `invalid_input` when no table can be taken for the subject
 */
export async function draftMap(ask: Ask, options: DraftOptions): Promise<Draft> {
  const schema = await readLiveSchema(ask);
  const tables = [...schema.tables.values()].filter(isMappable);
  const plain = guessAll(schema, nothing);
  const sampled: Sampled =
    options.count === null
      ? nothing
      : await countPatterns(
          options.count,
          tables.filter((each) => each.readable),
          (table, column) => {
            const guess = plain.get(table.name)?.get(column.name);
            return guess === undefined || !isPlaced(guess) || guess.confidence !== 'high';
          },
          options.signal,
        );
  const guesses = guessAll(schema, sampled);
  // Rows are named by their key, so a table whose key is a secret can't be shown at all.
  const usable: LiveSchema = {
    ...schema,
    tables: new Map([...schema.tables].filter(([, each]) => secretKey(guesses, each) === null)),
  };
  const subject = chooseSubject(usable, guesses, options.subject);
  const found = findPaths(usable, guesses, subject);
  return assemble({ schema, sampled, guesses, subject, found });
}

const nothing: Sampled = { counts: new Map(), unseen: new Map() };

interface Known {
  readonly schema: LiveSchema;
  readonly sampled: Sampled;
  readonly guesses: Guesses;
  readonly subject: SubjectProposal;
  readonly found: FoundPaths;
}

/** Proposals for all columns, by names, types and counts. */
export function guessAll(schema: LiveSchema, sampled: Sampled): Guesses {
  return new Map(
    [...schema.tables.values()].map((table) => {
      // A column that names a row by itself says more than one that only helps to.
      const refers = new Map(
        table.foreignKeys
          .toSorted((one, other) => other.columns.length - one.columns.length)
          .flatMap((key) => key.columns.map((column) => [column, key.to] as const)),
      );
      return [
        table.name,
        new Map(
          [...table.columns.values()].map((column) => [
            column.name,
            guessColumn(column, {
              table,
              refersTo: refers.get(column.name) ?? null,
              counts: sampled.counts.get(table.name)?.get(column.name) ?? null,
            }),
          ]),
        ),
      ];
    }),
  );
}

/** A column of the primary key that is a secret; null when none is. */
function secretKey(guesses: Guesses, table: LiveTable): string | null {
  return (
    table.primaryKey.find((column) => {
      const guess = guesses.get(table.name)?.get(column);
      return guess !== undefined && isPlaced(guess) && guess.never === true;
    }) ?? null
  );
}

function chooseSubject(schema: LiveSchema, guesses: Guesses, wanted: string | null): SubjectProposal {
  if (wanted === null) {
    const proposed = proposeSubject(schema, guesses, null);
    if (proposed !== null) return proposed;
    throw new ExpectedError(
      'invalid_input',
      'No table looks as if its rows were the people; name it with --subject SCHEMA.TABLE.',
    );
  }
  const named = [...schema.tables.values()].filter((each) => each.name === wanted || each.table === wanted);
  const [only, ...more] = named;
  if (only === undefined || more.length > 0) {
    throw new ExpectedError(
      'invalid_input',
      only === undefined
        ? `There is no table ${printable(wanted)} that this login can see; write SCHEMA.TABLE as the database has it, large and small letters too.`
        : `Several schemas have a table ${printable(wanted)}; write one of ${named.map((each) => printable(each.name)).join(', ')}.`,
    );
  }
  const proposed = proposeSubject(schema, guesses, only.name);
  if (proposed === null) {
    throw new ExpectedError(
      'invalid_input',
      `The table ${printable(only.name)} can’t be the subject: it needs a primary key to tell people apart; name another with --subject.`,
    );
  }
  return proposed;
}

const migrationTables =
  /^(?:.*_)?(?:schema_?migrations?|migrations?|schema_version|flyway_schema_history|alembic_version|knex_migrations(?:_lock)?|ar_internal_metadata|databasechangelog(?:lock)?|goose_db_version|spatial_ref_sys|__efmigrationshistory|_prisma_migrations|pgmigrations)$/i;

function assemble(known: Known): Draft {
  const { schema, sampled, subject, found } = known;
  const undecided: Undecided[] = [];
  const ignored: (Because & { table: string })[] = [];
  const names = collectionNames([...found.paths.keys()]);
  const collections = new Map<string, Drafting>();
  for (const [name, paths] of found.paths) {
    const table = schema.tables.get(name);
    if (table !== undefined) collections.set(name, drafting(known, table, paths, names, undecided));
  }
  decideErasure(known, collections, names, undecided);
  for (const table of schema.tables.values()) {
    if (found.paths.has(table.name)) continue;
    const verdict = outside(known, table);
    if (verdict === null) continue;
    if ('write' in verdict) undecided.push({ table: table.name, ...verdict });
    else ignored.push({ table: table.name, ...verdict });
  }
  for (const table of schema.tables.values()) {
    if (table.kind !== 'table' && table.kind !== 'partitioned') continue;
    const why = !table.readable
      ? 'this login may not read it, so what it holds was proposed by names and types alone'
      : table.rowsHidden
        ? 'row-level security may hide rows of it from this login'
        : sampled.unseen.get(table.name);
    if (why === undefined || ignored.some((each) => each.table === table.name)) continue;
    undecided.push({
      table: table.name,
      about: 'contents',
      reason: why,
      write:
        'draft again with a login that may read it, or read each proposal for it yourself and remove this entry',
    });
  }
  for (const what of schema.unseen)
    undecided.push({
      table: '*',
      about: 'catalogue',
      reason: `this login may not read the ${what} of the database`,
      write: 'draft again with a login that may read the system catalogue',
    });
  if (subject.rivals.length > 0)
    undecided.push({
      table: subject.table.name,
      about: 'subject',
      reason: `its rows were taken for the people, but those of ${subject.rivals.join(', ')} could be meant as well`,
      write: 'remove this entry if they are, or draft again with --subject TABLE',
    });
  return {
    subject: subjectFields(known, names, collections),
    collections: [...collections.values()].map(finished),
    ignored,
    undecided,
    reported: report(schema),
    schema,
  };
}

/** A collection while its erasure is still being decided. */
interface Drafting {
  readonly known: Known;
  readonly table: LiveTable;
  readonly name: string;
  readonly paths: readonly DraftPath[];
  readonly names: ReadonlyMap<string, string>;
  readonly columns: readonly DraftColumn[];
  readonly order: readonly string[];
  readonly lookup: boolean;
  detach: readonly (string | Readonly<Record<string, unknown>>)[];
  erasure: Because & { readonly value: Readonly<Record<string, unknown>> };
  readonly rest: (Because & { field: string; value: unknown })[];
}

function guessesOf(known: Known, table: LiveTable): readonly (readonly [string, ColumnGuess | Unplaced])[] {
  return [...(known.guesses.get(table.name) ?? [])];
}

function drafting(
  known: Known,
  table: LiveTable,
  paths: readonly DraftPath[],
  names: ReadonlyMap<string, string>,
  undecided: Undecided[],
): Drafting {
  const name = names.get(table.name) ?? '';
  const lookup =
    known.found.pointedTo.has(table.name) && isLookup(table, known.guesses) && table !== known.subject.table;
  const order = orderOf(known, table);
  const columns: DraftColumn[] = [];
  const onPath = new Set(paths.flatMap((each) => each.columns));
  // What a path goes over has to be a column of the map.
  const named = new Set([
    ...onPath,
    ...(known.found.through.get(table.name) ?? []).flatMap((each) => each.keys),
  ]);
  for (const [column, guess] of guessesOf(known, table)) {
    const live = table.columns.get(column);
    if (live === undefined) continue;
    if (column === '__proto__') {
      undecided.push({
        table: table.name,
        column,
        reason: 'a column of this name can’t be written in a map',
        write: 'have the platform rename it',
      });
      continue;
    }
    if (!isPlaced(guess) && named.has(column)) {
      columns.push({
        name: column,
        fields: { category: guess.likely, mask: 'text' },
        confidence: 'low',
        reason: `says whose row it is; ${guess.reason}`,
      });
      continue;
    }
    if (!isPlaced(guess)) {
      undecided.push({
        table: table.name,
        column,
        reason: guess.reason,
        write: `in collections.${name}.columns: ${JSON.stringify(column)}: { category: ${guess.likely} }`,
      });
      continue;
    }
    const unmasked = lookup && isGenericName(column) && guess.never !== true;
    const names = onPath.has(column) && guess.category === 'user.unique_id';
    const isKey = table.primaryKey.includes(column);
    const correct =
      guess.correct === true &&
      !isKey &&
      !live.generated &&
      !live.identity &&
      !onPath.has(column) &&
      live.kind === 'text' &&
      (table === known.subject.table || looksShared(known, table) !== null);
    const search = searchForms(known, table, column, guess, paths);
    columns.push({
      name: column,
      fields: {
        category: unmasked ? 'system.operations' : guess.category,
        ...(guess.mask === undefined || unmasked || names || order.includes(column)
          ? {}
          : { mask: guess.mask }),
        ...(guess.never === undefined ? {} : { never: true }),
        ...(correct ? { correct: true } : {}),
        ...(search.length === 0 ? {} : { search }),
      },
      confidence: unmasked ? 'medium' : guess.confidence,
      reason: unmasked ? 'name of an entry of a list' : names ? 'says whose row it is' : guess.reason,
    });
  }
  for (const column of order) {
    const guess = known.guesses.get(table.name)?.get(column);
    if (guess === undefined || !isPersonal(guess)) continue;
    undecided.push({
      table: table.name,
      column,
      about: 'order',
      reason:
        'it is part of the key, which pages are ordered by and rows are named by, and may itself be personal or secret',
      write: `leave it unmasked in collections.${name}.columns and remove this entry if it isn’t; if it is, the platform has to give the table another key`,
    });
  }
  return {
    known,
    table,
    name,
    paths,
    names,
    columns,
    order,
    lookup,
    detach: [],
    erasure: { confidence: 'medium', reason: 'rows of the person', value: { action: 'delete' } },
    rest: extras(known, table, order, columns),
  };
}

function searchForms(
  known: Known,
  table: LiveTable,
  column: string,
  guess: ColumnGuess,
  paths: readonly DraftPath[],
): readonly SearchForm[] {
  if (guess.never === true) return [];
  const own = table === known.subject.table;
  const workspace = looksShared(known, table);
  if (!own && (workspace === null || !paths.some((each) => each.of === null))) return [];
  if (own && tellsPeople(known.subject, column)) return ['identifier'];
  if (table.primaryKey.length === 1 && table.primaryKey[0] === column) return ['identifier'];
  if (table.columns.get(column)?.array === true || table.columns.get(column)?.kind !== 'text') return [];
  if (guess.category === 'user.name') return ['exact', 'prefix', 'similar'];
  if (!own) return [];
  if (guess.category === 'user.contact.email') return ['exact', 'prefix', 'part'];
  if (guess.category === 'user.contact.phone_number') return ['digits'];
  if (guess.category === 'user.account.username') return ['exact', 'prefix'];
  return [];
}

/** Whether a column of the key is a person's own, not the tenant's that the key holds too. */
function tellsPeople({ table, key }: SubjectProposal, column: string): boolean {
  return (
    key.includes(column) &&
    (key.length === 1 || !table.foreignKeys.some((each) => each.columns.includes(column)))
  );
}

/** Columns that pages are ordered by: the time a row was made, where it is never empty, then its key. */
function orderOf(known: Known, table: LiveTable): readonly string[] {
  const time = timesOf(known, table).find((each) => table.columns.get(each)?.notNull === true);
  return [...new Set([...(time === undefined ? [] : [time]), ...table.primaryKey])];
}

const firstTimes = [
  'created',
  'inserted',
  'occurred',
  'received',
  'issued',
  'sent',
  'joined',
  'placed',
  'ordered',
  'booked',
  'started',
  'added',
  'registered',
  'uploaded',
  'at',
  'time',
  'timestamp',
  'date',
  'day',
  'on',
];

/** Columns that say when, those that say when a row was made first. */
function timesOf(known: Known, table: LiveTable): readonly string[] {
  const rank = (column: string): number => {
    const words = wordsOf(column);
    const place = firstTimes.findIndex((each) => words.includes(each));
    const late = words.some((each) =>
      [
        'updated',
        'modified',
        'last',
        'expires',
        'expiry',
        'ended',
        'deleted',
        'due',
        'end',
        'until',
      ].includes(each),
    );
    return (place === -1 ? firstTimes.length : place) + (late ? 100 : 0);
  };
  return [...table.columns.values()]
    .filter((each) => {
      const guess = known.guesses.get(table.name)?.get(each.name);
      return (
        (each.kind === 'time' || each.kind === 'date') &&
        !each.array &&
        guess !== undefined &&
        isPlaced(guess) &&
        !isPersonal(guess) &&
        rank(each.name) < 100
      );
    })
    .map((each) => each.name)
    .sort((a, b) => rank(a) - rank(b));
}

const containerWords = [
  'workspace',
  'organisation',
  'team',
  'project',
  'company',
  'tenant',
  'store',
  'group',
  'household',
  'site',
  'space',
];

interface SharedBridge {
  readonly owner: string;
  readonly about: string | null;
  readonly bridge: {
    readonly table: LiveTable;
    readonly column: string;
    readonly person: string;
    readonly since: string;
  } | null;
}

/** What tells that a table's rows are owned by one person and shared with others; null when they aren't. */
function looksShared(known: Known, table: LiveTable): SharedBridge | null {
  const { subject, schema, found } = known;
  if (table === subject.table || table.primaryKey.length !== 1 || isOfPeople(table)) return null;
  if (!tableWords(table.table).some((each) => containerWords.includes(each))) return null;
  const owner = found.paths
    .get(table.name)
    ?.find((each) => each.of === null && !each.columns.some(isPassing))?.columns;
  if (owner?.length !== 1) return null;
  const [ownerColumn = ''] = owner;
  const [key = ''] = table.primaryKey;
  const about = [...table.columns.values()].find(
    (each) => each.kind === 'text' && wordsOf(each.name).at(-1) === 'name',
  );
  for (const [name] of found.paths) {
    const bridge = schema.tables.get(name);
    if (bridge === undefined || bridge.name === table.name) continue;
    const link = bridge.foreignKeys.find(
      (each) => each.to === table.name && each.columns.length === 1 && each.keys[0] === key,
    );
    const person = bridge.foreignKeys.find(
      (each) =>
        each.to === subject.table.name && each.columns.length === 1 && each.keys[0] === subject.key[0],
    );
    const [column] = link?.columns ?? [];
    const [who] = person?.columns ?? [];
    if (column === undefined || who === undefined || isActorOnly(who)) continue;
    const both = [bridge.primaryKey, ...bridge.uniques].some(
      (each) => each.length === 2 && each.includes(column) && each.includes(who),
    );
    const since = timesOf(known, bridge).find((each) => bridge.columns.get(each)?.notNull === true);
    if (both && since !== undefined)
      return {
        owner: ownerColumn,
        about: about?.name ?? null,
        bridge: { table: bridge, column, person: who, since },
      };
  }
  return { owner: ownerColumn, about: about?.name ?? null, bridge: null };
}

function isActorOnly(column: string): boolean {
  return wordsOf(column).includes('by');
}

/** Charts, objects in R2, ending a login: what further columns allow. */
function extras(
  known: Known,
  table: LiveTable,
  order: readonly string[],
  columns: readonly DraftColumn[],
): (Because & { field: string; value: unknown })[] {
  const rest: (Because & { field: string; value: unknown })[] = [];
  const objects = new Map(
    guessesOf(known, table).flatMap(([column, guess]) =>
      isPlaced(guess) && guess.object !== undefined ? [[guess.object, { column, guess }] as const] : [],
    ),
  );
  const key = objects.get('key');
  if (key !== undefined) {
    rest.push({
      field: 'object',
      value: Object.fromEntries([...objects].map(([field, { column }]) => [field, column])),
      confidence: key.guess.confidence,
      reason: key.guess.reason,
    });
  }
  const [first = ''] = order;
  const day = table.columns.get(first);
  const byPage = ['time', 'date'].includes(day?.kind ?? '');
  const words = tableWords(table.table);
  if (
    byPage &&
    words.some((each) =>
      ['view', 'event', 'message', 'usage', 'visit', 'activity', 'log', 'hit', 'campaign'].includes(each),
    )
  ) {
    const by = columns.find(
      (each) =>
        each.fields['mask'] === undefined &&
        each.fields['never'] === undefined &&
        wordsOf(each.name).some((word) =>
          ['status', 'feature', 'type', 'kind', 'event', 'endpoint', 'channel'].includes(word),
        ) &&
        ['text', 'enum'].includes(table.columns.get(each.name)?.kind ?? ''),
    );
    rest.push({
      field: 'series',
      value: { day: first, ...(by === undefined ? {} : { by: by.name }) },
      confidence: 'low',
      reason: 'things that happen, worth a chart',
    });
  }
  const ended = [...table.columns.values()].find(
    (each) =>
      each.kind === 'time' &&
      !each.notNull &&
      !each.generated &&
      wordsOf(each.name).some((word) => ['ended', 'revoked'].includes(word)),
  );
  const ending = words.some((each) => ['session', 'login'].includes(each))
    ? { name: 'end', title: 'End this login', of: 'a login ended' }
    : words.includes('key')
      ? { name: 'revoke', title: 'Revoke this key', of: 'a key was revoked' }
      : null;
  if (ended !== undefined && ending !== null) {
    rest.push(
      {
        field: 'actions',
        value: {
          [ending.name]: { title: ending.title, set: { [ended.name]: 'now' }, onlyIfNull: ended.name },
        },
        confidence: 'medium',
        reason: `${ended.name} says when ${ending.of}`,
      },
      {
        field: 'quiesce',
        value: ending.name,
        confidence: 'medium',
        reason: 'what comes to rest before anything of the person is deleted',
      },
    );
  }
  const shared = looksShared(known, table);
  if (shared?.bridge !== null && shared?.bridge !== undefined && shared.about !== null) {
    const { bridge } = shared;
    rest.push({
      field: 'shared',
      value: {
        by: bridge.table.name,
        column: bridge.column,
        person: bridge.person,
        owner: shared.owner,
        about: shared.about,
        since: bridge.since,
      },
      confidence: 'medium',
      reason: `${bridge.table.name} names other people it is shared with`,
    });
  }
  return rest;
}

const keptWords = ['invoice', 'receipt', 'tax', 'ledger', 'bill', 'payroll', 'accounting', 'payslip'];

function decideErasure(
  known: Known,
  collections: ReadonlyMap<string, Drafting>,
  names: ReadonlyMap<string, string>,
  undecided: Undecided[],
): void {
  for (const each of collections.values()) {
    const { table, paths, name } = each;
    if (each.lookup) {
      each.erasure = {
        confidence: 'high',
        reason: 'it describes, and is nobody’s',
        value: { action: 'none' },
      };
      continue;
    }
    // What is detached refers to the subject by its key.
    const nullable = paths.flatMap((path) =>
      path.of === null && path.actor !== null && table.columns.get(path.actor)?.notNull === false
        ? [path.actor]
        : [],
    );
    const owns = paths.length > nullable.length;
    if (table !== known.subject.table) each.detach = nullable.filter((actor) => owns || isPassing(actor));
    selfReferences(known, each, undecided);
    const kept = soundsKept(table) && table !== known.subject.table;
    const from = timesOf(known, table)[0];
    if (kept && from !== undefined) {
      each.erasure = {
        confidence: 'medium',
        reason: 'named like what tax law wants kept',
        value: { action: 'keep', ground: '', years: 8, from },
      };
      undecided.push({
        table: table.name,
        about: 'ground',
        reason: 'nobody has said which law keeps these rows, and for how many years',
        write: `in collections.${name}.erasure: the law as “ground” and its “years”; or erasure: { action: delete }`,
      });
      continue;
    }
    if (known.found.pointedTo.has(table.name)) {
      const alone = paths.every((path) => {
        const holder = known.schema.tables.get(path.of ?? '');
        return holder !== undefined && tellRows(holder, path.keys);
      });
      if (!alone)
        undecided.push({
          table: table.name,
          about: 'erasure',
          reason:
            'rows of several people may refer to one row of it, which then can’t be deleted for one of them',
          write: `remove this entry if each row is one person’s; else in collections.${name}: erasure: { action: none }, or an anonymise with what to set`,
        });
      continue;
    }
    const direct = paths.filter(
      (path) => path.direct && !(path.of === null && each.detach.includes(path.actor ?? '')),
    );
    const bridge = direct.every((path) => path.columns.every((column) => table.primaryKey.includes(column)));
    if (direct.length > 1)
      undecided.push({
        table: table.name,
        about: 'erasure',
        reason: `a row can be two people’s (${direct.map((path) => path.columns.join(' + ')).join(', ')}), and deleting it for one deletes it for the other`,
        write: `remove this entry to delete it all the same; or in collections.${name}: erasure: { action: anonymise, set: … }`,
      });
    const author = direct.find((path) => path.actor !== null);
    if (author !== undefined && !bridge && paths.some((path) => path !== author)) {
      const by = author.columns.join(' + ');
      const loose = author.columns.some((column) => table.columns.get(column)?.notNull === false);
      undecided.push({
        table: table.name,
        about: 'erasure',
        reason: `${by} ${loose ? 'is not set to null by this draft' : 'can’t be empty'}, so what the person made for others is deleted with them`,
        write: `remove this entry if that is right; or ${loose ? 'move' : 'take'} the path by ${by} out of collections.${name}.subject${loose ? ' to its detach' : ''}`,
      });
    }
  }
  partsOfKept(known, collections, undecided);
  for (const { table, name, erasure } of collections.values()) {
    const asked = undecided.some((each) => each.table === table.name && each.about === 'erasure');
    if (asked || table === known.subject.table || !soundsKept(table) || erasure.value['action'] !== 'delete')
      continue;
    undecided.push({
      table: table.name,
      about: 'erasure',
      reason:
        'named like what tax law wants kept, and no column of it says when a period would begin; erasure would delete its rows',
      write: `in collections.${name}: erasure: { action: none } leaves them for good; with a time of its own { action: keep, ground: …, years: …, from: COLUMN }; remove this entry to delete them`,
    });
  }
  holdBack(known, collections, names, undecided);
}

function soundsKept(table: LiveTable): boolean {
  const words = tableWords(table.table);
  return words.some((word) => keptWords.includes(word)) && words.at(-1) !== 'item';
}

/** Rows that only hang on kept ones, as an invoice's lines do: without them what the law keeps says nothing. */
function partsOfKept(known: Known, collections: ReadonlyMap<string, Drafting>, undecided: Undecided[]): void {
  const action = (each: Drafting | undefined): unknown => each?.erasure.value['action'];
  for (const { table, paths, name, lookup, erasure } of collections.values()) {
    const kept = paths.find((path) => path.of !== null && action(collections.get(path.of)) === 'keep');
    if (kept === undefined || lookup || erasure.value['action'] !== 'delete') continue;
    if (paths.some((path) => path.direct)) continue;
    // What kept rows point to is held by them, which is decided for itself.
    if (known.found.pointedTo.has(table.name)) continue;
    undecided.push({
      table: table.name,
      about: 'erasure',
      reason: `its rows are parts of those of ${kept.of ?? ''}, which are kept; erasure would delete them, and leave those without`,
      write: `in collections.${name}: erasure: { action: none } leaves them with what they are part of; remove this entry to delete them`,
    });
  }
}

/** Over how many tables the compiler follows what holds a row. */
const deepestHold = 4;

/** Whether the database empties a foreign key by itself when the row it names goes. */
function isEmptied(table: LiveTable, { onDelete, columns }: ForeignKey): boolean {
  if (onDelete === 'set default') return true;
  // Of several columns all are set to null, which one that can't be forbids.
  return onDelete === 'set null' && columns.every((each) => table.columns.get(each)?.notNull === false);
}

/** Rows that refer to rows of their own table, which may be other people's: a referral, a reply. */
function selfReferences(known: Known, each: Drafting, undecided: Undecided[]): void {
  const { table, name } = each;
  for (const key of table.foreignKeys) {
    if (key.to !== table.name || isEmptied(table, key)) continue;
    if (
      table === known.subject.table &&
      key.columns.some((column) => table.columns.get(column)?.notNull === false)
    ) {
      const [column = '', ...more] = key.columns;
      const holdsKey = more.length === 0 && key.keys.join() === known.subject.key.join();
      each.detach = [
        ...each.detach,
        holdsKey ? column : pathFields({ columns: key.columns, of: name, keys: key.keys }),
      ];
      continue;
    }
    undecided.push({
      table: table.name,
      about: 'erasure',
      reason: `rows refer to others of the table by ${key.columns.join(', ')}; another person’s would ${
        key.onDelete === 'cascade' ? 'be deleted with this one’s' : 'forbid deleting this one’s'
      }`,
      write: `remove this entry if both are always the same person’s; or in collections.${name}: erasure: { action: anonymise, set: … }`,
    });
  }
}

/** Rows that stay hold those they refer to, which can then only be anonymised, and so on up to the subject. */
function holdBack(
  known: Known,
  collections: ReadonlyMap<string, Drafting>,
  names: ReadonlyMap<string, string>,
  undecided: Undecided[],
): void {
  const staying = [...collections.values()].filter((each) => each.erasure.value['action'] === 'keep');
  const holders = new Map<string, { collection: string; column: readonly string[] }[]>();
  for (let place = 0; place < staying.length; place++) {
    const each = staying[place];
    if (each === undefined) continue;
    for (const key of each.table.foreignKeys) {
      const target = collections.get(key.to);
      if (target === undefined || key.to === each.table.name) continue;
      if (target.erasure.value['action'] !== 'delete') continue;
      // The kept row stays without it.
      if (isEmptied(each.table, key)) continue;
      if (!target.table.primaryKey.every((column) => key.keys.includes(column))) {
        undecided.push({
          table: target.table.name,
          about: 'erasure',
          reason: `rows of ${each.table.name} that are kept refer to it by something else than its primary key`,
          write: `in collections.${target.name}: an erasure that leaves what they refer to`,
        });
        continue;
      }
      const known = holders.get(key.to);
      const by = {
        collection: names.get(each.table.name) ?? '',
        column: target.table.primaryKey.map((column) => key.columns[key.keys.indexOf(column)] ?? ''),
      };
      if (known === undefined) {
        holders.set(key.to, [by]);
        staying.push(target);
      } else if (
        !known.some((other) => other.collection === by.collection && other.column.join() === by.column.join())
      ) {
        known.push(by);
      }
    }
  }
  const tableOf = new Map([...collections.values()].map((each) => [each.name, each.table.name]));
  /** How many steps lead from a table to the last row that holds it; Infinity in a circle. */
  const depth = (name: string, trail: readonly string[] = []): number =>
    trail.includes(name)
      ? Infinity
      : 1 +
        Math.max(
          -1,
          ...(holders.get(name) ?? []).map((by) => depth(tableOf.get(by.collection) ?? '', [...trail, name])),
        );
  for (const [name, by] of holders) {
    const target = collections.get(name);
    if (target === undefined) continue;
    if (depth(name) > deepestHold) {
      undecided.push({
        table: name,
        about: 'erasure',
        reason: 'rows that are kept hold it in a circle, or over more than four tables',
        write: `in collections.${target.name}: erasure: { action: none }, or an anonymise with what to set`,
      });
      target.erasure = { confidence: 'low', reason: 'rows that are kept hold it', value: { action: 'none' } };
      continue;
    }
    const set = neutral(known, target);
    if (Object.keys(set).length === 0)
      undecided.push({
        table: name,
        about: 'erasure',
        reason: 'rows that are kept refer to it, and no column of it was found that could be anonymised',
        write: `remove this entry to leave all of its rows; or in collections.${target.name}: erasure: { action: delete, unlessReferenced: true } leaves those alone that kept rows refer to`,
      });
    target.erasure =
      Object.keys(set).length === 0
        ? { confidence: 'low', reason: 'rows that are kept refer to it', value: { action: 'none' } }
        : {
            confidence: 'medium',
            reason: 'rows that are kept refer to it, so it is anonymised in place where one does',
            value: {
              action: 'delete',
              whenReferenced: {
                by: by.map(({ collection, column }) => ({ collection, column: oneOrMore(column) })),
                set,
              },
            },
          };
  }
}

/** What the personal columns of a row are set to when it has to stay. */
function neutral(known: Known, { table, columns, order }: Drafting): Readonly<Record<string, Neutral>> {
  const set: Record<string, Neutral> = {};
  const foreign = new Set(table.foreignKeys.flatMap((each) => each.columns));
  const named = new Set(
    [...known.schema.tables.values()].flatMap((other) =>
      other.foreignKeys.filter((key) => key.to === table.name).flatMap((key) => key.keys),
    ),
  );
  for (const { name, fields } of columns) {
    const live = table.columns.get(name);
    const guess = known.guesses.get(table.name)?.get(name);
    if (live === undefined || guess === undefined || !isPersonal(guess)) continue;
    if (live.generated || live.identity || foreign.has(name) || order.includes(name)) continue;
    if (named.has(name)) continue;
    if (fields['mask'] === undefined && fields['never'] === undefined) continue;
    const value = live.notNull
      ? neutralValue(
          live,
          fields,
          table.uniques.some((each) => each.includes(name)),
        )
      : null;
    if (value !== undefined) set[name] = value;
  }
  return set;
}

type Neutral = string | null | { readonly replace: ReplacementKind };

/** What a column that is never null is set to; undefined when nothing fits. */
function neutralValue(live: LiveColumn, fields: DraftColumn['fields'], unique: boolean): Neutral | undefined {
  const { category } = fields;
  const fits = (least: number): boolean => live.length === null || live.length >= least;
  if (live.array) return { replace: 'empty' };
  switch (live.kind) {
    case 'text':
      if (category === 'user.contact.email' && fits(21)) return { replace: 'email' };
      if (category === 'user.contact.phone_number' && fits(12)) return { replace: 'phone' };
      if (unique) return fits(6) ? { replace: 'text' } : undefined;
      if (fields['never'] === true) return '';
      return fits(6) ? 'Erased' : '';
    case 'json':
      return { replace: 'json' };
    case 'bytes':
      return { replace: 'bytes' };
    case 'uuid':
      return { replace: 'uuid' };
    case 'number':
      return unique ? undefined : { replace: 'number' };
    case 'date':
      return unique ? undefined : '1900-01-01';
    default:
      return undefined;
  }
}

/** What becomes of a table that no path leads to; null when there is nothing to say of it. */
function outside(
  known: Known,
  table: LiveTable,
): Because | { readonly reason: string; readonly write: string; readonly about?: string } | null {
  const { sampled, schema } = known;
  if (table.kind === 'foreign table')
    return {
      confidence: 'high',
      reason: 'a foreign table: its rows are on another server, and nothing here reads or erases them',
    };
  if (table.kind !== 'table' && table.kind !== 'partitioned') return null;
  if (table.extension !== null)
    return { confidence: 'high', reason: `belongs to the extension ${table.extension}` };
  const ruleOut = `in ignored: ${JSON.stringify(table.name)}: why it holds nothing of a person`;
  if (migrationTables.test(table.table))
    return { confidence: 'high', reason: 'the record of a migration tool' };
  const [parent] = table.inherits;
  if (parent !== undefined) {
    const own = [...table.columns.keys()].filter((each) => !schema.tables.get(parent)?.columns.has(each));
    return own.length === 0
      ? {
          confidence: 'high',
          reason: `its rows are read and erased as rows of ${parent}, which it inherits from`,
        }
      : {
          reason: `inherits from ${parent}, whose rows hold its own, and adds ${own.join(', ')}, which they don’t`,
          write: ruleOut,
        };
  }
  const guesses = guessesOf(known, table);
  const tells = guesses.filter(
    ([column, guess]) => (!isPlaced(guess) || isPersonal(guess)) && !isGenericName(column),
  );
  const secret = secretKey(known.guesses, table);
  if (secret !== null)
    return {
      reason: `its primary key ${secret} looks like a secret, and rows are named by their key`,
      write: `have the platform give it another key and draft again with --merge; or, if staff may see ${secret}, the collection by hand:\n${skeleton(known, table)}`,
    };
  if (table.primaryKey.length === 0)
    return tells.length === 0 && !isOfPeople(table)
      ? { confidence: 'high', reason: 'no column could hold anything of a person, and no row refers to one' }
      : {
          reason: 'has no primary key, so its rows can’t be told apart',
          write: `have the platform add a primary key and draft again with --merge, or ${ruleOut}`,
        };
  if (tells.length === 0 && !isOfPeople(table)) {
    const looked = sampled.counts.has(table.name) || guesses.every(([column]) => !isGenericName(column));
    const referred = [...schema.tables.values()].some((each) =>
      each.foreignKeys.some((key) => key.to === table.name),
    );
    if (looked || referred)
      return {
        confidence: 'high',
        reason: 'no column could hold anything of a person, and no row refers to one',
      };
  }
  const named = tells.slice(0, 5).map(([column]) => column);
  return {
    reason: `no path to ${known.subject.table.name} was found${named.length === 0 ? '' : `, and ${named.join(', ')}${tells.length > named.length ? ' and others' : ''} may hold something of a person`}`,
    write: skeleton(known, table),
  };
}

/** A collection to be completed by hand, as text for “write”. */
function skeleton(known: Known, table: LiveTable): string {
  const columns = guessesOf(known, table).map(([column, guess]) => {
    const fields = isPlaced(guess)
      ? [
          `category: ${guess.category}`,
          ...(guess.mask === undefined ? [] : [`mask: ${guess.mask}`]),
          ...(guess.never === undefined ? [] : ['never: true']),
        ]
      : [`category: ${guess.likely}`];
    return `    ${JSON.stringify(column)}: { ${fields.join(', ')} }`;
  });
  const [name = 'collection'] = [...collectionNames([table.name]).values()];
  return [
    `in ignored: ${JSON.stringify(table.name)}: why it holds nothing of a person; or in collections:`,
    `${name}:`,
    `  table: ${JSON.stringify(table.name)}`,
    `  title: ${JSON.stringify(titled(wordsOf(table.table)))}`,
    '  group: Other',
    '  subject: [{ column: …, of: …, key: … }]',
    `  order: [${orderOf(known, table)
      .map((each) => JSON.stringify(each))
      .join(', ')}]`,
    '  columns:',
    ...columns,
    '  erasure: { action: delete }',
  ].join('\n');
}

function subjectFields(
  known: Known,
  names: ReadonlyMap<string, string>,
  collections: ReadonlyMap<string, Drafting>,
): Draft['subject'] {
  const { subject, guesses } = known;
  const held = guessesOf(known, subject.table);
  const first = (category: string): string | undefined =>
    held.find(([, guess]) => isPlaced(guess) && guess.category === category && guess.never !== true)?.[0];
  const fullName =
    held.find(([column, guess]) => {
      const words = wordsOf(column);
      return (
        isPlaced(guess) &&
        guess.category === 'user.name' &&
        (words.length === 1 || ['full', 'display'].includes(words[0] ?? ''))
      );
    })?.[0] ??
    first('user.name') ??
    first('user.account.username');
  const email = emailOf(subject.table, guesses);
  const phone = first('user.contact.phone_number');
  const closed = timesOf(known, subject.table).find((each) => {
    const words = wordsOf(each);
    return ['closed', 'deactivated', 'terminated'].some((word) => words.includes(word));
  });
  const workspace = [...collections.values()].find((each) => {
    const shared = looksShared(known, each.table);
    return shared?.about !== null && shared?.about !== undefined;
  });
  const about = workspace === undefined ? null : looksShared(known, workspace.table)?.about;
  return {
    table: subject.table.name,
    confidence: subject.confidence,
    reason: `${subject.table.name} was taken for the people: ${subject.reason}`,
    fields: {
      collection: names.get(subject.table.name),
      key: oneOrMore(subject.key),
      ...(fullName === undefined ? {} : { name: fullName }),
      ...(email === null ? {} : { email }),
      ...(phone === undefined ? {} : { phone }),
      ...(closed === undefined ? {} : { closed }),
      ...(workspace === undefined || about === null || about === undefined
        ? {}
        : { workspaces: { collection: workspace.name, name: about } }),
    },
  };
}

const groups: readonly (readonly [string, readonly string[]])[] = [
  [
    'Billing',
    ['invoice', 'payment', 'order', 'bill', 'receipt', 'subscription', 'refund', 'card', 'cart', 'tax'],
  ],
  [
    'Messages',
    [
      'message',
      'email',
      'chat',
      'conversation',
      'ticket',
      'support',
      'comment',
      'notification',
      'contact',
      'campaign',
      'review',
    ],
  ],
  ['Files', ['file', 'media', 'attachment', 'upload', 'document', 'image', 'photo']],
  ['Usage', ['view', 'event', 'log', 'usage', 'visit', 'activity', 'click', 'api', 'metric', 'audit']],
  [
    'Account',
    [
      'session',
      'login',
      'token',
      'address',
      'profile',
      'device',
      'setting',
      'preference',
      'consent',
      'identity',
    ],
  ],
];

/** As the map writes a path; `of` is a collection. */
function pathFields({
  columns,
  of,
  keys,
}: {
  readonly columns: readonly string[];
  readonly of: string | null;
  readonly keys: readonly string[];
}): Readonly<Record<string, unknown>> {
  return {
    ...(columns.length === 1 ? { column: columns[0] } : { columns }),
    ...(of === null ? {} : { of, ...(keys.length === 1 ? { key: keys[0] } : { keys }) }),
  };
}

/** As the map writes columns: one by its name, several as a list. */
function oneOrMore(columns: readonly string[]): unknown {
  return columns.length === 1 ? columns[0] : columns;
}

function groupOf(drafting: Drafting): string {
  if (drafting.table === drafting.known.subject.table) return 'Account';
  const words = tableWords(drafting.table.table);
  return groups.find(([, named]) => named.some((each) => words.includes(each)))?.[0] ?? 'Other';
}

function finished(drafting: Drafting): DraftCollection {
  const { table, names, detach, erasure } = drafting;
  return {
    name: drafting.name,
    table: table.name,
    title: titled(wordsOf(table.table)) || drafting.name,
    group: groupOf(drafting),
    about: table.comment,
    subject: drafting.paths.map((path) => ({
      confidence: path.confidence,
      reason: path.reason,
      fields: {
        ...pathFields({
          columns: path.columns,
          of: path.of === null ? null : (names.get(path.of) ?? ''),
          keys: path.keys,
        }),
        ...(path.ignoreCase ? { ignoreCase: true } : {}),
      },
    })),
    order: drafting.order,
    columns: drafting.columns,
    rest: [
      ...(detach.length === 0
        ? []
        : [
            {
              field: 'detach',
              value: detach,
              confidence: 'medium' as const,
              reason: 'says who did it; the row is someone else’s',
            },
          ]),
      ...drafting.rest.map((each) =>
        each.field === 'shared'
          ? {
              ...each,
              value: {
                ...(each.value as Record<string, string>),
                by: names.get((each.value as { by: string }).by),
              },
            }
          : each,
      ),
      { field: 'erasure', value: erasure.value, confidence: erasure.confidence, reason: erasure.reason },
    ],
  };
}

/** What a draft says and leaves alone. */
function report(schema: LiveSchema): readonly string[] {
  const said: string[] = [];
  for (const table of schema.tables.values()) {
    if (table.kind === 'view') said.push(`view ${table.name}`);
    if (table.kind === 'materialised view')
      said.push(`materialised view ${table.name}: keeps what it copied until it is refreshed`);
    if (table.kind === 'foreign table')
      said.push(`foreign table ${table.name}: its rows are on another server`);
    for (const trigger of table.triggers)
      if (trigger.beforeDelete)
        said.push(`trigger ${trigger.name} on ${table.name}: runs before rows are deleted`);
    for (const key of table.foreignKeys)
      if (key.to === table.name)
        said.push(`foreign key ${key.name} of ${table.name} refers to the table itself`);
  }
  return said;
}
