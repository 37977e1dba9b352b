import { ExpectedError } from '#core/kernel/errors.ts';
import type { Draft, DraftCollection, DraftColumn } from '../draft/draftMap.ts';
import { draftText } from '../draft/document.ts';
import { collectionNames } from '../draft/names.ts';
import { titled, wordsOf } from '../draft/words.ts';
import { parseMap, type MaskName, type Undecided } from '../map.ts';
import { printable, type Place } from '../mapText.ts';
import { tableName, tableParts } from '../quote.ts';
import {
  openDatasets,
  refuseTwins,
  type FidesCollection,
  type FidesField,
  type FidesFieldMeta,
  type FidesFile,
  type FidesReference,
  type OpenedDataset,
} from './format.ts';

/** What an import came to. */
export interface FidesImport {
  /** The map, as YAML. */
  readonly text: string;
  readonly subject: string;
  readonly collections: number;
  readonly columns: number;
  readonly ignored: number;
  /** What could not be carried over, and what was chosen where Fides says nothing. */
  readonly notes: readonly string[];
  readonly undecided: readonly Undecided[];
}

/** A table that a dataset describes. */
interface Table {
  readonly opened: OpenedDataset;
  readonly place: Place;
  readonly held: FidesCollection;
  /** As the map spells it. */
  readonly table: string;
}

/** A reference, from the rows that are known to the rows they lead to; without a direction `parent` is the one that states it. */
interface Edge {
  readonly parent: Table;
  readonly key: string;
  readonly child: Table;
  readonly column: string;
  readonly directed: boolean;
}

interface Import {
  readonly tables: readonly Table[];
  readonly notes: string[];
  readonly undecided: Undecided[];
}

const high = (reason: string): { confidence: 'high'; reason: string } => ({ confidence: 'high', reason });
const low = (reason: string): { confidence: 'low'; reason: string } => ({ confidence: 'low', reason });

/**
 * Reads Fides dataset files into a map.
 * @param schema schema of tables whose dataset names none
 * @throws ExpectedError `invalid_input` with file, line, column and what to write instead
 */
export function importFides(files: readonly FidesFile[], schema: string): FidesImport {
  const opened = files.flatMap(openDatasets);
  refuseTwins(opened);
  const reading: Import = {
    tables: opened.flatMap((each) => tablesOf(each, schema)),
    notes: [],
    undecided: [],
  };
  const { tables, notes, undecided } = reading;
  const twin = tables.find((one, place) => tables.findIndex((other) => other.table === one.table) !== place);
  if (twin !== undefined)
    throw twin.opened.places.wrong(
      [...twin.place, 'name'],
      `the table ${twin.table} is described twice; join the two collections, or write fides_meta: { namespace: { schema: NAME } } in one of the datasets`,
    );
  for (const each of opened) noteDataset(reading, each);
  const skipped = tables.filter((each) => metaOf(each.held)?.skip_processing === true);
  const open = tables.filter((each) => !skipped.includes(each));
  const edges = edgesOf(reading, open);
  const subject = subjectOf(reading, open, edges);
  const { outward, reached } = walk(reading, open, edges, subject);
  const names = collectionNames([...reached].map((each) => each.table));
  const nameOf = (table: Table): string => names.get(table.table) ?? '';
  for (const each of open.filter((one) => !reached.has(one)))
    undecided.push({
      table: each.table,
      reason: 'no reference and no identity leads to it from the subject',
      write: `a collection with its path under “collections”, or under “ignored”: { ${JSON.stringify(each.table)}: why }`,
    });
  const collections = [...reached].flatMap((each): DraftCollection[] => {
    const drafted = draftTable(reading, each, { subject, outward, nameOf });
    return drafted === null ? [] : [drafted];
  });
  noteTypes(reading);
  const draft: Omit<Draft, 'schema'> = {
    subject: {
      ...(subject.certain ? high : low)(`${printable(subject.table.held.name)} holds the identity`),
      table: subject.table.table,
      fields: {
        collection: nameOf(subject.table),
        key: subject.key,
        ...subject.shown,
      },
    },
    collections,
    ignored: skipped.map((each) => ({
      ...high('skip_processing'),
      table: each.table,
      reason: each.held.description ?? `skipped in the dataset ${each.opened.dataset.fides_key}`,
    })),
    undecided,
    reported: notes,
  };
  const text = draftText(draft);
  parseMap(text, 'the imported map');
  return {
    text,
    subject: printable(subject.table.table),
    collections: collections.length,
    columns: collections.reduce((sum, each) => sum + each.columns.length, 0),
    ignored: skipped.length,
    notes: notes.map(printable),
    undecided,
  };
}

function tablesOf(opened: OpenedDataset, schema: string): readonly Table[] {
  const { dataset, place } = opened;
  const stated = (dataset.fides_meta ?? dataset.fidesops_meta)?.namespace?.schema ?? schema;
  return dataset.collections.map((held, number) => ({
    opened,
    place: [...place, 'collections', number],
    held,
    // A collection may be called schema.table.
    table: tableParts(held.name) === null ? tableName(stated, held.name) : held.name,
  }));
}

function metaOf(held: FidesCollection): FidesCollection['fides_meta'] {
  return held.fides_meta ?? held.fidesops_meta;
}

function fieldMetaOf(field: FidesField): FidesFieldMeta | null {
  return field.fides_meta ?? field.fidesops_meta ?? null;
}

function says(table: Table, ...names: readonly string[]): string {
  return [table.opened.dataset.fides_key, table.held.name, ...names].join('.');
}

/** Keys that are read, or say nothing that the map has to know. */
const carried = {
  dataset: [
    'fides_key',
    'name',
    'description',
    'data_categories',
    'collections',
    'fides_meta',
    'fidesops_meta',
  ],
  datasetMeta: ['namespace'],
  collection: [
    'name',
    'description',
    'data_categories',
    'fields',
    'fides_meta',
    'fidesops_meta',
    'retention',
  ],
  collectionMeta: ['skip_processing', 'masking_strategy_override'],
  field: ['name', 'description', 'data_categories', 'fides_meta', 'fidesops_meta', 'fields'],
  fieldMeta: [
    'references',
    'identity',
    'primary_key',
    'read_only',
    'masking_strategy_override',
    'data_type',
    'length',
  ],
} as const;

/** Says which of a thing's keys are left behind. */
function noteOthers(reading: Import, whose: string, held: object, kind: keyof typeof carried): void {
  for (const [key, value] of Object.entries(held)) {
    if (value === null || value === undefined || (carried[kind] as readonly string[]).includes(key)) continue;
    if (key === 'organization_fides_key' && value === 'default_organization') continue;
    reading.notes.push(`${whose}: “${key}” is not carried over${others[key] ?? ''}`);
  }
}

const others: Readonly<Record<string, string>> = {
  after: '; the map’s order of erasure follows from its paths',
  erase_after: '; the map’s order of erasure follows from its paths',
  partitioning: '; partitions are read from the database',
  return_all_elements: '; a row is read whole',
  custom_request_field: '; a request names the person alone',
};

function noteDataset(reading: Import, { dataset }: OpenedDataset): void {
  noteOthers(reading, dataset.fides_key, dataset, 'dataset');
  const meta = dataset.fides_meta ?? dataset.fidesops_meta;
  if (meta) noteOthers(reading, dataset.fides_key, meta, 'datasetMeta');
}

function noteTypes(reading: Import): void {
  const typed = reading.tables.flatMap((table) =>
    table.held.fields.filter((field) => {
      const meta = fieldMetaOf(field);
      return (meta?.data_type ?? null) !== null || (meta?.length ?? null) !== null;
    }),
  );
  if (typed.length > 0)
    reading.notes.push(
      `“data_type” and “length” of ${typed.length} fields are not carried over; types are read from the database`,
    );
}

/** All references between columns; what can't be followed is left undecided, what can't be is refused. */
function edgesOf(reading: Import, open: readonly Table[]): readonly Edge[] {
  const edges: Edge[] = [];
  const add = (edge: Edge): void => {
    if (
      !edges.some(
        (other) =>
          other.parent === edge.parent &&
          other.child === edge.child &&
          other.key === edge.key &&
          other.column === edge.column,
      )
    )
      edges.push(edge);
  };
  const leave = (table: Table, column: string, reason: string): void => {
    reading.undecided.push({
      table: table.table,
      column,
      about: 'path',
      reason,
      write: 'a path under “subject” of the collection it leads to; or nothing, if none does',
    });
  };
  for (const table of open) {
    for (const [number, field] of table.held.fields.entries()) {
      for (const nested of nestedReferences(field))
        leave(table, field.name, `a reference inside it (${nested}) can’t be walked`);
      for (const [order, reference] of (fieldMetaOf(field)?.references ?? []).entries()) {
        const at: Place = [
          ...table.place,
          'fields',
          number,
          field.fides_meta ? 'fides_meta' : 'fidesops_meta',
          'references',
          order,
        ];
        const found = resolve(reading, table, reference, at);
        if (found === 'elsewhere')
          leave(table, field.name, `it refers to the dataset ${reference.dataset}, whose file was not given`);
        else if (!open.includes(found.table))
          leave(table, field.name, `it refers to ${says(found.table)}, which is skipped`);
        else if (found.nested) leave(table, field.name, `it refers to ${reference.field}, inside an object`);
        else {
          const here = { table, column: field.name };
          const there = { table: found.table, column: found.column };
          const [from, to] = reference.direction === 'from' ? [there, here] : [here, there];
          add({
            parent: from.table,
            key: from.column,
            child: to.table,
            column: to.column,
            directed: reference.direction === 'from' || reference.direction === 'to',
          });
        }
      }
    }
  }
  return edges;
}

function nestedReferences(field: FidesField, above: readonly string[] = []): readonly string[] {
  return (field.fields ?? []).flatMap((inner) => {
    const path = [...above, inner.name];
    return [
      ...((fieldMetaOf(inner)?.references ?? []).length > 0 ? [path.join('.')] : []),
      ...nestedReferences(inner, path),
    ];
  });
}

function resolve(
  reading: Import,
  from: Table,
  reference: FidesReference,
  place: Place,
): 'elsewhere' | { readonly table: Table; readonly column: string; readonly nested: boolean } {
  const inDataset = reading.tables.filter((each) => each.opened.dataset.fides_key === reference.dataset);
  if (inDataset.length === 0) return 'elsewhere';
  const among = (names: readonly string[]): string =>
    `write one of ${names.slice(0, 12).join(', ')}${names.length > 12 ? ` and so on (${names.length})` : ''}`;
  // The longest name first: a collection's name may hold a dot.
  const [table] = inDataset
    .filter((each) => reference.field.startsWith(`${each.held.name}.`))
    .sort((one, other) => other.held.name.length - one.held.name.length);
  const { places } = from.opened;
  if (table === undefined)
    throw places.wrong(
      [...place, 'field'],
      `${reference.dataset} has no collection that ${reference.field} could be in; ${among(inDataset.map((each) => `${each.held.name}.FIELD`))}`,
    );
  const rest = reference.field.slice(table.held.name.length + 1);
  const names = table.held.fields.map((field) => field.name);
  if (names.includes(rest)) return { table, column: rest, nested: false };
  const [outer = ''] = rest.split('.');
  if (rest.includes('.') && names.includes(outer)) return { table, column: outer, nested: true };
  throw places.wrong([...place, 'field'], `${table.held.name} has no field ${rest}; ${among(names)}`);
}

interface Subject {
  readonly table: Table;
  readonly key: string;
  readonly shown: Readonly<Record<string, string>>;
  readonly certain: boolean;
  readonly email: string | null;
  readonly phone: string | null;
}

function identityOf(table: Table, kind: RegExp): string | null {
  const found = table.held.fields.find((field) => kind.test(fieldMetaOf(field)?.identity ?? ''));
  return found?.name ?? null;
}

const emailIdentity = /^e-?mail$/i;
const phoneIdentity = /^phone(_?number)?$/i;

/** The table of the people: with an identity, and most led on from. */
function subjectOf(reading: Import, open: readonly Table[], edges: readonly Edge[]): Subject {
  const holders = open.filter((table) => table.held.fields.some((field) => fieldMetaOf(field)?.identity));
  const degree = (table: Table): number =>
    edges.filter((edge) => edge.parent === table || (!edge.directed && edge.child === table)).length;
  const keysOf = (table: Table): readonly string[] =>
    table.held.fields.filter((field) => fieldMetaOf(field)?.primary_key === true).map((field) => field.name);
  const [table, next] = [...holders].sort(
    (one, other) =>
      degree(other) - degree(one) || Math.min(1, keysOf(other).length) - Math.min(1, keysOf(one).length),
  );
  if (table === undefined)
    throw new ExpectedError(
      'invalid_input',
      'No field of the datasets has an identity, so nobody can be found by them; write fides_meta: { identity: email } at the column that tells the person.',
    );
  const certain = next === undefined || degree(next) < degree(table);
  if (!certain)
    reading.undecided.push({
      table: table.table,
      about: 'subject',
      reason: `${says(table)} and ${says(next)} hold an identity alike; this one was taken for the people`,
      write: 'nothing, if that is right; else “subjects.account” and the paths to it',
    });
  const used = Map.groupBy(
    edges.filter((edge) => edge.parent === table),
    (edge) => edge.key,
  );
  const keys = keysOf(table);
  const email = identityOf(table, emailIdentity);
  const phone = identityOf(table, phoneIdentity);
  const candidates = keys.length > 0 ? keys : [...used.keys()];
  const key =
    [...candidates].sort((one, other) => (used.get(other)?.length ?? 0) - (used.get(one)?.length ?? 0))[0] ??
    email ??
    phone ??
    table.held.fields[0]?.name ??
    '';
  if (keys.length > 1)
    reading.undecided.push({
      table: table.table,
      about: 'subject',
      reason: `its primary key has ${keys.length} columns; ${key} alone was taken`,
      write: 'subjects.account.key: [COLUMN, COLUMN], and the paths with “columns”',
    });
  for (const each of holders)
    for (const field of each.held.fields) {
      const identity = fieldMetaOf(field)?.identity ?? null;
      if (identity !== null && !emailIdentity.test(identity) && !phoneIdentity.test(identity))
        reading.notes.push(
          `${says(each, field.name)}: the identity “${identity}” is not carried over; people are found by e-mail, phone and what “search” says`,
        );
    }
  const name = table.held.fields.find((field) => categoriesOf(table, field)[0] === 'user.name');
  return {
    table,
    key,
    certain,
    email,
    phone,
    shown: {
      ...(name === undefined ? {} : { name: name.name }),
      ...(email === null ? {} : { email }),
      ...(phone === null ? {} : { phone }),
    },
  };
}

/** A path as the map writes it, and why. */
interface FoundPath {
  readonly child: Table;
  readonly column: string;
  /** Null when the column holds the subject's key. */
  readonly parent: Table | null;
  readonly key: string;
  readonly ignoreCase: boolean;
  readonly reason: string;
  readonly certain: boolean;
}

/** Walks from the subject; a reference without a direction is taken as leading away from it. */
function walk(
  reading: Import,
  open: readonly Table[],
  edges: readonly Edge[],
  subject: Subject,
): { readonly outward: readonly FoundPath[]; readonly reached: ReadonlySet<Table> } {
  const outward: FoundPath[] = [];
  for (const table of open) {
    if (table === subject.table) continue;
    for (const [column, key] of [
      [identityOf(table, emailIdentity), subject.email],
      [identityOf(table, phoneIdentity), subject.phone],
    ] as const) {
      if (column === null || key === null) continue;
      const isEmail = key === subject.email;
      const reason = `the identity ${isEmail ? 'email' : 'phone'}`;
      outward.push({
        child: table,
        column,
        parent: subject.table,
        key,
        ignoreCase: isEmail,
        reason,
        certain: true,
      });
    }
  }
  const distance = new Map<Table, number>([
    [subject.table, 0],
    ...outward.map((path) => [path.child, 1] as const),
  ]);
  const queue = [...distance.keys()];
  for (let table = queue.shift(); table !== undefined; table = queue.shift()) {
    const steps = (distance.get(table) ?? 0) + 1;
    for (const edge of edges) {
      const next =
        edge.parent === table ? edge.child : !edge.directed && edge.child === table ? edge.parent : null;
      if (next === null || distance.has(next)) continue;
      distance.set(next, steps);
      queue.push(next);
    }
  }
  for (const edge of edges) {
    const [near, far] = [distance.get(edge.parent), distance.get(edge.child)];
    if (near === undefined && (edge.directed || far === undefined)) {
      reading.notes.push(
        `${says(edge.child, edge.column)}: the reference to ${says(edge.parent, edge.key)} is not carried over; nothing leads there`,
      );
      continue;
    }
    const turned = !edge.directed && (near === undefined || (far !== undefined && far < near));
    const [parent, key, child, column] = turned
      ? [edge.child, edge.column, edge.parent, edge.key]
      : [edge.parent, edge.key, edge.child, edge.column];
    if (child === subject.table || (!edge.directed && near === far)) {
      reading.undecided.push({
        table: child.table,
        column,
        about: 'path',
        reason:
          child === subject.table
            ? `by ${says(parent, key)} other people’s rows would be the person’s`
            : `it refers to ${says(parent, key)} without a direction, and both are as near to the subject`,
        write: 'a path under “subject” of its collection; or nothing, if it is none',
      });
      continue;
    }
    if (!edge.directed)
      reading.notes.push(
        `${says(child, column)} and ${says(parent, key)}: the reference has no direction; taken as leading to ${child.held.name}`,
      );
    outward.push({
      child,
      column,
      parent: parent === subject.table && key === subject.key ? null : parent,
      key,
      ignoreCase: false,
      reason: `reference to ${says(parent, key)}`,
      certain: edge.directed,
    });
  }
  return { outward, reached: new Set(open.filter((table) => distance.has(table))) };
}

interface Around {
  readonly subject: Subject;
  readonly outward: readonly FoundPath[];
  readonly nameOf: (table: Table) => string;
}

/** The category of a field: its own, its collection's, its dataset's; objects have those of what is in them. */
function categoriesOf(table: Table, field: FidesField): readonly string[] {
  const own = [
    ...(field.data_categories ?? []),
    ...(field.fields ?? []).flatMap((inner) => categoriesWithin(inner)),
  ];
  if (own.length > 0) return own;
  const above = table.held.data_categories ?? [];
  return above.length > 0 ? above : (table.opened.dataset.data_categories ?? []);
}

function categoriesWithin(field: FidesField): readonly string[] {
  return [...(field.data_categories ?? []), ...(field.fields ?? []).flatMap(categoriesWithin)];
}

/** What is masked, by category; the first that fits. */
const masked: readonly (readonly [string, MaskName | 'never' | null])[] = [
  ['user.authorization.password', 'never'],
  ['user.authorization.credentials', 'never'],
  ['user.authorization.biometric', 'never'],
  ['user.contact.email', 'email'],
  ['user.contact.phone_number', 'phone'],
  ['user.name', 'name'],
  ['user.account.username', 'name'],
  ['user.device.ip_address', 'address'],
  ['user.unique_id', null],
  ['user.behavior', null],
  ['user.account', null],
  ['user', 'text'],
];

function maskFor(category: string): MaskName | 'never' | null {
  const plain = category.replace(/^user\.(?:provided|derived)\.(?:non)?identifiable\./, 'user.');
  return masked.find(([prefix]) => plain === prefix || plain.startsWith(`${prefix}.`))?.[1] ?? null;
}

function draftTable(reading: Import, table: Table, around: Around): DraftCollection | null {
  const { subject, outward, nameOf } = around;
  const { held } = table;
  const dataset = table.opened.dataset.fides_key;
  noteOthers(reading, says(table), held, 'collection');
  const meta = metaOf(held);
  if (meta) noteOthers(reading, says(table), meta, 'collectionMeta');
  const incoming = outward.filter((path) => path.child === table);
  const needed = new Set([
    ...incoming.map((path) => path.column),
    ...outward.filter((path) => path.parent === table).map((path) => path.key),
    ...(table === subject.table ? [subject.key, ...Object.values(subject.shown)] : []),
  ]);
  const columns = held.fields.flatMap((field): DraftColumn[] => {
    const drafted = draftColumn(reading, table, field, needed.has(field.name), subject);
    return drafted === null ? [] : [drafted];
  });
  const bare = columns.filter(({ fields }) => fields['mask'] === undefined && fields['never'] === undefined);
  const keys = held.fields
    .filter((field) => fieldMetaOf(field)?.primary_key === true)
    .map((field) => field.name);
  const order = bare.filter((column) => keys.includes(column.name)).map((column) => column.name);
  const first = bare.find((column) => needed.has(column.name)) ?? bare[0];
  if (order.length === 0 && first !== undefined) {
    order.push(first.name);
    reading.notes.push(`${says(table)}: no primary key is stated; its pages are ordered by ${first.name}`);
  }
  if (order.length === 0) {
    reading.undecided.push({
      table: table.table,
      reason: 'all of its columns are masked, so that its pages can’t be ordered',
      write: 'a collection whose “order” names a column without a mask',
    });
    return null;
  }
  const own =
    table === subject.table ? [{ ...high('the subject’s own rows'), fields: { column: subject.key } }] : [];
  return {
    name: nameOf(table),
    table: table.table,
    title: held.description ?? titled(wordsOf(held.name)),
    group: table.opened.dataset.name ?? dataset,
    about: null,
    subject: [
      ...own,
      ...incoming.map((path) => ({
        ...(path.certain ? high : low)(path.reason),
        fields: {
          column: path.column,
          ...(path.parent === null ? {} : { of: nameOf(path.parent), key: path.key }),
          ...(path.ignoreCase ? { ignoreCase: true } : {}),
        },
      })),
    ],
    order,
    columns,
    rest: [
      ...(held.retention ? [{ ...high('retention'), field: 'retention', value: held.retention }] : []),
      erasureOf(reading, table, nameOf(table), new Set(columns.map((column) => column.name))),
    ],
  };
}

function draftColumn(
  reading: Import,
  table: Table,
  field: FidesField,
  needed: boolean,
  subject: Subject,
): DraftColumn | null {
  const whose = says(table, field.name);
  noteOthers(reading, whose, field, 'field');
  const meta = fieldMetaOf(field);
  if (meta !== null) noteOthers(reading, whose, meta, 'fieldMeta');
  const all = [...new Set(categoriesOf(table, field))];
  const strength = (category: string): number => {
    const place = masked.findIndex(([prefix]) => category === prefix || category.startsWith(`${prefix}.`));
    return place === -1 ? masked.length : place;
  };
  // The one that hides most speaks for a column that holds several.
  const [category, ...rest] = all.sort((one, other) => strength(one) - strength(other));
  if ((field.fields ?? []).length > 0)
    reading.notes.push(
      `${whose}: the objects in it (${(field.fields ?? []).map((inner) => inner.name).join(', ')}) are not told apart; the whole column is ${category ?? 'undecided'}`,
    );
  else if (rest.length > 0)
    reading.notes.push(`${whose}: a column has one category; ${rest.join(', ')} is not carried over`);
  if (category === undefined && !needed) {
    reading.undecided.push({
      table: table.table,
      column: field.name,
      reason: 'the dataset gives it no category',
      write: `under “columns”: ${JSON.stringify(field.name)}: { category: user.content.private, mask: text }`,
    });
    return null;
  }
  if (category === undefined)
    return {
      ...low('on a path, and without a category'),
      name: field.name,
      fields: { category: 'user.unique_id' },
    };
  const mask = (field.fields ?? []).length > 0 ? 'text' : maskFor(category);
  if (mask === 'never' && needed)
    reading.undecided.push({
      table: table.table,
      column: field.name,
      about: 'never',
      reason: `${category} is a secret, but a path needs the column`,
      write: 'nothing, if it may be read; else another path',
    });
  const isSubject = table === subject.table;
  const search = !isSubject
    ? []
    : field.name === subject.key && mask === null
      ? ['identifier']
      : field.name === subject.email
        ? ['exact', 'prefix', 'part']
        : field.name === subject.phone
          ? ['digits']
          : category === 'user.name'
            ? ['exact', 'prefix', 'similar']
            : [];
  return {
    ...high('category of the dataset; what is masked follows from it'),
    name: field.name,
    fields: {
      category,
      ...(field.description ? { title: field.description } : {}),
      ...(mask === 'never' ? (needed ? { mask: 'text' } : { never: true }) : mask === null ? {} : { mask }),
      ...(search.length === 0 ? {} : { search }),
    },
  };
}

/** What erasure does, as far as a dataset says: Fides keeps it in its policies. */
function erasureOf(
  reading: Import,
  table: Table,
  collection: string,
  columns: ReadonlySet<string>,
): DraftCollection['rest'][number] {
  const strategy = metaOf(table.held)?.masking_strategy_override?.strategy;
  if (strategy === 'delete')
    return { ...high('masking_strategy_override'), field: 'erasure', value: { action: 'delete' } };
  const leave = (reason: string, write: string): void => {
    reading.undecided.push({ table: table.table, about: 'erasure', reason, write });
  };
  const write = `in collections.${collection}: erasure: { action: delete }, { action: anonymise, set: { COLUMN: null } } or { action: keep, ground: LAW, years: N, from: COLUMN }; then remove this entry`;
  if (strategy !== undefined)
    reading.notes.push(`${says(table)}: the masking strategy “${strategy}” is not carried over`);
  const set: Record<string, string | null> = {};
  const unknown: string[] = [];
  for (const field of table.held.fields) {
    const given = fieldMetaOf(field)?.masking_strategy_override;
    if (!given) continue;
    if (!columns.has(field.name)) {
      reading.notes.push(
        `${says(table, field.name)}: what erasure writes into it (${given.strategy}) is not carried over; add it under “erasure” when the column is decided`,
      );
      continue;
    }
    const value = given.configuration?.['rewrite_value'];
    if (given.strategy === 'null_rewrite') set[field.name] = null;
    else if (given.strategy === 'string_rewrite' && typeof value === 'string') set[field.name] = value;
    else unknown.push(`${field.name} (${given.strategy})`);
  }
  if (unknown.length > 0)
    leave(`these are overwritten in a way the map doesn’t have: ${unknown.join(', ')}`, write);
  if (Object.keys(set).length > 0)
    return { ...high('masking_strategy_override'), field: 'erasure', value: { action: 'anonymise', set } };
  const fixed = table.held.fields.every((field) => fieldMetaOf(field)?.read_only === true);
  if (unknown.length === 0)
    leave(
      fixed
        ? 'all of its fields are read_only: is it kept by law, or left as it is?'
        : 'a dataset doesn’t say what erasure does; Fides has it in its policies',
      fixed ? `${write}; or nothing, if erasure leaves it as it is` : write,
    );
  return { ...low('not stated in a dataset'), field: 'erasure', value: { action: 'none' } };
}
