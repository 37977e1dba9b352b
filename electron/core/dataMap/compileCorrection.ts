import type { CorrectionFormat } from '#shared/domain/corrections.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { definer, planPins } from '../database/pins.ts';
import type { Catalogue, CatalogueColumn } from './catalogue.ts';
import { byKind } from './compileErasure.ts';
import { holdingOf } from './compileHolds.ts';
import { formOf } from './compileLookAgain.ts';
import { isRow, rowKey } from './compileReading.ts';
import {
  copiesOf,
  correctionOf,
  isCorrectable,
  isThirdParty,
  type DataMap,
  type KindCollection,
  type KindMap,
  type MapColumn,
} from './map.ts';
import {
  assignKey,
  assignLive,
  collectionNamed,
  columnOf,
  declareVariables,
  foldsCase,
  fromItem,
  isTextual,
  readingScope,
  subjectConditions,
  typeOf,
  unique,
  type KeyVariable,
  type PathCondition,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, tableParts } from './quote.ts';

/** A column that staff may correct in rows of one kind of people. */
export interface Correctable {
  readonly collection: string;
  readonly column: string;
  readonly format: CorrectionFormat;
  /** Tells who somebody is, or whose other rows are. */
  readonly identity: boolean;
  readonly nullable: boolean;
  /** Characters it takes at most; null without a limit of its own. */
  readonly most: number | null;
  readonly copies: readonly CopiedColumn[];
}

interface CopiedColumn {
  readonly collection: string;
  readonly column: string;
}

function formatOf(mapped: MapColumn, live: CatalogueColumn): CorrectionFormat {
  if (!isTextual(live)) return 'typed';
  return correctionOf(mapped).format ?? formOf(mapped.category) ?? 'text';
}

/** Whether rows of some collection are found by this column. */
function tellsOthers(map: DataMap, name: string, column: string): boolean {
  return Object.values(map.collections).some((held) =>
    held.subject.some((path) => path.of === name && path.keys.includes(column)),
  );
}

/** What of one collection may be corrected; not what is about somebody else, nor in rows that no key tells apart. */
export function correctablesOf(map: KindMap, catalogue: Catalogue, name: string): readonly Correctable[] {
  const held = collectionNamed(map, name);
  if (!catalogue.primaryKeys.has(held.table)) return [];
  return Object.entries(held.columns).flatMap(([column, mapped]) => {
    if (!isCorrectable(mapped) || isThirdParty(mapped, map.kind)) return [];
    const live = columnOf(catalogue, held, column);
    return [
      {
        collection: name,
        column,
        format: formatOf(mapped, live),
        identity: correctionOf(mapped).identity || tellsOthers(map.whole, name, column),
        nullable: !live.notNull,
        most: live.length,
        copies: copiesOf(mapped),
      },
    ];
  });
}

function allCorrectables(map: KindMap, catalogue: Catalogue): readonly Correctable[] {
  return Object.keys(map.collections).flatMap((name) => correctablesOf(map, catalogue, name));
}

/** Every column that a correction writes: those that are corrected, and their copies. */
function writtenColumns(map: KindMap, catalogue: Catalogue): readonly CopiedColumn[] {
  const all = allCorrectables(map, catalogue).flatMap(({ collection, column, copies }) => [
    { collection, column },
    ...copies,
  ]);
  return [...new Map(all.map((each) => [`${each.collection}.${each.column}`, each])).values()];
}

/** What the writer needs for corrections, by table. */
export function correctionRights(
  map: KindMap,
  catalogue: Catalogue,
): ReadonlyMap<
  string,
  { readonly select: readonly string[]; readonly update: readonly string[]; readonly delete: boolean }
> {
  const written = Map.groupBy(writtenColumns(map, catalogue), ({ collection }) => collection);
  return new Map(
    [...written].map(([name, columns]) => {
      const held = collectionNamed(map, name);
      const select = columns.map(({ column }) => column);
      const update = [...select, ...(held.updatedAt === undefined ? [] : [held.updatedAt])];
      return [held.table, { select, update, delete: false }];
    }),
  );
}

const times = ['date', 'timestamp without time zone', 'timestamp with time zone'];

/**
 * Fails with the first thing the map says of corrections that this database can't do.
 * @throws ExpectedError `schema_drift` saying what to write instead
 */
export function refuseUnfitCorrections(map: DataMap, catalogue: Catalogue): void {
  const drift = (says: string): never => {
    throw new ExpectedError('schema_drift', says);
  };
  for (const held of Object.values(map.collections)) {
    const stamp = held.updatedAt === undefined ? null : columnOf(catalogue, held, held.updatedAt);
    if (stamp !== null && !(stamp.baseSchema === 'pg_catalog' && times.includes(stamp.baseType)))
      drift(
        `The map says that ${held.table}.${stamp.column} tells when a row was changed, and it is no time; take “updatedAt” away.`,
      );
    for (const [column, mapped] of Object.entries(held.columns)) {
      if (!isCorrectable(mapped)) continue;
      const live = columnOf(catalogue, held, column);
      if (correctionOf(mapped).format !== undefined && !isTextual(live))
        drift(
          `The map gives ${held.table}.${column} a format, and it is ${live.type}, which has its own; take “format” away.`,
        );
      for (const copy of copiesOf(mapped)) {
        const other = collectionNamed(map, copy.collection);
        const there = columnOf(catalogue, other, copy.column);
        if (!(isTextual(live) && isTextual(there)) && live.baseType !== there.baseType)
          drift(
            `The map says that ${other.table}.${copy.column} (${there.type}) is a copy of ${held.table}.${column} (${live.type}), and they are of different types; take it from “copies”.`,
          );
        if (!catalogue.primaryKeys.has(other.table))
          drift(
            `No key tells the rows of ${other.table} apart, so no copy in it can be corrected; take ${copy.collection}.${copy.column} from “copies”.`,
          );
      }
    }
  }
}

function anyOf(paths: readonly PathCondition[]): string {
  return paths.length === 0 ? 'false' : `(${paths.map((each) => each.on('t')).join(' or ')})`;
}

interface Work {
  readonly map: KindMap;
  readonly catalogue: Catalogue;
  readonly conditions: ReadonlyMap<string, SubjectConditions>;
  readonly spared: (name: string) => string;
  /** Declarations of the functions over this kind's rows. */
  readonly declare: string;
}

function workOf(map: KindMap, catalogue: Catalogue): Work {
  const scope = readingScope(map, catalogue);
  const conditions = new Map(
    Object.keys(map.collections).map((name) => [name, subjectConditions(scope, name)] as const),
  );
  const holding = holdingOf(map, catalogue);
  const variables: readonly KeyVariable[] = unique(
    [...conditions.values()].flatMap((each) => each.variables),
  );
  return {
    map,
    catalogue,
    conditions,
    spared: (name) => holding.spared(name),
    declare: `${declareVariables(map, catalogue, variables)}\n${holding.declare}`,
  };
}

function conditionsOf({ conditions }: Work, name: string): SubjectConditions {
  const found = conditions.get(name);
  if (found === undefined) throw new Error(`unchecked map: ${name}`);
  return found;
}

function begin({ map, catalogue }: Work): string {
  return `${assignKey(map, catalogue, 'p_key')}\n${holdingOf(map, catalogue).assign('p_held')}`;
}

const nothingThere = `  raise exception 'The data map lets nothing be corrected there.' using errcode = 'PC005';`;

/** Two texts as values of a column are compared: without regard to case where the platform or the format does. */
function alike(one: string, other: string, folds: boolean): string {
  return folds ? `lower(${one}) = lower(${other})` : `${one} = ${other}`;
}

/** The rows in which a value stands that is corrected with it, those with the same text together. */
function copies(work: Work, corrected: Correctable): readonly string[] {
  const { map, catalogue } = work;
  return corrected.copies.map(({ collection, column }) => {
    const held = collectionNamed(map, collection);
    const conditions = conditionsOf(work, collection);
    const raw = `t.${quoteIdentifier(column)}::text`;
    const folds = corrected.format === 'email' || foldsCase(columnOf(catalogue, held, column));
    const spared = work.spared(collection);
    return `${assignLive(conditions.variables)}
    return query select 'copy'::text, ${quoteLiteral(collection)}::text, ${quoteLiteral(column)}::text, ${raw}, array_agg(${rowKey(catalogue, held)} order by ${rowKey(catalogue, held)}), count(*), count(*) filter (where not ${spared})
      from ${fromItem(map, catalogue, held)} where ${anyOf(conditions.paths)} and ${alike(raw, 'v_before', folds)} group by ${raw};`;
  });
}

/** How many rows of other collections are the person's by the old value alone, and how many would newly be. */
function hanging(work: Work, corrected: Correctable): readonly string[] {
  const { map, catalogue } = work;
  return Object.entries(map.collections).flatMap(([name, held]) =>
    held.subject.flatMap((path) => {
      if (path.of !== corrected.collection || path.keys[0] !== corrected.column) return [];
      const [column = ''] = path.columns;
      const conditions = conditionsOf(work, name);
      const raw = `t.${quoteIdentifier(column)}::text`;
      const key = columnOf(catalogue, collectionNamed(map, corrected.collection), corrected.column);
      const folds = path.ignoreCase || (foldsCase(key) && foldsCase(columnOf(catalogue, held, column)));
      const others = anyOf(conditions.paths.filter((each) => each.path !== path));
      const counted = (role: string, where: string): string =>
        `return query select ${quoteLiteral(role)}::text, ${quoteLiteral(name)}::text, ${quoteLiteral(column)}::text, null::text, null::text[], count(*), 0::bigint
      from ${fromItem(map, catalogue, held)} where ${where} having count(*) > 0;`;
      return [
        `${assignLive(conditions.variables)}
    ${counted('lost', `${alike(raw, 'v_before', folds)} and ${others} is not true`)}
    ${counted('gained', `${alike(raw, 'p_after', folds)} and ${anyOf(conditions.paths)} is not true`)}`,
      ];
    }),
  );
}

/**
 * What is read of one kind of people before a value is corrected; run as the
 * reader. `value_places` finds the row with its value and what hangs on that,
 * `value_elsewhere` where a value stands besides.
 */
export function compileCorrectionReading(map: KindMap, catalogue: Catalogue): string {
  const work = workOf(map, catalogue);
  const branches = allCorrectables(map, catalogue).map((corrected) => {
    const held = collectionNamed(map, corrected.collection);
    const conditions = conditionsOf(work, corrected.collection);
    return `  when ${quoteLiteral(`${corrected.collection}.${corrected.column}`)} then
${assignLive(conditions.variables)}
    select t.${quoteIdentifier(corrected.column)}::text, not ${work.spared(corrected.collection)}, true into v_before, v_held, v_found
      from ${fromItem(map, catalogue, held)} where ${isRow(catalogue, held)} and ${rowKey(catalogue, held)} = p_row_key and ${anyOf(conditions.paths)};
    if v_found is null then
      raise exception 'That row is gone; read the page again.' using errcode = 'PC005';
    end if;
    return query select 'field'::text, p_collection, p_column, v_before, array[p_row_key], 1::bigint, v_held::int::bigint;
    ${[...copies(work, corrected), ...hanging(work, corrected)].join('\n    ')}`;
  });
  return [
    definer(
      `value_places$${map.kind}(p_collection text, p_column text, p_key text, p_row_key text, p_after text, p_held jsonb)`,
      'table (role text, collection text, column_name text, before text, row_keys text[], rows bigint, held bigint)',
      branches.length === 0
        ? nothingThere
        : `${begin(work)}
  case p_collection || '.' || p_column
${branches.join('\n')}
  else
  ${nothingThere}
  end case;
  return;
exception when data_exception then
  raise exception 'That is no key of a record; write it as the console shows it.' using errcode = 'PC004';`,
      {
        declare: `${work.declare}\n  v_before text; v_held boolean; v_found boolean;`,
        pins: planPins,
        overPlatform: true,
      },
    ),
    elsewhere(work),
  ].join('\n');
}

const identifyingFormats: readonly CorrectionFormat[] = ['email', 'phone', 'name'];

function elsewhere(work: Work): string {
  const { map, catalogue } = work;
  const places = Object.entries(map.collections).flatMap(([name, held]) =>
    Object.entries(held.columns).flatMap(([column, mapped]) => {
      const form = formOf(mapped.category);
      if (form === null || mapped.never || mapped.paths !== undefined || isThirdParty(mapped, map.kind))
        return [];
      const live = columnOf(catalogue, held, column);
      return isTextual(live)
        ? [{ name, held, column, form, folds: form === 'email' || foldsCase(live) }]
        : [];
    }),
  );
  const parts = identifyingFormats.flatMap((format) => {
    const of = places.filter(({ form }) => form === format);
    if (of.length === 0) return [];
    const variables = unique(of.flatMap(({ name }) => conditionsOf(work, name).variables));
    return [
      `  if p_format = ${quoteLiteral(format)} then
${assignLive(variables)}
${of
  .map(
    ({ name, held, column, folds }) =>
      `    return query select ${quoteLiteral(name)}::text, ${quoteLiteral(column)}::text, count(*) from ${fromItem(map, catalogue, held)} where ${anyOf(conditionsOf(work, name).paths)} and ${alike(`t.${quoteIdentifier(column)}::text`, 'p_value', folds)} having count(*) > 0;`,
  )
  .join('\n')}
  end if;`,
    ];
  });
  return definer(
    `value_elsewhere$${map.kind}(p_key text, p_format text, p_value text)`,
    'table (collection text, column_name text, rows bigint)',
    `${assignKey(map, catalogue, 'p_key')}
${parts.join('\n')}
  return;`,
    {
      declare: declareVariables(
        map,
        catalogue,
        unique(places.flatMap(({ name }) => conditionsOf(work, name).variables)),
      ),
      pins: planPins,
      overPlatform: true,
    },
  );
}

/** What a correction of one kind of people changes: one value in rows of one column; run as the writer. */
export function compileCorrectionWriting(map: KindMap, catalogue: Catalogue): string {
  const work = workOf(map, catalogue);
  const schemas = [
    ...new Set(Object.values(map.collections).map((held) => tableParts(held.table)?.schema ?? '')),
  ];
  const branches = writtenColumns(map, catalogue).map(({ collection, column }) => {
    const held = collectionNamed(map, collection);
    const conditions = conditionsOf(work, collection);
    const live = columnOf(catalogue, held, column);
    return `  when ${quoteLiteral(`${collection}.${column}`)} then
${assignLive(conditions.variables)}
    with written as (
      update ${fromItem(map, catalogue, held)} set ${quoteIdentifier(column)} = p_value::${typeOf(live)}${stamped(catalogue, held)}
        from unnest(p_row_keys) k(value)
        where ${isRow(catalogue, held, 'k.value')} and ${anyOf(conditions.paths)} and ${work.spared(collection)}
          and t.${quoteIdentifier(column)}::text is not distinct from p_seen
        returning ${rowKey(catalogue, held)} as row_key, t.${quoteIdentifier(column)}::text as stored)
      select jsonb_build_object('keys', coalesce(jsonb_agg(w.row_key), '[]'), 'rows', count(*), 'stored', min(w.stored)) into v_result from written w;`;
  });
  return definer(
    `write_value$${map.kind}(p_collection text, p_column text, p_key text, p_row_keys text[], p_seen text, p_value text, p_held jsonb)`,
    'jsonb',
    branches.length === 0
      ? nothingThere
      : `${begin(work)}
  case p_collection || '.' || p_column
${branches.join('\n')}
  else
  ${nothingThere}
  end case;
  -- Deferred constraints and triggers of the platform speak now, with this owner's rights.
  set constraints all immediate;
  return v_result;`,
    {
      declare: `${work.declare}\n  v_result jsonb;`,
      // The platform's own triggers may name their tables bare.
      pins: `set search_path = pg_catalog, ${schemas.map(quoteIdentifier).join(', ')}, pg_temp ${planPins}`,
      overPlatform: true,
    },
  );
}

/** Sets the time of the change, where the map names its column. */
function stamped(catalogue: Catalogue, held: KindCollection): string {
  if (held.updatedAt === undefined) return '';
  return `, ${quoteIdentifier(held.updatedAt)} = clock_timestamp()::${typeOf(columnOf(catalogue, held, held.updatedAt))}`;
}

/** The same, whatever kind of people it is about; run as the reader. */
export function compileCorrectionReadingByKind(kinds: readonly KindMap[]): string {
  return [
    byKind(
      kinds,
      'value_places',
      [
        ['p_collection', 'text'],
        ['p_column', 'text'],
        ['p_key', 'text'],
        ['p_row_key', 'text'],
        ['p_after', 'text'],
        ['p_held', 'jsonb'],
      ],
      'table (role text, collection text, column_name text, before text, row_keys text[], rows bigint, held bigint)',
    ),
    byKind(
      kinds,
      'value_elsewhere',
      [
        ['p_key', 'text'],
        ['p_format', 'text'],
        ['p_value', 'text'],
      ],
      'table (collection text, column_name text, rows bigint)',
    ),
  ].join('\n');
}

/** Run as the writer. */
export function compileCorrectionWritingByKind(kinds: readonly KindMap[]): string {
  return byKind(
    kinds,
    'write_value',
    [
      ['p_collection', 'text'],
      ['p_column', 'text'],
      ['p_key', 'text'],
      ['p_row_keys', 'text[]'],
      ['p_seen', 'text'],
      ['p_value', 'text'],
      ['p_held', 'jsonb'],
    ],
    'jsonb',
  );
}
