import { createHash } from 'node:crypto';
import { onlyOf, type Catalogue, type CatalogueColumn } from './catalogue.ts';
import type { KindCollection, KindMap, MapColumn, SubjectPath } from './map.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/** One array of a key variable: a key of several columns travels as arrays side by side. */
interface KeyPart {
  readonly name: string;
  readonly type: string;
  /** What it is filled with, on alias `t` of the parent. */
  readonly value: string;
  readonly column: string;
}

/** A variable of a generated function that holds the keys other rows hang on. */
export interface KeyVariable {
  readonly name: string;
  /** Name in a plan's frozen scope, e.g. `workspaces.id`; the values there are texts, JSON arrays of texts where the key has several columns. */
  readonly scope: string;
  readonly parts: readonly KeyPart[];
  readonly parent: string;
  /** `from` item of the parent, alias `t`. */
  readonly from: string;
  /** How rows of the parent belong to the subject. */
  readonly paths: readonly PathCondition[];
  /** Name shared by the variables whose paths go round in a circle; null for one that hangs on earlier ones only. */
  readonly cycle: string | null;
  /** Condition on `t` that leaves out what is handed over to somebody else; only where erasure's scope is read. */
  readonly notHandedOver: string | null;
}

/** How one path narrows a table to the subject's rows. */
export interface PathCondition {
  readonly path: SubjectPath;
  /** Name of the variable the path goes through; null when it compares with the subject's key itself. */
  readonly variable: string | null;
  /** Condition on an alias of the table; `suffix` names a variable that holds some of the keys only. */
  readonly on: (alias: string, suffix?: string) => string;
  /** `from` item of the variable's keys, alias `p`; empty without a variable. */
  readonly keys: string;
  /** Condition on alias `t` that it hangs on the key in alias `p`. */
  readonly hangsOnKey: string;
  /** What of alias `t` is compared with the variable's arrays, each in its form; empty without a variable. */
  readonly compared: readonly string[];
}

export interface SubjectConditions {
  /** In the order in which they must be assigned. */
  readonly variables: readonly KeyVariable[];
  readonly paths: readonly PathCondition[];
}

/** The column as the live database has it; the map was checked against it before. */
export function columnOf(
  catalogue: Catalogue,
  held: { readonly table: string },
  column: string,
): CatalogueColumn {
  return columnOfTable(catalogue, held.table, column);
}

export function columnOfTable(catalogue: Catalogue, table: string, column: string): CatalogueColumn {
  const found = catalogue.tables.get(table)?.get(column);
  if (found === undefined) throw new Error(`unchecked map: ${table}.${column}`);
  return found;
}

/** Type as written in SQL; its schema is named when it isn't the catalogue's. */
export function typeOf(column: CatalogueColumn): string {
  // The base type, because what the catalogue calls `character` is one character long in a declaration.
  if (column.typeSchema === 'pg_catalog') return column.baseType;
  return `${quoteIdentifier(column.typeSchema)}.${quoteIdentifier(column.type.slice(column.typeSchema.length + 1))}`;
}

/** The same of what a column's type comes down to, below its domains. */
export function baseTypeOf(column: CatalogueColumn): string {
  if (column.baseSchema === 'pg_catalog') return column.baseType;
  return `${quoteIdentifier(column.baseSchema)}.${quoteIdentifier(column.baseType.slice(column.baseSchema.length + 1))}`;
}

/** Whether equality on the type is the catalogue's own, exact and immune to other operators. */
export function isBase(column: CatalogueColumn): boolean {
  return column.typeSchema === 'pg_catalog';
}

/** Types of the catalogue whose equality is exact and whose values survive the way through their text. */
const wholeNumbers = ['smallint', 'integer', 'bigint'];
const comparable = [
  ...wholeNumbers,
  'numeric',
  'text',
  'character varying',
  'bpchar',
  'uuid',
  'date',
  'timestamp without time zone',
  'timestamp with time zone',
  'time without time zone',
  'bytea',
  'inet',
  'cidr',
  'macaddr',
  'boolean',
  'oid',
];

/** Text, of whatever type below its domains. */
export function isTextual(column: CatalogueColumn): boolean {
  if (column.typeKind === 'a') return false;
  return column.baseSchema === 'pg_catalog'
    ? ['text', 'character varying', 'bpchar'].includes(column.baseType)
    : foldsCase(column);
}

/** Text that is compared without regard to case by its own type. */
export function foldsCase(column: CatalogueColumn): boolean {
  return (
    column.baseSchema !== 'pg_catalog' && column.baseType.slice(column.baseSchema.length + 1) === 'citext'
  );
}

/** In what two columns are compared: a type of the catalogue, or text in lower case. */
function form(one: CatalogueColumn, other: CatalogueColumn, ignoreCase: boolean): string {
  if (ignoreCase || (foldsCase(one) && foldsCase(other))) return 'lower';
  const types = [one, other].map((each) => (each.baseSchema === 'pg_catalog' ? each.baseType : 'text'));
  const [first = 'text', second = 'text'] = types;
  if (first === second) return comparable.includes(first) ? first : 'text';
  const numbers = types.filter((each) => [...wholeNumbers, 'numeric'].includes(each));
  if (numbers.length === 2) return types.includes('numeric') ? 'numeric' : 'bigint';
  return 'text';
}

/** Form in which one key of the subject is held: its own type, text where that has no exact equality. */
function keyForm(column: CatalogueColumn): string {
  return form(column, column, false);
}

function typeOfForm(form: string): string {
  return form === 'lower' ? 'text' : form;
}

/** A column in the form it is compared in. */
function inForm(column: CatalogueColumn, raw: string, wanted: string): string {
  if (wanted === 'lower') return `lower(${raw}::text)`;
  if (column.typeSchema === 'pg_catalog' && column.baseType === wanted) return raw;
  return `${raw}::${wanted}`;
}

/** A column compared with a value of the same column: exact, and by the column's index where it has one. */
export function sameColumn(column: CatalogueColumn): { on: (raw: string) => string; type: string } {
  if (column.typeSchema === 'pg_catalog' && comparable.includes(column.baseType))
    return { on: (raw) => raw, type: column.baseType };
  // The catalogue's equality of enums takes any of them.
  if (column.typeKind === 'e') return { on: (raw) => raw, type: typeOf(column) };
  const type =
    column.baseSchema === 'pg_catalog' && comparable.includes(column.baseType) ? column.baseType : 'text';
  return { on: (raw) => `${raw}::${type}`, type };
}

/** How rows are ordered by a column: by the catalogue's own order, so that what follows a value is the same everywhere. */
export function ordered(column: CatalogueColumn): { on: (raw: string) => string; type: string } {
  if (column.typeSchema === 'pg_catalog') return { on: (raw) => raw, type: column.baseType };
  const type = column.baseSchema === 'pg_catalog' ? column.baseType : 'text';
  return { on: (raw) => `${raw}::${type}`, type };
}

/** Equality of two columns, each on its alias, in the form both can be compared in. */
export function compareColumns(
  [one, oneAlias]: readonly [CatalogueColumn, string],
  [other, otherAlias]: readonly [CatalogueColumn, string],
): string {
  const compared = form(one, other, false);
  return `${inForm(one, `${oneAlias}.${quoteIdentifier(one.column)}`, compared)} = ${inForm(other, `${otherAlias}.${quoteIdentifier(other.column)}`, compared)}`;
}

/** Seconds of the years 1 to 9999, within which a number can be read as a time. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** A column as a time: its own type's, or where the map says so a number of seconds or milliseconds since 1970. */
export function instantOf(mapped: MapColumn | undefined, raw: string): string {
  if (mapped?.epoch === undefined) return `${raw}::timestamptz`;
  const seconds = mapped.epoch === 'seconds' ? `${raw}::float8` : `${raw}::float8 / 1000`;
  // A cast that can fail would tell of a row in its error.
  return `case when ${seconds} between ${firstSecond} and ${lastSecond} then to_timestamp(${seconds}) end`;
}

export function collectionNamed<Held>(
  map: { readonly collections: Readonly<Record<string, Held>> },
  name: string,
): Held {
  const found = Object.hasOwn(map.collections, name) ? map.collections[name] : undefined;
  if (found === undefined) throw new Error(`unchecked map: ${name}`);
  return found;
}

/** `from` item of a collection with its alias. */
export function fromItem(map: KindMap, catalogue: Catalogue, held: KindCollection, alias = 't'): string {
  return `${onlyOf(map.whole, catalogue, held)}${quoteTable(held.table)} ${alias}`;
}

interface SubjectKeyPart {
  readonly variable: string;
  readonly form: string;
  readonly column: CatalogueColumn;
}

/** A value that is a key by itself is text, compared exactly as it is stored. */
const valueColumn: CatalogueColumn = {
  schema: '',
  table: '',
  column: '',
  type: 'text',
  typeSchema: 'pg_catalog',
  typeKind: 'b',
  notNull: true,
  baseType: 'text',
  baseSchema: 'pg_catalog',
  baseKind: 'b',
  length: null,
  generated: false,
};

/** The variables that hold the subject's key: `v_key`, and where it has several columns one more for each. */
function subjectKey(map: KindMap, catalogue: Catalogue): readonly SubjectKeyPart[] {
  const { collection } = map.subject;
  return map.subject.key.map((name, place) => {
    const column =
      collection === null ? valueColumn : columnOf(catalogue, collectionNamed(map, collection), name);
    return {
      variable: map.subject.key.length === 1 ? 'v_key' : `v_key_${place + 1}`,
      form: keyForm(column),
      column,
    };
  });
}

/** Type of `v_key`; a key of several columns is the JSON array of their texts. */
export function subjectKeyType(map: KindMap, catalogue: Catalogue): string {
  const [only, ...more] = subjectKey(map, catalogue);
  return only === undefined || more.length > 0 ? 'text' : typeOfForm(only.form);
}

/** Sets `v_key` and its parts from the text of the key. */
export function assignKey(map: KindMap, catalogue: Catalogue, text: string): string {
  const parts = subjectKey(map, catalogue);
  if (parts.length === 1) return `  v_key := ${text}::${subjectKeyType(map, catalogue)};`;
  return [
    `  v_key := ${text};`,
    ...parts.map(
      (part, place) => `  ${part.variable} := (v_key::json ->> ${place})::${typeOfForm(part.form)};`,
    ),
  ].join('\n');
}

/** The subject's key in the columns of a row, of `v_key`'s type. */
export function subjectKeyIn(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  columns: readonly string[],
  alias: string,
): string {
  const parts = subjectKey(map, catalogue).map((part, place) => {
    const name = columns[place] ?? '';
    return inForm(columnOf(catalogue, held, name), `${alias}.${quoteIdentifier(name)}`, part.form);
  });
  return parts.length === 1
    ? (parts[0] ?? '')
    : `json_build_array(${parts.map((part) => `${part}::text`).join(', ')})::text`;
}

/** Condition that the holder's row in `alias` is the subject whose key is in the SQL expression `key`, of `v_key`'s type. */
export function isSubject(map: KindMap, catalogue: Catalogue, alias: string, key: string): string {
  const parts = subjectKey(map, catalogue);
  return parts
    .map((part, place) => {
      const raw = `${alias}.${quoteIdentifier(map.subject.key[place] ?? '')}`;
      const value = parts.length === 1 ? key : `(${key}::json ->> ${place})::${typeOfForm(part.form)}`;
      return `${inForm(part.column, raw, part.form)} = ${value}`;
    })
    .join(' and ');
}

/** How conditions are made: for reading, or for erasure, which leaves out rows that merely mention the subject. */
export interface Scope {
  readonly map: KindMap;
  readonly catalogue: Catalogue;
  readonly erasing: boolean;
  /** Collections whose rows erasure finds by their own frozen keys too, since it sets to null what else tells them. */
  readonly byOwnKey: ReadonlySet<string>;
  /** How the paths of each collection narrow it, of those that were asked for: most hang on a few. */
  readonly paths: Map<string, readonly Made[]>;
}

export function readingScope(map: KindMap, catalogue: Catalogue): Scope {
  return { map, catalogue, erasing: false, byOwnKey: new Set(), paths: new Map() };
}

export function erasingScope(map: KindMap, catalogue: Catalogue, byOwnKey: ReadonlySet<string>): Scope {
  return { map, catalogue, erasing: true, byOwnKey, paths: new Map() };
}

/** Columns of the subject's key that are set to null rather than their row erased. */
export function detachedColumns(held: KindCollection): readonly string[] {
  return held.detach.filter((each) => typeof each === 'string');
}

/** The paths by which erasure finds a collection's rows: not those that are set to null instead. */
export function erasingPaths(held: KindCollection): readonly SubjectPath[] {
  const detached = detachedColumns(held);
  return held.subject.filter(
    (path) => path.of !== undefined || !path.columns.some((column) => detached.includes(column)),
  );
}

/** The path of a collection’s rows by their own keys. */
function ownKeyPath({ map, catalogue }: Scope, name: string): SubjectPath {
  const keys = [...(catalogue.primaryKeys.get(collectionNamed(map, name).table) ?? [])];
  return { kind: map.kind, columns: keys, of: name, keys, ignoreCase: false };
}

/** The paths by which rows of a collection belong to the subject, in the given scope. */
function pathsOf(scope: Scope, name: string): readonly SubjectPath[] {
  const held = collectionNamed(scope.map, name);
  if (!scope.erasing) return held.subject;
  if (held.shared !== undefined)
    return [
      { kind: scope.map.kind, columns: [held.shared.owner], of: undefined, keys: [], ignoreCase: false },
    ];
  return [...erasingPaths(held), ...(scope.byOwnKey.has(name) ? [ownKeyPath(scope, name)] : [])];
}

function pathsIn(scope: Scope, name: string): readonly Made[] {
  const known = scope.paths.get(name);
  if (known !== undefined) return known;
  const held = collectionNamed(scope.map, name);
  const made = pathsOf(scope, name).map((path) => pathCondition(scope, held, path));
  scope.paths.set(name, made);
  return made;
}

/** Conditions that narrow a collection to one subject, whose key is in `v_key`. */
export function subjectConditions(scope: Scope, name: string): SubjectConditions {
  return conditionsOf(scope, pathsIn(scope, name));
}

/** Conditions of certain paths of a collection alone. */
export function conditionsOfPaths(
  scope: Scope,
  held: KindCollection,
  paths: readonly SubjectPath[],
): SubjectConditions {
  return conditionsOf(
    scope,
    paths.map((path) => pathCondition(scope, held, path)),
  );
}

/** Condition of the rows of a shared collection that erasure may touch: by their own frozen keys, for handing over changes what else tells them. */
export function sharedConditions(scope: Scope, name: string): SubjectConditions {
  return conditionsOfPaths(scope, collectionNamed(scope.map, name), [ownKeyPath(scope, name)]);
}

function conditionsOf(scope: Scope, made: readonly Made[]): SubjectConditions {
  return {
    variables: inOrder(
      scope,
      made.flatMap((each) => (each.needs === null ? [] : [each.needs])),
    ),
    paths: made,
  };
}

/** What a path asks for: keys of a parent, in certain forms. */
interface Wanted {
  readonly name: string;
  readonly parent: string;
  readonly keys: readonly string[];
  readonly forms: readonly string[];
}

interface Made extends PathCondition {
  readonly needs: Wanted | null;
}

function pathCondition(scope: Scope, held: KindCollection, path: SubjectPath): Made {
  const { map, catalogue } = scope;
  const columns = path.columns.map((name) => columnOf(catalogue, held, name));
  const raw = (alias: string, place: number): string =>
    `${alias}.${quoteIdentifier(path.columns[place] ?? '')}`;
  if (path.of === undefined) {
    const key = subjectKey(map, catalogue);
    const on = (alias: string): string =>
      columns
        .map((column, place) => {
          const part = key[place];
          if (part === undefined) throw new Error('unchecked map: a path has too many columns');
          const compared = form(column, part.column, path.ignoreCase || part.form === 'lower');
          const value =
            compared === part.form
              ? part.variable
              : compared === 'lower'
                ? `lower(${part.variable}::text)`
                : `${part.variable}::${compared}`;
          return `${inForm(column, raw(alias, place), compared)} = ${value}`;
        })
        .join(' and ');
    return {
      path,
      needs: null,
      variable: null,
      on: (alias) => (columns.length === 1 ? on(alias) : `(${on(alias)})`),
      keys: '',
      hangsOnKey: '',
      compared: [],
    };
  }
  const parent = collectionNamed(map, path.of);
  const forms = columns.map((column, place) =>
    form(column, columnOf(catalogue, parent, path.keys[place] ?? ''), path.ignoreCase),
  );
  const wanted: Wanted = {
    name: variableName(scope, path.of, path.keys, forms),
    parent: path.of,
    keys: path.keys,
    forms,
  };
  const expressions = (alias: string): readonly string[] =>
    columns.map((column, place) => inForm(column, raw(alias, place), forms[place] ?? ''));
  const arrays = (suffix: string): readonly string[] => partNames(wanted).map((part) => `${part}${suffix}`);
  const fields = forms.map((_, place) => (forms.length === 1 ? 'value' : `key_${place + 1}`));
  return {
    path,
    needs: wanted,
    variable: wanted.name,
    on: (alias, suffix = '') =>
      columns.length === 1
        ? `${expressions(alias).join()} = any (${arrays(suffix).join()})`
        : `(${expressions(alias).join(', ')}) in (select * from unnest(${arrays(suffix).join(', ')}))`,
    keys: `unnest(${arrays('').join(', ')}) p(${fields.join(', ')})`,
    hangsOnKey: expressions('t')
      .map((expression, place) => `${expression} = p.${fields[place] ?? ''}`)
      .join(' and '),
    compared: expressions('t'),
  };
}

const plainName = /^[a-z_][a-z0-9_]*$/;

/** Names of the form `v_collection$key`; what is long or no plain name is told by its hash. */
function variableName(
  scope: Scope,
  parent: string,
  keys: readonly string[],
  forms: readonly string[],
): string {
  const held = collectionNamed(scope.map, parent);
  const kinds = keys.map((key, place) => {
    const wanted = forms[place] ?? '';
    return keyForm(columnOf(scope.catalogue, held, key)) === wanted ? '' : wanted;
  });
  const [key = ''] = keys;
  const kind = kinds[0] === '' ? '' : `$${(kinds[0] ?? '').replaceAll(' ', '_')}`;
  const plain = `v_${parent}$${key}${kind}`;
  if (keys.length === 1 && plainName.test(key) && plain.length <= 50) return plain;
  const hash = createHash('sha256')
    .update(JSON.stringify([parent, keys, kinds]))
    .digest('hex');
  return `v_${parent.slice(0, 20)}$$${hash.slice(0, 20)}`;
}

function partNames(wanted: Wanted): readonly string[] {
  return wanted.keys.length === 1
    ? [wanted.name]
    : wanted.keys.map((_, place) => `${wanted.name}$${place + 1}`);
}

function scopeName(wanted: Wanted): string {
  const [key = ''] = wanted.keys;
  const name =
    wanted.keys.length === 1 && plainName.test(key)
      ? `${wanted.parent}.${key}`
      : `${wanted.parent}.${JSON.stringify(wanted.keys)}`;
  return wanted.forms.includes('lower') ? `${name}.lower` : name;
}

/** The variables that are needed, directly or by others, those first that others hang on; circles side by side. */
function inOrder(scope: Scope, roots: readonly Wanted[]): readonly KeyVariable[] {
  // Tarjan's strongly connected components come out with what they hang on before them.
  const ordered: KeyVariable[] = [];
  const seen = new Map<string, { index: number; low: number; open: boolean }>();
  const stack: Wanted[] = [];
  const visit = (wanted: Wanted): { index: number; low: number; open: boolean } => {
    const known = seen.get(wanted.name);
    if (known !== undefined) return known;
    const mark = { index: seen.size, low: seen.size, open: true };
    seen.set(wanted.name, mark);
    stack.push(wanted);
    for (const path of pathsIn(scope, wanted.parent)) {
      if (path.needs === null) continue;
      const other = visit(path.needs);
      if (other.open) mark.low = Math.min(mark.low, other.low);
    }
    if (mark.low === mark.index) {
      const group = stack.splice(stack.indexOf(wanted));
      const circle =
        group.length > 1 || pathsIn(scope, wanted.parent).some((path) => path.variable === wanted.name);
      for (const each of group) {
        const found = seen.get(each.name);
        if (found !== undefined) found.open = false;
        ordered.push(keyVariable(scope, each, pathsIn(scope, each.parent), circle ? wanted.name : null));
      }
    }
    return mark;
  };
  for (const each of roots) visit(each);
  return ordered;
}

function keyVariable(
  scope: Scope,
  wanted: Wanted,
  paths: readonly Made[],
  cycle: string | null,
): KeyVariable {
  const held = collectionNamed(scope.map, wanted.parent);
  const names = partNames(wanted);
  const own = scope.catalogue.primaryKeys.get(held.table) ?? [];
  return {
    name: wanted.name,
    scope: scopeName(wanted),
    parts: wanted.keys.map((key, place) => {
      const wantedForm = wanted.forms[place] ?? '';
      const column = `t.${quoteIdentifier(key)}`;
      return {
        name: names[place] ?? '',
        type: typeOfForm(wantedForm),
        value: inForm(columnOf(scope.catalogue, held, key), column, wantedForm),
        column,
      };
    }),
    parent: wanted.parent,
    from: fromItem(scope.map, scope.catalogue, held),
    paths,
    cycle,
    notHandedOver:
      scope.erasing && held.shared !== undefined
        ? `not coalesce(p_handed_over -> ${quoteLiteral(wanted.parent)} ? t.${quoteIdentifier(own[0] ?? '')}::text, false)`
        : null,
  };
}

/** The same variables, each once. */
export function unique(variables: readonly KeyVariable[]): readonly KeyVariable[] {
  return [...new Map(variables.map((each) => [each.name, each])).values()];
}

/** `declare` lines for the subject's key and its variables. */
export function declareVariables(
  map: KindMap,
  catalogue: Catalogue,
  variables: readonly KeyVariable[],
): string {
  const key = subjectKey(map, catalogue);
  return [
    `  v_key ${subjectKeyType(map, catalogue)};`,
    ...(key.length === 1 ? [] : key.map((part) => `  ${part.variable} ${typeOfForm(part.form)};`)),
    ...variables.flatMap((each) =>
      each.parts.flatMap((part) =>
        (each.cycle === null ? [''] : ['', '$new', '$next']).map(
          (suffix) => `  ${part.name}${suffix} ${part.type}[];`,
        ),
      ),
    ),
  ].join('\n');
}

interface Live {
  /** Whether `p_handed_over` names rows that have a new owner and so are left out. */
  readonly handedOver?: boolean;
}

/** Assigns the variables from the live rows; those that go round in a circle grow until nothing is added. */
export function assignLive(variables: readonly KeyVariable[], live: Live = {}): string {
  const lines: string[] = [];
  for (let at = 0; at < variables.length;) {
    const first = variables[at];
    if (first === undefined) break;
    const group =
      first.cycle === null ? [first] : variables.slice(at).filter((each) => each.cycle === first.cycle);
    lines.push(
      first.cycle === null ? assign(first, '', keysBy(first, first.paths, '', live)) : grow(group, live),
    );
    at += group.length;
  }
  return lines.join('\n');
}

/** Query of the keys of a variable's rows that belong by any of the paths. */
function keysBy(variable: KeyVariable, paths: readonly PathCondition[], suffix: string, live: Live): string {
  const belongs =
    paths.length === 0
      ? 'false'
      : `(${paths.map((each) => each.on('t', each.variable === null ? '' : suffix)).join(' or ')})`;
  const further = [
    ...variable.parts.map((part) => `${part.column} is not null`),
    ...(live.handedOver === true && variable.notHandedOver !== null ? [variable.notHandedOver] : []),
  ];
  return `select distinct ${variable.parts.map((part) => part.value).join(', ')} from ${variable.from} where ${[belongs, ...further].join(' and ')}`;
}

/** Sets a variable's arrays to what a query gives, side by side. */
export function assign(variable: KeyVariable, suffix: string, query: string): string {
  const [only, ...more] = variable.parts;
  if (only !== undefined && more.length === 0) return `  ${only.name}${suffix} := array(${query});`;
  const fields = variable.parts.map((_, place) => `key_${place + 1}`);
  return `  select ${fields.map((field) => `coalesce(array_agg(k.${field}), '{}')`).join(', ')} into ${variable.parts.map((part) => `${part.name}${suffix}`).join(', ')} from (${query}) k(${fields.join(', ')});`;
}

/** Least fixpoint: each round looks only at what hangs on the keys the last one added, so it ends when none was. */
function grow(group: readonly KeyVariable[], live: Live): string {
  const members = new Set(group.map((each) => each.name));
  const inside = (path: PathCondition): boolean => path.variable !== null && members.has(path.variable);
  const set = (variable: KeyVariable, to: string, value: (part: string) => string): string =>
    variable.parts.map((part) => `${part.name}${to} := ${value(part.name)};`).join(' ');
  return [
    ...group.map((each) =>
      assign(
        each,
        '',
        keysBy(
          each,
          each.paths.filter((path) => !inside(path)),
          '',
          live,
        ),
      ),
    ),
    `  ${group.map((each) => set(each, '$new', (part) => part)).join(' ')}`,
    '  loop',
    `    exit when ${group.map((each) => `cardinality(${each.parts[0]?.name ?? ''}$new) = 0`).join(' and ')};`,
    ...group.map(
      (each) =>
        `  ${assign(each, '$next', `${keysBy(each, each.paths.filter(inside), '$new', live)} except select * from unnest(${each.parts.map((part) => part.name).join(', ')})`)}`,
    ),
    `    ${group.map((each) => `${set(each, '', (part) => `${part} || ${part}$next`)} ${set(each, '$new', (part) => `${part}$next`)}`).join(' ')}`,
    '  end loop;',
  ].join('\n');
}

/** Assigns the variables from a plan's frozen scope, or from another document of that form. */
export function assignFrozen(variables: readonly KeyVariable[], from = 'p_scope'): string {
  return variables
    .map((each) => {
      const values = `jsonb_array_elements_text(coalesce(${from} -> ${quoteLiteral(each.scope)}, '[]')) x(value)`;
      return assign(
        each,
        '',
        each.parts.length === 1
          ? `select x.value::${each.parts[0]?.type ?? ''} from ${values}`
          : `select ${each.parts.map((part, place) => `(x.value::json ->> ${place})::${part.type}`).join(', ')} from ${values}`,
      );
    })
    .join('\n');
}

/** Query of a variable's values as a plan's scope holds them. */
export function frozenValues(variable: KeyVariable): string {
  const names = variable.parts.map((part) => part.name).join(', ');
  if (variable.parts.length === 1) return `select x.value::text from unnest(${names}) x(value)`;
  const fields = variable.parts.map((_, place) => `key_${place + 1}`);
  return `select json_build_array(${fields.map((field) => `x.${field}::text`).join(', ')})::text from unnest(${names}) x(${fields.join(', ')})`;
}
