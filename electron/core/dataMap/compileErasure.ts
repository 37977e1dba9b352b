import { definer, planPins } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { isRow, prefixExpression } from './compileReading.ts';
import { maskOf } from './masks.ts';
import type { Collection, DataMap } from './map.ts';
import {
  assignFrozen,
  assignLive,
  collectionNamed,
  columnOf,
  declareVariables,
  subjectConditions,
  subjectKeyType,
  typeOf,
  type KeyVariable,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/** One thing erasure does to one collection. */
interface Step {
  readonly collection: string;
  readonly action: 'detach' | 'delete' | 'anonymise' | 'keep';
  readonly variables: readonly KeyVariable[];
  /** Rows it concerns, on alias `t`. */
  readonly condition: string;
  readonly held: Collection;
  readonly set: Readonly<Record<string, string | null>>;
}

/** The frozen keys of a shared collection itself: its rows that erasure may touch. */
function ownVariable(catalogue: Catalogue, name: string, held: Collection): KeyVariable {
  const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
  return {
    name: `v_${name}_${key}`,
    scope: `${name}.${key}`,
    type: columnOf(catalogue, held, key).type,
    select: `select t.${quoteIdentifier(key)} from ${quoteTable(held.table)} t where t.${quoteIdentifier(held.shared?.owner ?? '')} = v_key`,
  };
}

/** Conditions of the rows of a collection that erasure concerns: not those that merely mention the subject. */
function erasureConditions(map: DataMap, catalogue: Catalogue, name: string): SubjectConditions {
  const held = collectionNamed(map, name);
  if (held.shared !== undefined) {
    const variable = ownVariable(catalogue, name, held);
    const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
    const expression = `t.${quoteIdentifier(key)}`;
    return {
      variables: [variable],
      paths: [
        {
          path: { column: key, ignoreCase: false },
          condition: `${expression} = any (${variable.name})`,
          variable,
          expression,
        },
      ],
    };
  }
  return subjectConditions(map, catalogue, held, {
    leaveOut: (path) => path.of === undefined && held.detach.includes(path.column),
  });
}

function anyOf(conditions: SubjectConditions): string {
  return conditions.paths.length === 0
    ? 'false'
    : `(${conditions.paths.map((each) => each.condition).join(' or ')})`;
}

function withAlias(condition: string, alias: string): string {
  return condition.replaceAll(/\bt\./g, `${alias}.`);
}

/** Condition on alias `t` of collection `name` that some row which stays refers to it; null when none can. */
function stays(
  map: DataMap,
  catalogue: Catalogue,
  name: string,
  variables: KeyVariable[],
  depth = 0,
): string | null {
  const held = collectionNamed(map, name);
  if (held.erasure.action !== 'delete' || held.erasure.whenReferenced === undefined) return null;
  if (depth > 4) throw new Error(`the map's whenReferenced goes round in a circle at ${name}`);
  const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
  const tests = held.erasure.whenReferenced.by.map((by) => {
    const other = collectionNamed(map, by.collection);
    const alias = `r${depth}`;
    const link = `${alias}.${quoteIdentifier(by.column)} = t.${quoteIdentifier(key)}`;
    if (other.erasure.action === 'keep' || other.erasure.action === 'none') {
      return `exists (select from ${quoteTable(other.table)} ${alias} where ${link})`;
    }
    const conditions = erasureConditions(map, catalogue, by.collection);
    for (const each of conditions.variables)
      if (!variables.some((known) => known.name === each.name)) variables.push(each);
    const further = stays(map, catalogue, by.collection, variables, depth + 1);
    const kept = other.erasure.action === 'anonymise' ? 'true' : (further ?? 'false');
    return `exists (select from ${quoteTable(other.table)} ${alias} where ${link} and ${withAlias(anyOf(conditions), alias)} and (${withAlias(kept, alias)}))`;
  });
  return `(${tests.join(' or ')})`;
}

/** The collections, those that refer to others before those they refer to. */
export function erasureOrder(map: DataMap, catalogue: Catalogue): readonly string[] {
  const names = Object.keys(map.collections);
  const tableOf = new Map(names.map((name) => [collectionNamed(map, name).table, name]));
  const parents = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  for (const reference of catalogue.references) {
    const from = tableOf.get(reference.from);
    const to = tableOf.get(reference.to);
    if (from !== undefined && to !== undefined && from !== to) parents.get(from)?.add(to);
  }
  const ordered: string[] = [];
  const remaining = new Set(names);
  while (remaining.size > 0) {
    const free = [...remaining].filter(
      (name) => ![...remaining].some((other) => parents.get(other)?.has(name)),
    );
    if (free.length === 0) throw new Error(`foreign keys form a circle among ${[...remaining].join(', ')}`);
    for (const name of free) {
      ordered.push(name);
      remaining.delete(name);
    }
  }
  return ordered;
}

function steps(map: DataMap, catalogue: Catalogue): readonly Step[] {
  const order = erasureOrder(map, catalogue);
  const made: Step[] = [];
  for (const name of order) {
    const held = collectionNamed(map, name);
    if (held.detach.length === 0) continue;
    const conditions = erasureConditions(map, catalogue, name);
    const mentions = held.detach.map((each) => `t.${quoteIdentifier(each)} = v_key`).join(' or ');
    made.push({
      collection: name,
      action: 'detach',
      held,
      variables: conditions.variables,
      condition: `(${mentions}) and ${anyOf(conditions)} is not true`,
      set: {},
    });
  }
  const kept: Step[] = [];
  for (const name of order) {
    const held = collectionNamed(map, name);
    const conditions = erasureConditions(map, catalogue, name);
    const variables = [...conditions.variables];
    const condition = anyOf(conditions);
    switch (held.erasure.action) {
      case 'none':
        break;
      case 'keep':
        kept.push({ collection: name, action: 'keep', held, variables, condition, set: {} });
        break;
      case 'anonymise':
        made.push({
          collection: name,
          action: 'anonymise',
          held,
          variables,
          condition,
          set: held.erasure.set,
        });
        break;
      case 'delete': {
        const staying = stays(map, catalogue, name, variables);
        if (staying === null) {
          made.push({ collection: name, action: 'delete', held, variables, condition, set: {} });
        } else {
          made.push({
            collection: name,
            action: 'delete',
            held,
            variables,
            condition: `${condition} and ${staying} is not true`,
            set: {},
          });
          made.push({
            collection: name,
            action: 'anonymise',
            held,
            variables,
            condition: `${condition} and ${staying}`,
            set: held.erasure.whenReferenced?.set ?? {},
          });
        }
      }
    }
  }
  return [...made, ...kept];
}

function valueOf(catalogue: Catalogue, held: Collection, column: string, value: string | null): string {
  const type = typeOf(columnOf(catalogue, held, column));
  if (value === null) return `null::${type}`;
  if (value === 'now') return `clock_timestamp()::${type}`;
  return value.includes('{reference}')
    ? `replace(${quoteLiteral(value)}, '{reference}', p_reference)::${type}`
    : `${quoteLiteral(value)}::${type}`;
}

/** Condition that a row doesn't yet hold what anonymising sets, as far as the reader may look. */
function notYet({ set, held }: Step): string {
  const tests = Object.entries(set)
    .filter(([column, value]) => value !== 'now' && held.columns[column]?.never !== true)
    .map(([column, value]) =>
      value === null
        ? `t.${quoteIdentifier(column)} is not null`
        : `t.${quoteIdentifier(column)}::text is distinct from replace(${quoteLiteral(value)}, '{reference}', p_reference)`,
    );
  return tests.length === 0 ? 'true' : `(${tests.join(' or ')})`;
}

function assignments(catalogue: Catalogue, held: Collection, set: Step['set']): string {
  return Object.entries(set)
    .map(([column, value]) => `${quoteIdentifier(column)} = ${valueOf(catalogue, held, column, value)}`)
    .join(', ');
}

/** Condition of the rows a step still has to deal with. */
function open(step: Step): string {
  return step.action === 'anonymise' ? `${step.condition} and ${notYet(step)}` : step.condition;
}

function unique(variables: readonly KeyVariable[]): readonly KeyVariable[] {
  return [...new Map(variables.map((each) => [each.name, each])).values()];
}

/** What erasure reads: scope, shared rows, counts, objects; run as the reader. */
export function compileErasureReading(map: DataMap, catalogue: Catalogue): string {
  const keyType = subjectKeyType(map, catalogue);
  const all = steps(map, catalogue);
  const variables = unique(all.flatMap((step) => step.variables));
  const declare = declareVariables(map, catalogue, variables);
  const begin = `  v_key := p_key::${keyType};`;
  const shared = Object.entries(map.collections).flatMap(([name, held]) =>
    held.shared === undefined ? [] : [sharedQuery(map, catalogue, name, held, held.shared)],
  );
  const places = new Map(all.map((step, place) => [step, place + 1]));
  const planned = all.map((step) =>
    step.held.erasure.action === 'keep'
      ? `select ${places.get(step)}, ${quoteLiteral(step.collection)}, 'keep', count(*), ${quoteLiteral(step.held.erasure.ground)}, max(t.${quoteIdentifier(step.held.erasure.from)})::timestamptz + make_interval(years => ${step.held.erasure.years}) from ${quoteTable(step.held.table)} t where ${step.condition}`
      : `select ${places.get(step)}, ${quoteLiteral(step.collection)}, ${quoteLiteral(step.action)}, count(*), null::text, null::timestamptz from ${quoteTable(step.held.table)} t where ${open(step)}`,
  );
  const objects = Object.keys(map.collections).flatMap((name) => {
    const held = collectionNamed(map, name);
    const conditions = erasureConditions(map, catalogue, name);
    const table = quoteTable(held.table);
    return [
      ...(held.objectPrefix === undefined
        ? []
        : [
            {
              conditions,
              query: `select ${prefixExpression(held)}, null::text from ${table} t where ${anyOf(conditions)}`,
            },
          ]),
      ...(held.object === undefined
        ? []
        : [
            {
              conditions,
              query: `select null::text, t.${quoteIdentifier(held.object.key)}::text from ${table} t where ${anyOf(conditions)} and t.${quoteIdentifier(held.object.key)} is not null`,
            },
          ]),
    ];
  });
  const objectVariables = unique(objects.flatMap((part) => part.conditions.variables));
  return [
    definer(
      'erasure_scope(p_key text)',
      'table (name text, value text)',
      `${begin}
${assignLive(variables)}
${variables.map((each) => `  return query select ${quoteLiteral(each.scope)}::text, x.value::text from unnest(${each.name}) x(value);`).join('\n')}
  return;`,
      { declare },
    ),
    definer(
      'shared_rows(p_key text)',
      'table (collection text, row_key text, about text, successor text)',
      `${begin}
${shared.map((query) => `  return query ${query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, []) },
    ),
    definer(
      'rows_to_erase(p_key text, p_scope jsonb, p_reference text)',
      'table (place int, collection text, action text, planned bigint, because text, until timestamptz)',
      `${begin}
${assignFrozen(variables)}
${planned.flatMap((query, place) => (all[place]?.action === 'keep' ? [] : [`  return query ${query};`])).join('\n')}
  -- What the law keeps is kept in what is handed over too: those rows name the person as well.
${assignLive(variables)}
${planned.flatMap((query, place) => (all[place]?.action === 'keep' ? [`  return query ${query};`] : [])).join('\n')}
  return;`,
      { declare },
    ),
    definer(
      'objects_to_erase(p_key text, p_scope jsonb)',
      'table (prefix text, key text)',
      `${begin}
${assignFrozen(objectVariables)}
${objects.map((part) => `  return query ${part.query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, objectVariables) },
    ),
  ].join('\n');
}

function sharedQuery(
  map: DataMap,
  catalogue: Catalogue,
  name: string,
  held: Collection,
  shared: NonNullable<Collection['shared']>,
): string {
  const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
  const bridge = quoteTable(collectionNamed(map, shared.by).table);
  const mask = held.columns[shared.about]?.mask;
  const about = `t.${quoteIdentifier(shared.about)}::text`;
  const others = `${bridge} b where b.${quoteIdentifier(shared.column)} = t.${quoteIdentifier(key)} and b.${quoteIdentifier(shared.person)} <> v_key`;
  return `select ${quoteLiteral(name)}::text, t.${quoteIdentifier(key)}::text, ${mask === undefined ? about : maskOf(mask, about)},
    (select b.${quoteIdentifier(shared.person)}::text from ${others} order by b.${quoteIdentifier(shared.since)}, b.${quoteIdentifier(shared.person)} limit 1)
    from ${quoteTable(held.table)} t where t.${quoteIdentifier(shared.owner)} = v_key and exists (select from ${others})`;
}

/** What erasure and row actions change; run as the writer, whose rights platform triggers then have. */
export function compileErasureWriting(map: DataMap, catalogue: Catalogue): string {
  const keyType = subjectKeyType(map, catalogue);
  const schemas = [...new Set(Object.values(map.collections).map((held) => held.table.split('.')[0] ?? ''))];
  // The platform's own triggers may name their tables bare.
  const pins = `set search_path = pg_catalog, ${schemas.map(quoteIdentifier).join(', ')}, pg_temp ${planPins}`;
  const writing = steps(map, catalogue).filter((step) => step.action !== 'keep');
  const variables = unique(writing.flatMap((step) => step.variables));
  const branches = writing.map((step) => {
    const table = quoteTable(step.held.table);
    const columns = catalogue.primaryKeys.get(step.held.table) ?? [];
    const doomed = `(select ${columns.map((each) => `t.${quoteIdentifier(each)}`).join(', ')} from ${table} t where ${open(step)} limit p_limit) d`;
    const same = columns
      .map((each) => `t.${quoteIdentifier(each)} = d.${quoteIdentifier(each)}`)
      .join(' and ');
    const statement =
      step.action === 'delete'
        ? `delete from ${table} t using ${doomed} where ${same}`
        : `update ${table} t set ${
            step.action === 'detach'
              ? step.held.detach
                  .map(
                    (each) =>
                      `${quoteIdentifier(each)} = case when t.${quoteIdentifier(each)} = v_key then null else t.${quoteIdentifier(each)} end`,
                  )
                  .join(', ')
              : assignments(catalogue, step.held, step.set)
          } from ${doomed} where ${same}`;
    return `when ${quoteLiteral(`${step.collection}.${step.action}`)} then
    ${statement};`;
  });
  const sharing = Object.entries(map.collections).flatMap(([name, held]) => {
    if (held.shared === undefined) return [];
    const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
    const owner = quoteIdentifier(held.shared.owner);
    const type = typeOf(columnOf(catalogue, held, key));
    const ownerType = typeOf(columnOf(catalogue, held, held.shared.owner));
    return [
      `when ${quoteLiteral(name)} then
    update ${quoteTable(held.table)} t set ${owner} = p_successor::${ownerType}
      where t.${quoteIdentifier(key)} = p_row_key::${type} and t.${owner} = p_key::${ownerType};`,
    ];
  });
  const actions = Object.entries(map.collections).flatMap(([name, held]) =>
    Object.entries(held.actions).map(([action, what]) => {
      const conditions = subjectConditions(map, catalogue, held);
      const once = what.onlyIfNull === undefined ? '' : ` and t.${quoteIdentifier(what.onlyIfNull)} is null`;
      return {
        variables: conditions.variables,
        branch: `when ${quoteLiteral(`${name}.${action}`)} then
    update ${quoteTable(held.table)} t set ${assignments(catalogue, held, what.set)} where ${isRow(catalogue, held)} and ${anyOf(conditions)}${once};`,
      };
    }),
  );
  const actionVariables = unique(actions.flatMap((each) => each.variables));
  const finish = `
  get diagnostics v_rows = row_count;
  -- Deferred constraints and triggers of the platform speak now, with this owner's rights.
  set constraints all immediate;
  return v_rows;`;
  return [
    definer(
      'erase_rows(p_collection text, p_action text, p_key text, p_scope jsonb, p_reference text, p_limit int)',
      'bigint',
      `  v_key := p_key::${keyType};
${assignFrozen(variables)}
  case p_collection || '.' || p_action
${branches.join('\n  ')}
  end case;${finish}`,
      { declare: `${declareVariables(map, catalogue, variables)}\n  v_rows bigint;`, pins },
    ),
    definer(
      'hand_over(p_collection text, p_key text, p_row_key text, p_successor text)',
      'bigint',
      sharing.length === 0
        ? "  raise exception 'Nothing in the map is shared.' using errcode = 'PC005';"
        : `  case p_collection
${sharing.join('\n  ')}
  end case;${finish}`,
      { declare: '  v_rows bigint;', pins },
    ),
    definer(
      'act_on_row(p_collection text, p_action text, p_key text, p_row_key text, p_reference text)',
      'bigint',
      actions.length === 0
        ? "  raise exception 'The map allows nothing to be done to a row.' using errcode = 'PC005';"
        : `  v_key := p_key::${keyType};
${assignLive(actionVariables)}
  case p_collection || '.' || p_action
${actions.map((each) => each.branch).join('\n  ')}
  else
    raise exception 'The map allows no such thing.' using errcode = 'PC005';
  end case;${finish}`,
      { declare: `${declareVariables(map, catalogue, actionVariables)}\n  v_rows bigint;`, pins },
    ),
  ].join('\n');
}

/** Columns the writer's rights cover, by table. */
export function writerRights(
  map: DataMap,
  catalogue: Catalogue,
): ReadonlyMap<
  string,
  { readonly select: readonly string[]; readonly update: readonly string[]; readonly delete: boolean }
> {
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
  for (const [, held] of Object.entries(map.collections)) {
    const right = of(held.table);
    for (const column of catalogue.primaryKeys.get(held.table) ?? []) right.select.add(column);
    for (const path of held.subject) {
      right.select.add(path.column);
      if (path.of !== undefined) of(collectionNamed(map, path.of).table).select.add(path.key ?? '');
    }
    for (const column of held.detach) {
      right.select.add(column);
      right.update.add(column);
    }
    const sets = [
      ...(held.erasure.action === 'anonymise' ? [held.erasure.set] : []),
      ...(held.erasure.action === 'delete' && held.erasure.whenReferenced !== undefined
        ? [held.erasure.whenReferenced.set]
        : []),
      ...Object.values(held.actions).map((action) => action.set),
    ];
    for (const set of sets) {
      for (const column of Object.keys(set)) {
        right.select.add(column);
        right.update.add(column);
      }
    }
    for (const action of Object.values(held.actions))
      if (action.onlyIfNull !== undefined) right.select.add(action.onlyIfNull);
    if (held.erasure.action === 'delete') {
      right.delete = true;
      for (const by of held.erasure.whenReferenced?.by ?? [])
        of(collectionNamed(map, by.collection).table).select.add(by.column);
    }
    if (held.shared !== undefined) {
      right.select.add(held.shared.owner);
      right.update.add(held.shared.owner);
    }
  }
  return new Map(
    [...rights].map(([table, right]) => [
      table,
      { select: [...right.select], update: [...right.update], delete: right.delete },
    ]),
  );
}
