import { Document } from 'yaml';
import { textOf } from '../draft/document.ts';
import { detachedPaths, isSubjectItself, sayPath } from '../explain/graph.ts';
import {
  firstKind,
  isCorrectable,
  kindsOf,
  type Collection,
  type DataMap,
  type SubjectPath,
} from '../map.ts';
import { printable } from '../mapText.ts';
import { tableParts } from '../quote.ts';

/** A Fides dataset file, and what it could not say. */
export interface FidesExport {
  readonly text: string;
  readonly notes: readonly string[];
}

interface Writing {
  readonly map: DataMap;
  /** fides_key of each schema. */
  readonly keys: ReadonlyMap<string, string>;
  /** What Fides can't say → where. */
  readonly lost: Map<string, string[]>;
}

interface Meta {
  [name: string]: unknown;
}

/** Writes a map as Fides datasets, one for each schema. */
export function exportFides(map: DataMap): FidesExport {
  const tables = [...Object.values(map.collections).map((held) => held.table), ...Object.keys(map.ignored)];
  const schemas = [...new Set(tables.flatMap((table) => tableParts(table)?.schema ?? []))];
  const writing: Writing = { map, keys: fidesKeys(schemas), lost: new Map() };
  for (const { table, column, about } of map.undecided ?? [])
    lose(writing, 'what is undecided', [table, column, about].filter((part) => part !== undefined).join('.'));
  for (const { subject } of kindsOf(map))
    if (subject.closed !== undefined)
      lose(writing, 'since when accounts are closed', `${subject.collection ?? ''}.${subject.closed}`);
  for (const { subject } of kindsOf(map).slice(1))
    lose(writing, 'whose rows are whose besides those of the first kind of people', subject.title);
  if (map.record !== undefined) lose(writing, 'what the record of processing says', 'record');
  const dataset = schemas.map((schema) => ({
    fides_key: writing.keys.get(schema),
    name: schema,
    description: map.policy,
    fides_meta: { namespace: { schema } },
    collections: [
      ...Object.entries(map.collections)
        .filter(([, held]) => tableParts(held.table)?.schema === schema)
        .map(([name, held]) => collectionOf(writing, name, held)),
      ...Object.entries(map.ignored)
        .filter(([table]) => tableParts(table)?.schema === schema)
        .map(([table, reason]) => ({
          name: tableParts(table)?.table,
          description: reason,
          fides_meta: { skip_processing: true },
          fields: [],
        })),
    ],
  }));
  for (const table of Object.keys(map.ignored))
    if (tableParts(table) === null) lose(writing, 'tables left out that are not spelt schema.table', table);
  const document = new Document({ dataset }, { aliasDuplicateObjects: false });
  const notes = [...writing.lost].map(
    ([what, where]) => `Fides can’t say ${what}: ${[...new Set(where)].map(printable).join(', ')}`,
  );
  document.commentBefore = [
    ' Written from a data map, whose paths it has as references; what Fides can’t say is left out:',
    ...notes.map((note) => ` ${note}`),
  ].join('\n');
  return { text: textOf(document), notes };
}

function lose({ lost }: Writing, what: string, where: string): void {
  lost.set(what, [...(lost.get(what) ?? []), where]);
}

/** Keys of the form that Fides allows, each once. */
function fidesKeys(schemas: readonly string[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const schema of schemas) {
    const plain = schema.replaceAll(/[^A-Za-z0-9_-]+/g, '_') || 'schema';
    let key = plain;
    for (let place = 2; [...keys.values()].includes(key); place++) key = `${plain}_${place}`;
    keys.set(schema, key);
  }
  return keys;
}

function collectionOf(writing: Writing, name: string, held: Collection): object {
  const { map } = writing;
  const table = tableParts(held.table)?.table ?? '';
  const { kind, subject } = firstKind(map);
  // Rows that are none of the first kind's are described, and nothing is said of their erasure.
  const erasure = Object.hasOwn(held.erasure, kind) ? held.erasure[kind] : undefined;
  const meta: Meta = {};
  if (erasure?.action === 'delete') meta['masking_strategy_override'] = { strategy: 'delete' };
  if (erasure?.action === 'delete' && erasure.whenReferenced !== undefined)
    lose(writing, 'that rows which others name are overwritten instead of deleted', name);
  if (erasure?.action === 'delete' && erasure.unlessReferenced === true)
    lose(writing, 'that rows which others name stay', name);
  if (erasure?.action === 'keep')
    lose(writing, 'the ground and the years for which rows are kept (its fields are read_only)', name);
  if (name !== table) lose(writing, 'a name beside the table’s', name);
  if (held.group !== '') lose(writing, 'groups', name);
  lose(writing, 'the order of pages', name);
  for (const [field, what] of [
    ['purpose', 'purposes'],
    ['people', 'whom rows are about'],
    ['recipients', 'recipients'],
    ['origin', 'where data come from'],
    ['created', 'when rows came to be'],
    ['series', 'charts'],
    ['object', 'objects in R2'],
    ['objectPrefix', 'prefixes in R2'],
    ['shared', 'who decides about rows that people share'],
    ['updatedAt', 'the column that tells when a row was changed'],
  ] as const)
    if (held[field] !== undefined) lose(writing, what, name);
  if (Object.keys(held.actions).length > 0) lose(writing, 'what staff may do to a row', name);
  if (Object.keys(held.expiry).length > 0) lose(writing, 'the rules by which rows expire', name);
  for (const path of detachedPaths(map, held))
    lose(writing, 'columns that are set to null in rows that stay', `${name}.${path.columns.join('+')}`);
  return {
    name: table,
    description: held.title,
    ...(held.retention === undefined ? {} : { retention: held.retention }),
    ...(Object.keys(meta).length === 0 ? {} : { fides_meta: meta }),
    fields: Object.entries(held.columns).map(([column, mapped]) => {
      const own = fieldMeta(writing, name, held, column);
      const whose = `${name}.${column}`;
      if (mapped.never) lose(writing, 'that a column is never shown', whose);
      if (mapped.paths !== undefined) lose(writing, 'what is said of values inside a document', whose);
      if (mapped.mask !== undefined) lose(writing, 'how a column is masked', whose);
      if (isCorrectable(mapped)) lose(writing, 'that a column may be corrected', whose);
      if (mapped.search.length > 0) lose(writing, 'how people are found by a column', whose);
      if (mapped.epoch !== undefined) lose(writing, 'that a number is a time', whose);
      if (mapped.origin !== undefined) lose(writing, 'where data come from', whose);
      if (mapped.thirdParty !== undefined)
        lose(writing, 'that a value is about somebody else than the person', whose);
      return {
        name: column,
        ...(mapped.title === undefined ? {} : { description: mapped.title }),
        data_categories: [mapped.category],
        ...(Object.keys(own).length === 0 ? {} : { fides_meta: own }),
      };
    }),
  };
  function fieldMeta(to: Writing, of: string, collection: Collection, column: string): Meta {
    const made: Meta = {};
    if (subject.collection === of) {
      if (subject.key.includes(column)) made['primary_key'] = true;
      if (subject.email === column) made['identity'] = 'email';
      if (subject.phone === column) made['identity'] = 'phone_number';
    }
    const references = collection.subject.flatMap((path, place) =>
      path.kind === kind && path.columns[0] === column && !isSubjectItself(map, of, path)
        ? referenceOf(to, of, path, place + 1)
        : [],
    );
    if (references.length > 0) made['references'] = references;
    if (erasure?.action === 'keep' || erasure?.action === 'none') made['read_only'] = true;
    if (erasure?.action === 'anonymise' && Object.hasOwn(erasure.set, column)) {
      const value = erasure.set[column] ?? null;
      if (value === null) made['masking_strategy_override'] = { strategy: 'null_rewrite' };
      else if (typeof value !== 'string' || value === 'now' || value.includes('{reference}'))
        lose(to, 'what a column is overwritten with', `${of}.${column}`);
      else
        made['masking_strategy_override'] = {
          strategy: 'string_rewrite',
          configuration: { rewrite_value: value },
        };
    }
    return made;
  }
}

/** A path as a reference: the rows are reached from the field it names. */
function referenceOf(writing: Writing, name: string, path: SubjectPath, number: number): readonly object[] {
  const { map } = writing;
  const { subject } = firstKind(map);
  const parent = path.of ?? subject.collection;
  const keys = path.of === undefined ? subject.key : path.keys;
  const [key] = keys;
  const held = parent === null ? undefined : map.collections[parent];
  const where = `${name} path ${number} (${sayPath(map, path)})`;
  if (held === undefined || key === undefined || keys.length > 1 || path.columns.length > 1) {
    lose(writing, 'a path over several columns, or to people without a table', where);
    return [];
  }
  const { schema, table } = tableParts(held.table) ?? { schema: '', table: '' };
  if ([table, key].some((part) => part.includes('.'))) {
    lose(writing, 'a reference to a name with a dot in it', where);
    return [];
  }
  if (path.ignoreCase) lose(writing, 'that a path goes without regard to case', where);
  return [{ dataset: writing.keys.get(schema), field: `${table}.${key}`, direction: 'from' }];
}
