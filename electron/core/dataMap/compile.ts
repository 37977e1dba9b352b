import { createHash } from 'node:crypto';
import type { MappedCollection, MappedSubject } from '#shared/contract/dataMap.ts';
import { checkAgainstCatalogue, type Catalogue, type CatalogueColumn } from './catalogue.ts';
import {
  compileErasureReading,
  compileErasureReadingByKind,
  compileErasureWriting,
  compileErasureWritingByKind,
  readerRights,
  writerRights,
} from './compileErasure.ts';
import {
  compileCorrectionReading,
  compileCorrectionReadingByKind,
  compileCorrectionWriting,
  compileCorrectionWritingByKind,
  correctablesOf,
  correctionRights,
  refuseUnfitCorrections,
} from './compileCorrection.ts';
import { compileBucketNamed, compileBucketNames } from './compileBucket.ts';
import { compileRowStands } from './compileHolds.ts';
import { compileJson } from './compileJson.ts';
import { compileLookAgain } from './compileLookAgain.ts';
import { compilePeople } from './compilePeople.ts';
import {
  compileAcross,
  compileCollection,
  compileHeld,
  compileReveal,
  namesSubject,
  timeColumn,
  lineWithout,
} from './compileReading.ts';
import {
  compileRetentionReading,
  compileRetentionWriting,
  expiryRows,
  keptRows,
  refuseUnfitExpiry,
  retentionFunctions,
  retentionReaderRights,
  retentionRights,
} from './compileRetention.ts';
import { compileSearch, searchTargets } from './compileSearch.ts';
import {
  isThirdParty,
  canonicalMap,
  firstKind,
  kindsOf,
  mapHash,
  refuseUndecided,
  type Collection,
  type DataMap,
  type ErasureAction,
} from './map.ts';
import { migrations } from '../database/migrations/index.ts';
import { collectionNamed, columnOf, isBase } from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, tableParts } from './quote.ts';
import { refuseUnfitReplacements } from './replacements.ts';
import { dollarQuoted } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';

/** What an install runs for a map: SQL of each owner, and the rights they need on the platform's tables. */
export interface CompiledMap {
  readonly hash: string;
  /** Run as the reader. */
  readonly reading: string;
  /** Run as the writer. */
  readonly writing: string;
  /** Grants on the platform's tables, run by the administrator. */
  readonly grants: string;
  /** Records the map and its columns; run as the trail's owner. */
  readonly record: string;
  /** What the grants come to, in words. */
  readonly rights: readonly string[];
}

/** Functions are PUBLIC's until that is taken back; an owner can take it back of its own only. */
const revokeOwnFunctions = `do $body$
declare
  each record;
begin
  for each in
    select p.oid::regprocedure as function from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'privacy_console' and p.proowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)
  loop
    execute format('revoke all on function %s from public', each.function);
  end loop;
end
$body$;`;

/**
 * Compiles the map for the live database.
 * @throws ExpectedError `schema_drift` naming what the map and the database don't share; `refused` for a map
 * that leaves something undecided
 */
export function compileMap(map: DataMap, catalogue: Catalogue): CompiledMap {
  refuseUndecided(map);
  checkAgainstCatalogue(map, catalogue);
  refuseUnfitReplacements(map, catalogue);
  refuseUnfitCorrections(map, catalogue);
  refuseUnfitExpiry(map, catalogue);
  const names = Object.keys(map.collections);
  const hash = mapHash(map);
  const readerColumns = (held: Collection): readonly string[] =>
    Object.entries(held.columns)
      .filter(([, mapped]) => !mapped.never)
      .map(([name]) => name);
  refuseTakenNames(map);
  const grants: string[] = [];
  const rights: string[] = [];
  const kinds = kindsOf(map);
  const writer = allWriterRights(map, catalogue);
  const alsoRead = joinReaderRights([
    ...kinds.map((each) => readerRights(each, catalogue)),
    retentionReaderRights(map, catalogue),
  ]);
  const schemas = [
    ...new Set(
      [...names.map((name) => collectionNamed(map, name).table), ...writer.keys(), ...alsoRead.keys()].map(
        (table) => tableParts(table)?.schema ?? '',
      ),
    ),
  ];
  for (const schema of schemas) {
    grants.push(
      `do ${dollarQuoted(` begin
  if not pg_catalog.has_schema_privilege('privacy_console_reader', ${quoteLiteral(schema)}, 'usage') then
    grant usage on schema ${quoteIdentifier(schema)} to privacy_console_reader, privacy_console_writer;
  end if; end `)};`,
    );
    rights.push(`usage of schema ${schema}`);
  }
  for (const name of names) {
    const held = collectionNamed(map, name);
    const columns = readerColumns(held);
    grants.push(
      `grant select (${columns.map(quoteIdentifier).join(', ')}) on ${quoteTable(held.table)} to privacy_console_reader;`,
    );
    rights.push(`reader: select on ${columns.length} columns of ${held.table}`);
  }
  for (const [table, columns] of alsoRead) {
    grants.push(
      `grant select (${columns.map(quoteIdentifier).join(', ')}) on ${quoteTable(table)} to privacy_console_reader;`,
    );
    rights.push(
      `reader: select on ${columns.join(', ')} of ${table}, to see what its rows refer to and where they lie`,
    );
  }
  for (const [table, right] of writer) {
    if (right.select.length > 0)
      grants.push(
        `grant select (${right.select.map(quoteIdentifier).join(', ')}) on ${quoteTable(table)} to privacy_console_writer;`,
      );
    if (right.update.length > 0) {
      grants.push(
        `grant update (${right.update.map(quoteIdentifier).join(', ')}) on ${quoteTable(table)} to privacy_console_writer;`,
      );
      rights.push(`writer: update of ${right.update.join(', ')} in ${table}`);
    }
    if (right.delete) {
      grants.push(`grant delete on ${quoteTable(table)} to privacy_console_writer;`);
      rights.push(`writer: delete from ${table}`);
    }
  }
  const trigram = searchTargets(map).length > 0 && catalogue.trigramSchema !== null;
  const readerFunctions = (verbs: readonly string[], further: readonly string[] = []): string =>
    [
      ...kinds.flatMap((kind) =>
        Object.entries(kind.collections).flatMap(([name, held]) =>
          verbs
            .filter((verb) => verb !== 'series' || held.series !== undefined)
            .map((verb) => `${verb}_${name}${kind.suffix}`),
        ),
      ),
      ...kinds.flatMap((kind) => further.map((name) => `${name}${kind.suffix}`)),
    ]
      .map((name) => `privacy_console.${name}`)
      .join(', ');
  const views = kinds.flatMap((kind) =>
    Object.keys(kind.collections).map(
      (name) => `privacy_console.${quoteIdentifier(`${name}${kind.suffix}`)}`,
    ),
  );
  const reading = [
    // Loads the library, without which its setting can't be pinned.
    trigram
      ? `do $body$ begin perform ${quoteIdentifier(catalogue.trigramSchema ?? '')}.similarity('a', 'b'); end $body$;`
      : '',
    compileJson(map, 'reading'),
    lineWithout,
    ...kinds.flatMap((kind) => [
      ...Object.keys(kind.collections).map((name) => compileCollection(kind, catalogue, name)),
      compileAcross(kind, catalogue),
      compileErasureReading(kind, catalogue),
      compileCorrectionReading(kind, catalogue),
    ]),
    compileReveal(kinds),
    compileHeld(kinds),
    compileSearch(kinds, catalogue),
    compileErasureReadingByKind(kinds),
    compileCorrectionReadingByKind(kinds),
    compileRowStands(kinds, catalogue),
    compileLookAgain(kinds, catalogue),
    compilePeople(kinds, catalogue),
    compileBucketNames(map, catalogue),
    compileBucketNamed(map, catalogue),
    compileRetentionReading(map, catalogue),
    revokeOwnFunctions,
    `grant select on ${views.join(', ')} to privacy_viewer, privacy_operator;`,
    `grant execute on function ${readerFunctions(['read', 'page', 'count', 'reached', 'paths', 'series'], ['object_rows', 'object_prefixes'])}, privacy_console.run_search, privacy_console.show_reveal to privacy_viewer, privacy_operator;`,
    `grant execute on function ${readerFunctions(['rows', 'part', 'review'])} to privacy_operator;`,
    'grant execute on function privacy_console.bucket_names to privacy_auditor, privacy_admin;',
    'grant execute on function privacy_console.erasure_scope, privacy_console.shared_rows, privacy_console.shared_left, privacy_console.rows_to_erase, privacy_console.objects_to_erase, privacy_console.identifiers_of, privacy_console.look_again, privacy_console.look_for_many, privacy_console.people_parts, privacy_console.people_among, privacy_console.people_by, privacy_console.closed_among, privacy_console.closed_of, privacy_console.bucket_named, privacy_console.refuse_unheld_row, privacy_console.refuse_unheld_object, privacy_console.held_parts, privacy_console.held_rows, privacy_console.held_objects, privacy_console.row_stands, privacy_console.value_places, privacy_console.value_elsewhere, privacy_console.kept_parts, privacy_console.expiry_periods, privacy_console.expiry_count, privacy_console.object_ages, privacy_console.rows_kept, privacy_console.kept_due to privacy_console_trail;',
  ].join('\n');
  const writing = [
    compileJson(map, 'writing'),
    ...kinds.map((kind) => compileErasureWriting(kind, catalogue)),
    ...kinds.map((kind) => compileCorrectionWriting(kind, catalogue)),
    compileErasureWritingByKind(kinds),
    compileCorrectionWritingByKind(kinds),
    compileRetentionWriting(map, catalogue),
    revokeOwnFunctions,
    'grant execute on function privacy_console.erase_rows, privacy_console.hand_over, privacy_console.anonymise_shared, privacy_console.act_on_row, privacy_console.write_value, privacy_console.expire_rows, privacy_console.release_rows to privacy_console_trail;',
  ].join('\n');
  const columnRows = names.flatMap((name) => {
    const held = collectionNamed(map, name);
    const { schema, table } = tableParts(held.table) ?? { schema: '', table: '' };
    return Object.entries(held.columns).map(([column, mapped]) => {
      const { type } = columnOf(catalogue, held, column);
      return `(${[name, schema, table, column, type].map(quoteLiteral).join(', ')}, ${mapped.mask !== undefined || mapped.paths !== undefined}, ${mapped.never})`;
    });
  });
  const kindRows = kinds.map(
    ({ kind, subject }) =>
      `(${[kind, subject.title].map(quoteLiteral).join(', ')}, ${subject.controller === null ? 'null' : quoteLiteral(subject.controller)}, ${subject.value !== null})`,
  );
  const kindColumns = kinds.flatMap((kind) =>
    Object.keys(kind.collections).map((name) => `(${quoteLiteral(kind.kind)}, ${quoteLiteral(name)})`),
  );
  const correctable = kinds.flatMap((kind) =>
    Object.keys(kind.collections).flatMap((name) =>
      correctablesOf(kind, catalogue, name).map(
        ({ column, format, identity, nullable }) =>
          `(${[kind.kind, name, column, format].map(quoteLiteral).join(', ')}, ${identity}, ${nullable})`,
      ),
    ),
  );
  const tasks = Object.entries(map.tasks ?? {}).flatMap(([name, { title, owner, when, kinds: asked }]) =>
    (asked ?? [firstKind(map).kind]).map(
      (kind) => `(${[kind, name, title, owner, when].map(quoteLiteral).join(', ')})`,
    ),
  );
  const expiry = expiryRows(map, catalogue);
  const kept = keptRows(map, catalogue);
  const ignored = Object.entries(map.ignored).map(([table, reason]) => {
    const { schema, table: name } = tableParts(table) ?? { schema: '', table };
    return `(${[schema, name, reason].map(quoteLiteral).join(', ')})`;
  });
  const record = [
    'delete from privacy_console.mapped_column;',
    'delete from privacy_console.mapped_table;',
    'delete from privacy_console.ignored_table;',
    // By another map other rows name objects.
    'delete from privacy_console.bucket_beginning where named;',
    'delete from privacy_console.map_task;',
    'delete from privacy_console.correctable;',
    'delete from privacy_console.expiry_rule;',
    'delete from privacy_console.kept_rule;',
    'delete from privacy_console.kind_collection;',
    'delete from privacy_console.subject_kind;',
    `insert into privacy_console.subject_kind (kind, title, controller, by_value) values\n${kindRows.join(',\n')};`,
    `insert into privacy_console.kind_collection (kind, collection) values\n${kindColumns.join(',\n')};`,
    `insert into privacy_console.mapped_column (collection, schema_name, table_name, column_name, type, masked, never) values\n${columnRows.join(',\n')};`,
    `insert into privacy_console.mapped_table select distinct m.schema_name, m.table_name, c.oid::regclass from privacy_console.mapped_column m
  join pg_catalog.pg_namespace n on n.nspname = m.schema_name join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = m.table_name;`,
    correctable.length === 0
      ? ''
      : `insert into privacy_console.correctable (kind, collection, column_name, format, identity, nullable) values\n${correctable.join(',\n')};`,
    expiry.length === 0 ? '' : `insert into privacy_console.expiry_rule values\n${expiry.join(',\n')};`,
    kept.length === 0 ? '' : `insert into privacy_console.kept_rule values\n${kept.join(',\n')};`,
    tasks.length === 0 ? '' : `insert into privacy_console.map_task values\n${tasks.join(',\n')};`,
    ignored.length === 0 ? '' : `insert into privacy_console.ignored_table values\n${ignored.join(',\n')};`,
    'update privacy_console.data_map set current = false where current;',
    `insert into privacy_console.data_map (hash, text, described, current) values (${quoteLiteral(hash)}, ${quoteLiteral(canonicalMap(map))}, ${quoteLiteral(JSON.stringify(describe(map, catalogue)))}, true)
  on conflict (hash) do update set current = true, described = excluded.described, installed_at = clock_timestamp();`,
  ].join('\n');
  return { hash, reading, writing, grants: grants.join('\n'), record, rights };
}

export type WriterRights = ReturnType<typeof writerRights>;

/** The writer's rights on each table, for whichever kind of subject needs them. */
export function allWriterRights(map: DataMap, catalogue: Catalogue): WriterRights {
  const joint = (one: readonly string[] = [], other: readonly string[]): readonly string[] => [
    ...new Set([...one, ...other]),
  ];
  const rights = new Map<string, WriterRights extends ReadonlyMap<string, infer Right> ? Right : never>();
  for (const [table, right] of [
    ...kindsOf(map).flatMap((kind) => [
      ...writerRights(kind, catalogue),
      ...correctionRights(kind, catalogue),
    ]),
    ...retentionRights(map, catalogue),
  ]) {
    const known = rights.get(table);
    rights.set(table, {
      select: joint(known?.select, right.select),
      update: joint(known?.update, right.update),
      delete: known?.delete === true || right.delete,
    });
  }
  return rights;
}

function joinReaderRights(
  all: readonly ReadonlyMap<string, readonly string[]>[],
): ReadonlyMap<string, readonly string[]> {
  const rights = new Map<string, readonly string[]>();
  for (const [table, columns] of all.flatMap((each) => [...each]))
    rights.set(table, [...new Set([...(rights.get(table) ?? []), ...columns])]);
  return rights;
}

/**
 * Refuses what {@link compileMap} would, and holds one text at a time: an install's are tens of megabytes for hundreds of tables.
 * @throws ExpectedError as compileMap does
 */
export function refuseUncompilable(map: DataMap, catalogue: Catalogue): void {
  refuseUndecided(map);
  checkAgainstCatalogue(map, catalogue);
  refuseUnfitReplacements(map, catalogue);
  refuseUnfitCorrections(map, catalogue);
  refuseUnfitExpiry(map, catalogue);
  refuseTakenNames(map);
  const kinds = kindsOf(map);
  for (const kind of kinds) {
    for (const name of Object.keys(kind.collections)) compileCollection(kind, catalogue, name);
    compileErasureReading(kind, catalogue);
  }
  compileSearch(kinds, catalogue);
  compileLookAgain(kinds, catalogue);
}

/** Names that what we install has already, of a kind told by how it is created. */
function takenNames(created: RegExp): ReadonlySet<string> {
  return new Set(
    migrations.flatMap(({ parts }) =>
      parts.flatMap((part) => [...part.sql.matchAll(created)].map(([, name]) => name ?? '')),
    ),
  );
}

/** A collection becomes a view and functions beside those of the console. */
function refuseTakenNames(map: DataMap): void {
  const relations = takenNames(/create (?:table privacy_console\.|(?:unique )?index )(\w+)/g);
  const functions = takenNames(/create function privacy_console\.(\w+)/g);
  const across = [
    'rows_to_erase',
    'identifiers_of',
    'look_again',
    'look_for_many',
    'people_parts',
    'people_among',
    'people_by',
    'closed_among',
    'closed_of',
    'object_rows',
    'object_prefixes',
    'bucket_names',
    'bucket_named',
    'line_without',
    'refuse_unheld_row',
    'refuse_unheld_object',
    'holds_object',
    'held_parts',
    'held_rows',
    'held_objects',
    'row_stands',
    'value_places',
    'value_elsewhere',
    'write_value',
    'run_search',
    'show_reveal',
    ...retentionFunctions,
  ];
  const verbs = ['read', 'page', 'count', 'reached', 'paths', 'rows', 'part', 'review', 'cell', 'series'];
  for (const name of Object.keys(map.collections)) {
    const own = verbs.map((verb) => `${verb}_${name}`);
    if (relations.has(name) || own.some((each) => functions.has(each) || across.includes(each)))
      throw new ExpectedError(
        'invalid_input',
        `The collection ${name} has a name that the console uses itself; call it otherwise, e.g. platform_${name}.`,
      );
  }
}

/** What the console needs to know of the map. */
export interface DescribedMap {
  readonly subjects: readonly MappedSubject[];
  readonly collections: readonly MappedCollection[];
}

export function describe(map: DataMap, catalogue: Catalogue): DescribedMap {
  return {
    subjects: kindsOf(map).map(({ kind, suffix, subject }) => ({
      kind,
      title: subject.title,
      controller: subject.controller,
      collection: subject.collection,
      suffix,
    })),
    collections: describeCollections(map, catalogue),
  };
}

function describeCollections(map: DataMap, catalogue: Catalogue): readonly MappedCollection[] {
  return Object.entries(map.collections).map(([name, held]) => ({
    name,
    table: held.table,
    title: held.title,
    group: held.group,
    columns: Object.entries(held.columns)
      .filter(([, mapped]) => !mapped.never)
      .map(([column, mapped]) => ({
        name: column,
        title: mapped.title ?? titleOf(column),
        category: mapped.category,
        kind: mapped.epoch === undefined ? kindOf(columnOf(catalogue, held, column)) : 'time',
        mask: mapped.mask ?? (mapped.paths === undefined ? null : 'paths'),
        paths: Object.entries(mapped.paths ?? {}).map(([path, inner]) => ({
          path,
          category: inner.category,
          mask: inner.mask ?? null,
          never: inner.never,
        })),
        others: mapped.paths === undefined ? null : (mapped.others ?? 'masked'),
        correct: describeCorrection(map, catalogue, name, column),
        origin: mapped.origin ?? held.origin ?? 'observed',
        thirdParty: Object.keys(held.erasure).filter((kind) => isThirdParty(mapped, kind)),
        ownToo: kindsOf(map).flatMap(({ kind, collections }) => {
          const mine = collections[name];
          return mine !== undefined && namesSubject(mine, column) ? [kind] : [];
        }),
      })),
    origin: held.origin ?? 'observed',
    timeColumn: timeColumn(catalogue, held),
    never: Object.entries(held.columns)
      .filter(([, mapped]) => mapped.never)
      .map(([column]) => column),
    series:
      held.series === undefined ? null : { value: held.series.value ?? 'rows', by: held.series.by ?? null },
    objectPrefix: held.objectPrefix ?? null,
    kinds: Object.keys(held.erasure),
    ...describeErasure(firstErasure(map, held)),
    actions: Object.entries(held.actions).map(([action, what]) => ({ name: action, title: what.title })),
  }));
}

/** How staff may correct a column, for the kinds of people for whom it isn't about somebody else. */
function describeCorrection(
  map: DataMap,
  catalogue: Catalogue,
  name: string,
  column: string,
): MappedCollection['columns'][number]['correct'] {
  const kinds = kindsOf(map).filter((kind) => Object.hasOwn(kind.collections, name));
  const found = kinds.flatMap((kind) =>
    correctablesOf(kind, catalogue, name).filter((each) => each.column === column),
  );
  const [first] = found;
  if (first === undefined) return null;
  const { format, identity, nullable, most, copies } = first;
  return { format, identity, nullable, most, copies: [...copies] };
}

/** What erasure does for the first of the kinds whose rows are there. */
function firstErasure(map: DataMap, held: Collection): ErasureAction {
  const [first] = Object.keys(map.subjects).flatMap((kind) => held.erasure[kind] ?? []);
  if (first === undefined) throw new Error('unchecked map: a collection without erasure');
  return first;
}

function describeErasure(does: ErasureAction): Pick<MappedCollection, 'erasure' | 'keptBecause'> {
  return {
    erasure: does.action,
    keptBecause: does.action === 'keep' ? `${does.ground}; ${does.years} years` : null,
  };
}

/** What a column without a title is called, e.g. `created_at` “Created at”. */
export function titleOf(column: string): string {
  const words = column.replaceAll('_', ' ').replaceAll(/\bid\b/g, 'ID');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function kindOf(column: CatalogueColumn): MappedCollection['columns'][number]['kind'] {
  if (column.typeKind === 'a') return 'list';
  if (column.type.startsWith('timestamp')) return 'time';
  if (column.type === 'date') return 'date';
  if (['smallint', 'integer', 'bigint'].includes(column.type)) return 'integer';
  if (column.type.startsWith('numeric') || ['real', 'double precision'].includes(column.type))
    return 'number';
  if (column.type === 'boolean') return 'boolean';
  if (column.type === 'json' || column.type === 'jsonb') return 'json';
  if (column.type === 'bytea') return 'bytes';
  return 'text';
}

/** An index that search or paging profits from; made by an administrator, never by an install. */
export interface ProfitableIndex {
  readonly name: string;
  readonly table: string;
  readonly purpose: string;
  /** Run one after the other, each by itself: none of them holds up the platform. */
  readonly statements: readonly string[];
}

/** Name of an index of ours; what doesn't fit into 63 bytes is told by its hash. */
function indexName(table: string, what: string): string {
  const name = `privacy_console_${table}_${what}`;
  // The reference platform's are ASCII and as they always were.
  if (Buffer.byteLength(name) <= 63) return name;
  return `privacy_console_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

/**
 * Statements that build an index beside the platform's work. Of a partitioned
 * table that is only possible partition by partition; later partitions get it by themselves.
 */
function indexStatements(
  catalogue: Catalogue,
  table: string,
  what: string,
  using: string,
): readonly string[] {
  const { schema, table: bare } = tableParts(table) ?? { schema: '', table };
  const name = quoteIdentifier(indexName(bare, what));
  const parts = catalogue.descents.filter((each) => each.parent === table && each.partition);
  if (parts.length === 0)
    return [`create index concurrently if not exists ${name} on ${quoteTable(table)} ${using}`];
  return [
    `create index if not exists ${name} on only ${quoteTable(table)} ${using}`,
    ...parts.flatMap((part) => {
      const of = tableParts(part.table) ?? { schema: '', table: part.table };
      return [
        ...indexStatements(catalogue, part.table, what, using),
        `alter index ${quoteIdentifier(schema)}.${name} attach partition ${quoteIdentifier(of.schema)}.${quoteIdentifier(indexName(of.table, what))}`,
      ];
    }),
  ];
}

/** The indexes that the map's searches and pages would use and the database may lack. */
export function profitableIndexes(map: DataMap, catalogue: Catalogue): readonly ProfitableIndex[] {
  const wanted: ProfitableIndex[] = [];
  const { trigramSchema } = catalogue;
  const named = (table: string, what: string): string => indexName(tableParts(table)?.table ?? '', what);
  const searched = new Map<string, { collection: string; column: string }>();
  for (const target of searchTargets(map)) {
    // Without pg_trgm only whole values are looked for.
    if (trigramSchema === null ? ['exact', 'digits'].includes(target.form) : target.form !== 'identifier')
      searched.set(`${target.collection}.${target.column}`, target);
  }
  for (const { collection, column } of searched.values()) {
    const held = collectionNamed(map, collection);
    const live = columnOf(catalogue, held, column);
    const plain = isBase(live) && live.type === 'text';
    const expression = plain ? quoteIdentifier(column) : `(${quoteIdentifier(column)}::text)`;
    const ownOperator = !isBase(live) && live.typeKind !== 'd';
    const isLed = (catalogue.indexes.get(held.table) ?? []).some(([first]) => first === column);
    if (trigramSchema === null && (plain || ownOperator) && isLed) continue;
    const name = named(held.table, `${column}_search`);
    wanted.push({
      name,
      table: held.table,
      purpose: `search by ${column}`,
      statements: indexStatements(
        catalogue,
        held.table,
        `${column}_search`,
        trigramSchema === null
          ? `(${ownOperator ? quoteIdentifier(column) : expression})`
          : `using gin (${expression} ${quoteIdentifier(trigramSchema)}.gin_trgm_ops)`,
      ),
    });
  }
  for (const [, held] of Object.entries(map.collections)) {
    const indexes = catalogue.indexes.get(held.table) ?? [];
    for (const path of held.subject) {
      if (path.ignoreCase) {
        const [column = ''] = path.columns;
        const name = named(held.table, `${column}_lower`);
        wanted.push({
          name,
          table: held.table,
          purpose: `finding rows by ${column}`,
          statements: indexStatements(
            catalogue,
            held.table,
            `${column}_lower`,
            `(lower(${quoteIdentifier(column)}::text))`,
          ),
        });
        continue;
      }
      const together = path.columns.join('_');
      if (
        indexes.some((index) =>
          path.columns.every((column) => index.slice(0, path.columns.length).includes(column)),
        )
      )
        continue;
      const name = named(held.table, `${together}_page`);
      wanted.push({
        name,
        table: held.table,
        purpose: `pages by ${path.columns.join(', ')}`,
        statements: indexStatements(
          catalogue,
          held.table,
          `${together}_page`,
          `(${[...new Set([...path.columns, ...held.order])].map(quoteIdentifier).join(', ')})`,
        ),
      });
    }
  }
  return wanted;
}
