import { definer, planPins } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Catalogue } from './catalogue.ts';
import { again, assignments, fromOfLink, linksOf, namesRow, notYet, type Link } from './compileErasure.ts';
import { compileKeptParts, holdingOf, type Holding } from './compileHolds.ts';
import type { JsonOwner } from './compileJson.ts';
import { isRow, timeColumn } from './compileReading.ts';
import {
  firstKind,
  isReplacement,
  kindsOf,
  type DataMap,
  type Disposal,
  type ErasureAction,
  type ExpiryRule,
  type KindCollection,
  type KindMap,
} from './map.ts';
import { collectionNamed, columnOf, compareColumns, fromItem, instantOf, isBase } from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, tableParts } from './quote.ts';

/** Functions of this part that a collection's own must not be called like. */
export const retentionFunctions = [
  'rows_kept',
  'kept_due',
  'release_rows',
  'kept_parts',
  'expiry_periods',
  'expiry_count',
  'expire_rows',
  'object_ages',
];

/** A rule of the map, with what its statements are made of. */
interface Rule {
  readonly collection: string;
  readonly name: string;
  readonly rule: ExpiryRule;
  readonly held: KindCollection;
  /** `from` items after the collection's own, each with its condition, that lead to the row with the days. */
  readonly hops: readonly { readonly from: string; readonly on: string }[];
  /** What tells the row with the days, as text; an empty text where the map says the days. */
  readonly group: string;
  /** Query of each group with its days. */
  readonly periods: string;
  /** Condition on `t` that its time is before an expression. */
  readonly before: (instant: string) => string;
  /** Conditions on `t` besides its time, as one owner may see them. */
  readonly fits: (owner: JsonOwner) => string;
  /** Condition on `t` that no hold and no restriction covers it. */
  readonly spared: string;
  /** Condition on `t` that no row refers to it: rows that go by time take no others with them. */
  readonly unreferred: string;
  readonly links: readonly Link[];
}

/** What happens to rows of a collection that a deletion kept, once the term of the law is over. */
interface Term {
  readonly kind: string;
  readonly collection: string;
  readonly held: KindCollection;
  readonly keep: Extract<ErasureAction, { action: 'keep' }>;
  readonly then: Disposal;
  /** Condition on `t` that its term was over at an instant, and is over now. */
  readonly over: (instant: string) => string;
  readonly fits: (owner: JsonOwner) => string;
  readonly spared: string;
  readonly unreferred: string;
  readonly links: readonly Link[];
}

interface Retaining {
  readonly map: KindMap;
  readonly holding: Holding;
  readonly rules: readonly Rule[];
  readonly terms: readonly Term[];
}

const everyBefore = new WeakMap<DataMap, KindMap>();

/** The map as no kind of subject sees it: with every collection. */
function everyKind(map: DataMap): KindMap {
  const known = everyBefore.get(map);
  if (known !== undefined) return known;
  const made: KindMap = {
    ...firstKind(map),
    suffix: '',
    collections: Object.fromEntries(
      Object.entries(map.collections).map(([name, held]) => [
        name,
        { ...held, erasure: Object.values(held.erasure)[0] ?? { action: 'none' } },
      ]),
    ),
  };
  everyBefore.set(map, made);
  return made;
}

function refuse(says: string): never {
  throw new ExpectedError('schema_drift', says);
}

const retainingBefore = new WeakMap<DataMap, { readonly catalogue: Catalogue; readonly found: Retaining }>();

/** The map's rules for the live database, found once. */
function retainingOf(whole: DataMap, catalogue: Catalogue): Retaining {
  const known = retainingBefore.get(whole);
  if (known?.catalogue === catalogue) return known.found;
  const map = everyKind(whole);
  const holding = holdingOf(map, catalogue);
  const links = linksOf(map, catalogue);
  const rules = Object.entries(map.collections).flatMap(([collection, held]) =>
    Object.entries(held.expiry).map(([name, rule]) =>
      compileRule(map, catalogue, holding, links, collection, name, rule),
    ),
  );
  const terms = kindsOf(whole).flatMap((kind) =>
    Object.entries(kind.collections).flatMap(([collection, held]) =>
      compileTerm(map, catalogue, holding, links, kind.kind, collection, held),
    ),
  );
  const found = { map, holding, rules, terms };
  retainingBefore.set(whole, { catalogue, found });
  return found;
}

/**
 * Refuses rules that this database can't be gone through by.
 * @throws ExpectedError `schema_drift` naming the rule and what to change
 */
export function refuseUnfitExpiry(map: DataMap, catalogue: Catalogue): void {
  retainingOf(map, catalogue);
}

function compileTerm(
  map: KindMap,
  catalogue: Catalogue,
  holding: Holding,
  links: readonly Link[],
  kind: string,
  collection: string,
  { erasure: keep, ...rest }: KindCollection,
): readonly Term[] {
  if (keep.action !== 'keep' || keep.then === undefined) return [];
  const held = { ...rest, erasure: keep };
  const { then } = keep;
  if ((catalogue.primaryKeys.get(held.table) ?? []).length === 0)
    refuse(
      `No key tells the rows of ${held.table} apart, so nobody knows which were kept; take “then” away.`,
    );
  const from = instantOf(held.columns[keep.from], `t.${quoteIdentifier(keep.from)}`);
  const end = `${from} + make_interval(years => ${keep.years})`;
  return [
    {
      kind,
      collection,
      held,
      keep,
      then,
      over: (instant) => `${end} <= ${instant} and ${end} <= clock_timestamp()`,
      fits: (owner) => (then === 'delete' ? 'true' : notYet(catalogue, { held, set: then.set }, owner)),
      spared: holding.spared(collection),
      ...unreferredBy(map, catalogue, links, collection, then),
    },
  ];
}

/** Condition on `t` that no row refers to it: what goes by time takes no others with it. */
function unreferredBy(
  map: KindMap,
  catalogue: Catalogue,
  links: readonly Link[],
  collection: string,
  then: Disposal,
): Pick<Rule, 'unreferred' | 'links'> {
  const towards = then === 'delete' ? links.filter((link) => link.to === collection) : [];
  const tests = towards.map(
    (link) =>
      `not exists (select from ${fromOfLink(catalogue, link, 'x')} where ${namesRow(map, catalogue, link, 'x', 't')})`,
  );
  return { links: towards, unreferred: tests.join(' and ') || 'true' };
}

function compileRule(
  map: KindMap,
  catalogue: Catalogue,
  holding: Holding,
  links: readonly Link[],
  collection: string,
  name: string,
  rule: ExpiryRule,
): Rule {
  const held = collectionNamed(map, collection);
  const from = columnOf(catalogue, held, rule.from);
  const mapped = held.columns[rule.from];
  if (!from.baseType.startsWith('timestamp') && from.baseType !== 'date' && mapped?.epoch === undefined)
    refuse(
      `The map lets rows of ${held.table} expire by ${rule.from}, which is no time; name another column, or give it “epoch”.`,
    );
  const raw = `t.${quoteIdentifier(rule.from)}`;
  const before = (instant: string): string => {
    if (mapped?.epoch !== undefined || !isBase(from)) return `${instantOf(mapped, raw)} < ${instant}`;
    // A day is over when the next one begins.
    if (from.baseType === 'date') return `${raw} < (${instant} at time zone 'UTC')::date`;
    return from.baseType === 'timestamp with time zone'
      ? `${raw} < ${instant}`
      : `${raw} < (${instant} at time zone 'UTC')`;
  };
  const where = Object.entries(rule.where ?? {}).map(
    ([column, values]) => `t.${quoteIdentifier(column)}::text in (${values.map(quoteLiteral).join(', ')})`,
  );
  const { then } = rule;
  return {
    collection,
    name,
    rule,
    held,
    ...periodOf(map, catalogue, collection, name, rule.days),
    before,
    fits: (owner) =>
      [...where, ...(then === 'delete' ? [] : [notYet(catalogue, { held, set: then.set }, owner)])].join(
        ' and ',
      ) || 'true',
    spared: holding.spared(collection),
    ...unreferredBy(map, catalogue, links, collection, then),
  };
}

/** How a row is led to its days. */
function periodOf(
  map: KindMap,
  catalogue: Catalogue,
  collection: string,
  name: string,
  days: ExpiryRule['days'],
): Pick<Rule, 'hops' | 'group' | 'periods'> {
  if (typeof days === 'number') return { hops: [], group: `''::text`, periods: `select ''::text, ${days}` };
  let at = collection;
  let alias = 't';
  const hops = days.by.map((hop, place) => {
    const child = collectionNamed(map, at);
    const of = hop.of ?? '';
    const parent = collectionNamed(map, of);
    const next = `h${place + 1}`;
    const keys = new Set(hop.keys);
    const tells = [
      catalogue.primaryKeys.get(parent.table) ?? [],
      ...(catalogue.uniques.get(parent.table) ?? []),
    ];
    if (!tells.some((key) => key.length > 0 && key.every((each) => keys.has(each))))
      refuse(
        `The map leads ${collection}.${name} to its days by ${of} (${hop.keys.join(', ')}), which may name several rows; name columns that only one row can have.`,
      );
    const on = hop.columns
      .map((column, number) =>
        compareColumns(
          [columnOf(catalogue, child, column), alias],
          [columnOf(catalogue, parent, hop.keys[number] ?? ''), next],
        ),
      )
      .join(' and ');
    const from = fromItem(map, catalogue, parent, next);
    at = of;
    alias = next;
    return { from, on };
  });
  const last = collectionNamed(map, at);
  const live = columnOf(catalogue, last, days.column);
  if (!isBase(live) || !['smallint', 'integer', 'bigint'].includes(live.baseType))
    refuse(
      `The map takes the days of ${collection}.${name} from ${last.table}.${days.column}, which is no whole number; name another column.`,
    );
  const told = (of: string): string => {
    const keys = (days.by.at(-1)?.keys ?? []).map((key) => `${of}.${quoteIdentifier(key)}::text`);
    return keys.length === 1 ? (keys[0] ?? '') : `json_build_array(${keys.join(', ')})::text`;
  };
  const amount = `t.${quoteIdentifier(days.column)}`;
  return {
    hops,
    group: told(alias),
    // What isn't there, or no number of days, lets nothing go.
    periods: `select ${told('t')}, ${amount}::int from ${fromItem(map, catalogue, last)} where ${amount} between 0 and 36500`,
  };
}

/** The instant that counts for a row: of its group, null where it has none. */
function cutoffOf(group: string, cutoffs = 'p_cutoffs'): string {
  return `(${cutoffs})[array_position(p_periods, ${group})]`;
}

function byCollection(rules: readonly Rule[]): readonly (readonly [string, readonly Rule[]])[] {
  return [...Map.groupBy(rules, (each) => each.collection)];
}

/** A case statement, or the refusal alone where there is nothing to choose from. */
function choice(of: string, whens: readonly string[]): string {
  const none = `raise exception 'The data map has no such rule.' using errcode = 'PC005';`;
  return whens.length === 0
    ? `  ${none}`
    : `  case ${of}\n${whens.join('\n')}\n  else\n    ${none}\n  end case;`;
}

/** A function by the collection over those that each collection with rules has. */
function byRule(
  rules: readonly Rule[],
  name: string,
  parameters: readonly (readonly [name: string, type: string])[],
  returns: string,
): string {
  const isSet = returns.startsWith('table');
  const call = (collection: string): string =>
    `privacy_console.${quoteIdentifier(`${name}$${collection}`)}(${['p_rule', ...parameters.map(([each]) => each)].join(', ')})`;
  return definer(
    `${name}(p_collection text, p_rule text, ${parameters.map(([each, type]) => `${each} ${type}`).join(', ')})`,
    returns,
    `${choice(
      'p_collection',
      byCollection(rules).map(
        ([collection]) =>
          `  when ${quoteLiteral(collection)} then return ${isSet ? `query select * from ${call(collection)}` : call(collection)};`,
      ),
    )}${isSet ? '\n  return;' : ''}`,
  );
}

function branches(rules: readonly Rule[], of: (rule: Rule) => string): string {
  return choice(
    'p_rule',
    rules.map((each) => `  when ${quoteLiteral(each.name)} then\n${of(each)}`),
  );
}

/** Nobody's reference; the check of the map refuses what would write one. */
const reference = `p_reference text := '';`;

const countParameters = [
  ['p_periods', 'text[]'],
  ['p_cutoffs', 'timestamptz[]'],
  ['p_own', 'timestamptz[]'],
  ['p_kept', 'jsonb'],
] as const;
const counts =
  'table (period text, part oid, due bigint, kept bigint, referred bigint, floored bigint, passed bigint)';

/**
 * What retention reads: what stays, the days of each rule, and how many rows are due; run as the reader. Rows are
 * counted by the part of the table they lie in (`part`) and by what gives their days (`period`): due by `p_cutoffs`;
 * of these kept by a hold or a restriction, or referred to by others; and those that by the rule's own days
 * (`p_own`) would be due and by a floor are not. `passed` counts every row that is older than the latest of these.
 */
export function compileRetentionReading(whole: DataMap, catalogue: Catalogue): string {
  const retaining = retainingOf(whole, catalogue);
  const { map, holding, rules } = retaining;
  const count = (each: Rule): string => {
    const from = [
      fromItem(map, catalogue, each.held),
      ...each.hops.map((hop) => `left join ${hop.from} on ${hop.on}`),
    ].join(' ');
    const due = `${each.fits('reading')} and ${each.before(cutoffOf(each.group))}`;
    const own = `${each.fits('reading')} and ${each.before(cutoffOf(each.group, 'p_own'))}`;
    return `    return query select ${each.group}, t.tableoid,
        count(*) filter (where ${due} and ${each.spared} and ${each.unreferred}),
        count(*) filter (where ${due} and not ${each.spared}),
        count(*) filter (where ${due} and ${each.spared} and not (${each.unreferred})),
        count(*) filter (where ${own} and (${each.before(cutoffOf(each.group))}) is not true),
        count(*)
      from ${from} where ${each.before('v_latest')} group by 1, 2;`;
  };
  const ages = objectAges(map, catalogue, rules);
  return [
    compileKeptParts(map, catalogue),
    ...byCollection(rules).map(([collection, own]) =>
      definer(
        `${quoteIdentifier(`expiry_count$${collection}`)}(p_rule text, ${countParameters.map(([name, type]) => `${name} ${type}`).join(', ')})`,
        counts,
        `  select max(x.at) into v_latest from unnest(p_cutoffs || p_own) x(at);
${holding.assign('p_kept')}
${branches(own, count)}
  return;`,
        { declare: `  v_latest timestamptz; ${reference}\n${holding.declare}`, overPlatform: true },
      ),
    ),
    byRule(rules, 'expiry_count', countParameters, counts),
    compileKeptDue(retaining, catalogue),
    definer(
      // The days of each rule as they are now; a group is told by the row that holds them.
      'expiry_periods(p_collection text, p_rule text)',
      'table (period text, days int)',
      `${choice(
        `p_collection || '.' || p_rule`,
        rules.map(
          (each) =>
            `  when ${quoteLiteral(`${each.collection}.${each.name}`)} then return query ${each.periods};`,
        ),
      )}
  return;`,
      { overPlatform: true },
    ),
    definer(
      // How many objects in R2 the rows name, by their age and by what became of what they were sent with.
      'object_ages()',
      'table (collection text, sent_with text, fate text, age text, objects bigint, bytes bigint)',
      `${ages.map((query) => `  return query ${query};`).join('\n')}
  return;`,
      { overPlatform: true },
    ),
  ].join('\n');
}

/** Counts kept rows whose term is over, of those whose keys are given; run as the reader. */
function compileKeptDue({ map, holding, terms }: Retaining, catalogue: Catalogue): string {
  return definer(
    'kept_due(p_kind text, p_collection text, p_keys text[], p_cutoff timestamptz, p_kept jsonb)',
    'table (due bigint, kept bigint, referred bigint)',
    `${holding.assign('p_kept')}
${choice(
  `p_kind || '.' || p_collection`,
  terms.map(
    (each) => `  when ${quoteLiteral(`${each.kind}.${each.collection}`)} then
    return query select count(*) filter (where ${each.spared} and ${each.unreferred}), count(*) filter (where not ${each.spared}),
        count(*) filter (where ${each.spared} and not (${each.unreferred}))
      from unnest(p_keys) k(value), ${fromItem(map, catalogue, each.held)}
      where ${isRow(catalogue, each.held, 'k.value')} and ${each.over('p_cutoff')} and ${each.fits('reading')};`,
  ),
)}
  return;`,
    { declare: `  ${reference}\n${holding.declare}`, overPlatform: true },
  );
}

/** Deals with kept rows whose term is over, of those whose keys are given; gives the keys of which that is true. */
function compileRelease(
  { map, holding, terms }: Retaining,
  catalogue: Catalogue,
  pins: string,
): readonly string[] {
  const parameters = 'p_keys text[], p_cutoff timestamptz, p_kept jsonb';
  return [
    ...terms.map((each) => {
      const { then } = each;
      const from = fromItem(map, catalogue, each.held);
      const where = [
        isRow(catalogue, each.held, 'k.value'),
        each.over('p_cutoff'),
        each.spared,
        each.unreferred,
      ].join(' and ');
      const change =
        then === 'delete'
          ? `with gone as (delete from ${from} using unnest(p_keys) k(value) where ${where} returning k.value)
      select coalesce(array_agg(g.value), '{}') into v_done from gone g;`
          : `with gone as (update ${from} set ${assignments(catalogue, each.held, then.set)} from unnest(p_keys) k(value) where ${where} returning k.value)
      select coalesce(array_agg(g.value), '{}') into v_done from gone g;`;
      return definer(
        `${quoteIdentifier(`release_rows$${each.kind}$${each.collection}`)}(${parameters})`,
        'text[]',
        `${holding.assign('p_kept')}
    ${then !== 'delete' && Object.values(then.set).some(isReplacement) ? again(change) : change}
  set constraints all immediate;
  return v_done;`,
        { declare: `  v_done text[]; ${reference}\n${holding.declare}`, pins, overPlatform: true },
      );
    }),
    definer(
      `release_rows(p_kind text, p_collection text, ${parameters})`,
      'text[]',
      choice(
        `p_kind || '.' || p_collection`,
        terms.map(
          (each) =>
            `  when ${quoteLiteral(`${each.kind}.${each.collection}`)} then return privacy_console.${quoteIdentifier(`release_rows$${each.kind}$${each.collection}`)}(p_keys, p_cutoff, p_kept);`,
        ),
      ),
    ),
  ];
}

/** Days at which the classes of ages end. */
const ageEnds = [30, 90, 365] as const;

/** For each collection that names objects: how many, by age and by the row they hang on where a rule speaks of that. */
function objectAges(map: KindMap, catalogue: Catalogue, rules: readonly Rule[]): readonly string[] {
  return Object.entries(map.collections).flatMap(([name, held]) => {
    const time = timeColumn(catalogue, held);
    if (held.object === undefined || time === null) return [];
    const age = instantOf(held.columns[time], `t.${quoteIdentifier(time)}`);
    const classes = `case ${ageEnds
      .map((end) => `when ${age} > clock_timestamp() - interval '${end} days' then 'to_${end}'`)
      .join(' ')} when ${age} is null then 'unknown' else 'older' end`;
    const bytes =
      held.object.bytes === undefined
        ? 'null::bigint'
        : `sum(t.${quoteIdentifier(held.object.bytes)})::bigint`;
    const path = held.subject.find(
      (each) =>
        each.of !== undefined &&
        rules.some((rule) => rule.collection === each.of && rule.rule.where !== undefined),
    );
    const rule = rules.find((each) => each.collection === path?.of && each.rule.where !== undefined);
    const from = fromItem(map, catalogue, held);
    if (path?.of === undefined || rule === undefined)
      return [
        `select ${quoteLiteral(name)}::text, null::text, 'none'::text, ${classes}, count(*), ${bytes} from ${from} group by 3, 4`,
      ];
    const parent = collectionNamed(map, path.of);
    const on = path.columns
      .map((column, place) =>
        compareColumns(
          [columnOf(catalogue, held, column), 't'],
          [columnOf(catalogue, parent, path.keys[place] ?? ''), 'p'],
        ),
      )
      .join(' and ');
    const where = Object.entries(rule.rule.where ?? {})
      .map(
        ([column, values]) =>
          `p.${quoteIdentifier(column)}::text in (${values.map(quoteLiteral).join(', ')})`,
      )
      .join(' and ');
    const [first = ''] = path.columns;
    const [key = ''] = path.keys;
    const fate = `case when t.${quoteIdentifier(first)} is null then 'none' when p.${quoteIdentifier(key)} is null then 'gone' when ${where} then 'delivered' else 'pending' end`;
    return [
      `select ${quoteLiteral(name)}::text, ${quoteLiteral(path.of)}::text, ${fate}, ${classes}, count(*), ${bytes} from ${from} left join ${fromItem(map, catalogue, parent, 'p')} on ${on} group by 3, 4`,
    ];
  });
}

/** Places of rows in a block, so that block and row are one number; no block of PostgreSQL holds more. */
const placesOfBlock = 2048;

const expireParameters = [
  ['p_periods', 'text[]'],
  ['p_cutoffs', 'timestamptz[]'],
  ['p_except', 'oid[]'],
  ['p_limit', 'int'],
  ['p_after', 'jsonb'],
  ['p_kept', 'jsonb'],
] as const;

/**
 * What retention changes; run as the writer. A batch goes through a stretch of the table's blocks, of all its
 * partitions side by side: what comes before isn't looked at again, no index is needed, and rows that a batch
 * deleted cost the next one nothing. `p_after` is where the last one ended and how wide its stretch was.
 */
export function compileRetentionWriting(whole: DataMap, catalogue: Catalogue): string {
  const retaining = retainingOf(whole, catalogue);
  const { map, holding, rules } = retaining;
  const schemas = [
    ...new Set(Object.values(map.collections).map((held) => tableParts(held.table)?.schema ?? '')),
  ];
  // The platform's own triggers may name their tables bare.
  const pins = `set search_path = pg_catalog, ${schemas.map(quoteIdentifier).join(', ')}, pg_temp ${planPins}`;
  return [
    ...byCollection(rules).map(([collection, own]) =>
      definer(
        `${quoteIdentifier(`expire_rows$${collection}`)}(p_rule text, ${expireParameters.map(([name, type]) => `${name} ${type}`).join(', ')})`,
        'jsonb',
        `  select max(x.at) into v_latest from unnest(p_cutoffs) x(at);
${holding.assign('p_kept')}
  with recursive below (oid) as (
    select ${quoteLiteral(quoteTable(own[0]?.held.table ?? ''))}::regclass::oid
    union all select i.inhrelid from below b join pg_inherits i on i.inhparent = b.oid)
    select coalesce(max(pg_relation_size(b.oid)), 0) / current_setting('block_size')::bigint * ${placesOfBlock} into v_end from below b;
  v_from := coalesce((p_after ->> 0)::bigint, 0);
  v_width := coalesce((p_after ->> 1)::bigint, 16 * ${placesOfBlock});
  while v_from < v_end and v_rows < p_limit and v_looked < 65536 * ${placesOfBlock}::bigint loop
    v_low := ('(' || v_from / ${placesOfBlock} || ',' || v_from % ${placesOfBlock} || ')')::tid;
    v_high := ('(' || (v_from + v_width) / ${placesOfBlock} || ',' || (v_from + v_width) % ${placesOfBlock} || ')')::tid;
${branches(own, (each) => expiring(map, catalogue, each))}
    v_looked := v_looked + v_width;
    v_from := v_from + v_width;
    if v_count * 4 < p_limit then
      v_width := least(v_width * 2, 8192 * ${placesOfBlock});
    end if;
  end loop;
  -- Deferred constraints and triggers of the platform speak now, with this owner's rights.
  set constraints all immediate;
  return jsonb_build_object('rows', v_rows, 'more', v_from < v_end, 'after', jsonb_build_array(v_from, v_width));`,
        {
          declare: `  v_latest timestamptz; v_end bigint; v_from bigint; v_width bigint; v_looked bigint := 0; v_low tid; v_high tid; v_count bigint; v_changed bigint; v_rows bigint := 0; ${reference}\n${holding.declare}`,
          pins,
          overPlatform: true,
        },
      ),
    ),
    byRule(rules, 'expire_rows', expireParameters, 'jsonb'),
    ...compileRelease(retaining, catalogue, pins),
  ].join('\n');
}

/**
 * Counts what may be due between two places, by its time alone and without what it is joined to, and deals with it where
 * that fits into the batch; else the stretch is halved.
 */
function expiring(map: KindMap, catalogue: Catalogue, each: Rule): string {
  const from = fromItem(map, catalogue, each.held);
  const further = each.hops.map((hop) => hop.from);
  const condition = [
    't.ctid >= v_low and t.ctid < v_high',
    ...each.hops.map((hop) => hop.on),
    each.before('v_latest'),
    each.before(cutoffOf(each.group)),
    't.tableoid <> all (p_except)',
    each.fits('writing'),
    each.spared,
    each.unreferred,
  ].join(' and ');
  const { then } = each.rule;
  const using = further.length === 0 ? '' : `${then === 'delete' ? 'using' : 'from'} ${further.join(', ')} `;
  const change =
    then === 'delete'
      ? `delete from ${from} ${using}where ${condition};
      get diagnostics v_changed = row_count;`
      : `update ${from} set ${assignments(catalogue, each.held, then.set)} ${using}where ${condition};
      get diagnostics v_changed = row_count;`;
  const candidates = ['t.ctid >= v_low and t.ctid < v_high', each.before('v_latest'), each.fits('writing')];
  return `    select count(*) into v_count from (select from ${from} where ${candidates.join(' and ')} limit p_limit - v_rows + 1) x;
    if v_count > p_limit - v_rows and v_width > 1 then
      v_width := greatest(1, v_width / 2);
      -- What is left of the batch is too little for this stretch.
      exit when v_rows > 0;
      continue;
    end if;
    if v_count > 0 then
      ${then !== 'delete' && Object.values(then.set).some(isReplacement) ? again(change) : change}
      v_rows := v_rows + v_changed;
    end if;`;
}

/** What the reader sees of tables with rules beyond what it shows: in which part a row lies, and what refers to it. */
export function retentionReaderRights(
  whole: DataMap,
  catalogue: Catalogue,
): ReadonlyMap<string, readonly string[]> {
  const rights = new Map<string, Set<string>>();
  const of = (table: string): Set<string> => {
    const known = rights.get(table) ?? new Set<string>();
    rights.set(table, known);
    return known;
  };
  const { rules, terms } = retainingOf(whole, catalogue);
  for (const { held } of rules) of(held.table).add('tableoid');
  for (const { held, links } of [...rules, ...terms]) {
    for (const { fromTable, reference } of links) {
      for (const column of reference.fromColumns) of(fromTable).add(column);
      for (const column of reference.toColumns) of(held.table).add(column);
    }
  }
  return new Map([...rights].map(([table, columns]) => [table, [...columns]]));
}

interface Right {
  readonly select: readonly string[];
  readonly update: readonly string[];
  readonly delete: boolean;
}

/** Columns the writer's rights cover for retention, by table. */
export function retentionRights(whole: DataMap, catalogue: Catalogue): ReadonlyMap<string, Right> {
  const { map, rules, terms } = retainingOf(whole, catalogue);
  const rights = new Map<string, { select: Set<string>; update: Set<string>; delete: boolean }>();
  const of = (table: string): { select: Set<string>; update: Set<string>; delete: boolean } => {
    const known = rights.get(table) ?? {
      select: new Set<string>(),
      update: new Set<string>(),
      delete: false,
    };
    rights.set(table, known);
    return known;
  };
  for (const { collection, held, rule, links } of rules) {
    const right = of(held.table);
    for (const column of ['tableoid', 'ctid', rule.from, ...Object.keys(rule.where ?? {})])
      right.select.add(column);
    if (rule.then === 'delete') right.delete = true;
    else
      for (const column of Object.keys(rule.then.set)) {
        right.select.add(column);
        right.update.add(column);
      }
    let at = collection;
    for (const hop of typeof rule.days === 'number' ? [] : rule.days.by) {
      for (const column of hop.columns) of(collectionNamed(map, at).table).select.add(column);
      at = hop.of ?? '';
      for (const key of hop.keys) of(collectionNamed(map, at).table).select.add(key);
    }
    for (const { fromTable, reference } of links) {
      for (const column of reference.fromColumns) of(fromTable).select.add(column);
      for (const column of reference.toColumns) right.select.add(column);
    }
  }
  for (const { held, keep, then, links } of terms) {
    const right = of(held.table);
    right.select.add(keep.from);
    if (then === 'delete') right.delete = true;
    else
      for (const column of Object.keys(then.set)) {
        right.select.add(column);
        right.update.add(column);
      }
    for (const { fromTable, reference: key } of links) {
      for (const column of key.fromColumns) of(fromTable).select.add(column);
      for (const column of key.toColumns) right.select.add(column);
    }
  }
  return new Map(
    [...rights].map(([table, right]) => [
      table,
      { select: [...right.select], update: [...right.update], delete: right.delete },
    ]),
  );
}

/** What the console stores of each term: rows of `privacy_console.kept_rule`, as SQL values. */
export function keptRows(whole: DataMap, catalogue: Catalogue): readonly string[] {
  return retainingOf(whole, catalogue).terms.map(({ kind, collection, held, keep, then }, place) => {
    const overwrites = then === 'delete' ? 'null' : quoteLiteral(Object.keys(then.set).join(', '));
    return `(${place + 1}, ${[kind, collection, held.title, keep.ground].map(quoteLiteral).join(', ')}, ${keep.years}, ${quoteLiteral(keep.from)}, ${overwrites}, ${quoteLiteral(JSON.stringify([kind, collection, held.table, keep]))})`;
  });
}

/** What the console stores of each rule: rows of `privacy_console.expiry_rule`, as SQL values. */
export function expiryRows(whole: DataMap, catalogue: Catalogue): readonly string[] {
  const { map, rules } = retainingOf(whole, catalogue);
  return rules.map(({ collection, name, rule, held }, place) => {
    const { schema, table } = tableParts(held.table) ?? { schema: '', table: '' };
    const { days, then } = rule;
    const period = typeof days === 'number' ? null : `${days.by.at(-1)?.of ?? ''}.${days.column}`;
    // What an approval of the rules stands for: the rule and every table it goes by.
    const tables = [
      held.table,
      ...(typeof days === 'number' ? [] : days.by.map((hop) => collectionNamed(map, hop.of ?? '').table)),
    ];
    const text = (value: string | null): string => (value === null ? 'null' : quoteLiteral(value));
    return `(${place + 1}, ${[collection, name, rule.title, schema, table, rule.from].map(quoteLiteral).join(', ')}, ${typeof days === 'number' ? days : 'null'}, ${text(period)}, ${text(then === 'delete' ? null : Object.keys(then.set).join(', '))}, ${quoteLiteral(JSON.stringify([collection, name, tables, rule]))})`;
  });
}
