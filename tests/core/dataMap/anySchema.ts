/**
 * Made-up platforms of any shape: tables with every kind of key and link, rows
 * of several people, a map over them, and what must come out, found by walking
 * the rows in memory. Knows nothing of the compiler.
 */
import fc from 'fast-check';

/** What a case is made from; taking a table away leaves the others much as they are. */
export interface Recipe {
  readonly seed: number;
  readonly tables: readonly number[];
}

/** Mostly small ones, since small ones find nearly everything and take a tenth of the time. */
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(),
  tables: fc.oneof(
    { weight: 40, arbitrary: fc.array(fc.nat(), { minLength: 2, maxLength: 3, size: 'max' }) },
    { weight: 12, arbitrary: fc.array(fc.nat(), { minLength: 4, maxLength: 6, size: 'max' }) },
    { weight: 2, arbitrary: fc.array(fc.nat(), { minLength: 7, maxLength: 12, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(fc.nat(), { minLength: 13, maxLength: 29, size: 'max' }) },
  ),
});

export type Random = ReturnType<typeof randomOf>;

function randomOf(seed: number) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (share: number): boolean => next() < share,
    below: (end: number): number => Math.floor(next() * end),
    pick: <Value>(values: readonly Value[]): Value => values[Math.floor(next() * values.length)] as Value,
  };
}

/** Types a key can have, and how the n-th value of one is written as text. */
const keyTypes = {
  integer: (n: number) => String(n + 1),
  bigint: (n: number) => String(9_007_199_254_740_993n + BigInt(n)),
  smallint: (n: number) => String(n - 5),
  uuid: (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
  text: (n: number) =>
    ['1', '01', 'A', 'a', "o'x", 'ü', 'a b', '["1"]', '{x}', '\\'][n % 10] + (n > 9 ? String(n) : ''),
  'character varying(40)': (n: number) => `v,${n}`,
  'char(8)': (n: number) => `c${n}`,
  citext: (n: number) => `Key${n}`,
  label: (n: number) => `E ${n}`,
  shortText: (n: number) => `d${n}`,
  positive: (n: number) => String(n + 1),
  date: (n: number) => new Date(Date.UTC(2020, 0, 1 + n)).toISOString().slice(0, 10),
} as const;
type KeyType = keyof typeof keyTypes;
const allKeyTypes = Object.keys(keyTypes) as readonly KeyType[];

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  /** SQL after the type, e.g. of a generated column. */
  readonly further: string;
  /** Not given when a row is put in. */
  readonly computed: boolean;
}

interface Link {
  readonly target: number;
  readonly columns: readonly string[];
  readonly targetColumns: readonly string[];
  readonly declared: string | null;
  readonly nullable: boolean;
  readonly ignoreCase: boolean;
  readonly folds: boolean;
}

interface Path {
  readonly columns: readonly string[];
  /** Null: holds the subject's key. */
  readonly of: number | null;
  readonly keys: readonly string[];
  readonly ignoreCase: boolean;
  /** Whether the columns' own type disregards case. */
  readonly folds: boolean;
  /** Written `of` the subject's collection rather than as its key. */
  readonly detach: boolean;
}

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly collection: string;
  readonly columns: Column[];
  readonly key: readonly string[];
  readonly keyTypes: readonly KeyType[];
  readonly told: boolean;
  readonly shape: 'plain' | 'partitioned' | 'inherited' | 'inheritedApart';
  readonly child: string;
  readonly links: Link[];
  readonly paths: Path[];
  /** Paths that are only there to be set to null. */
  readonly detached: Path[];
  action: 'delete' | 'anonymise' | 'keep' | 'none';
  unlessReferenced: boolean;
  /** Links, with the table they are of, whose rows keep the row they refer to; it is anonymised in place. */
  readonly whenReferenced: { readonly by: Table; readonly link: Link }[];
  /** The table whose rows name the other people of this one's rows, which are handed over or closed; null where rows are one person's. */
  shared: Table | null;
  /** How the documents in `settings` are mapped; null when the column is as a whole, or isn't there. */
  document: { readonly key: string; readonly shown: boolean; readonly set: boolean } | null;
  readonly time: 'none' | 'timestamptz' | 'timestamp' | 'epoch';
  readonly order: readonly string[];
  readonly rows: Row[];
}

export interface Row {
  readonly mark: string;
  readonly values: Map<string, string | null>;
  readonly inChild: boolean;
}

export interface Case {
  readonly schemas: readonly string[];
  readonly tables: readonly Table[];
}

const nameStyles: readonly ((stem: string) => string)[] = [
  (stem) => stem,
  (stem) => stem,
  (stem) => stem,
  (stem) => `${stem.toUpperCase()} Mixed`,
  (stem) => `dot.${stem}`,
  (stem) => `qu"ote"${stem}`,
  (stem) => `new\nline ${stem}`,
  (stem) => `$function$${stem}$body$`,
  (stem) => `';--${stem}`,
  (stem) => `😀😀😀😀😀😀😀😀😀😀😀 ${stem}`,
  (stem) => `${stem}.t."x" {y}`,
];

/** What generated SQL calls its own things: a platform may well use the same words. */
const hostileColumns = [
  'v_key',
  'v_rows',
  'v_given',
  'p_after',
  'r',
  'p_scope',
  'p_key',
  't',
  'd',
  'x',
  'p',
  'value',
  'place',
  'doomed',
  'subject',
  'low',
  'v_low',
  'key_1',
  'name',
  'constructor',
];

export function caseOf(recipe: Recipe, number: number): Case {
  const random = randomOf(recipe.seed);
  const schemas = [
    random.pick(nameStyles)(`c${number}`),
    ...(random.chance(0.3) ? [random.pick(nameStyles)(`d${number}`)] : []),
  ];
  const tables: Table[] = [];
  const count = recipe.tables.length + 1;
  const tableRandoms = [random, ...recipe.tables.map((seed) => randomOf(seed))];
  for (let at = 0; at < count; at += 1) tables.push(emptyTable(tableRandoms[at] ?? random, schemas, at));
  for (let at = 0; at < count; at += 1) addLinks(tableRandoms[at] ?? random, tables, at);
  for (let at = 0; at < count; at += 1) decide(tableRandoms[at] ?? random, tables, at);
  for (let at = 0; at < count; at += 1) fill(tableRandoms[at] ?? random, tables, at);
  for (let at = 0; at < count; at += 1) emptyUnlinked(tables, at);
  for (let at = 0; at < count; at += 1) fillLinks(tableRandoms[at] ?? random, tables, at);
  // Draws of their own, so that a recipe known from before makes what it made.
  for (const [at, table] of tables.entries()) {
    const further = randomOf((recipe.tables[at - 1] ?? recipe.seed) ^ 0x2c1b3c6d);
    keepReferenced(further, tables, table);
    fillDocuments(further, table);
  }
  addShared(randomOf(recipe.seed ^ 0x51ed270b), schemas, tables);
  return { schemas, tables };
}

/** Rows that several people share, as workspaces are: their owner, a bridge to their members, and what hangs on them. */
function addShared(random: Random, schemas: readonly string[], tables: Table[]): void {
  const [people] = tables;
  if (people === undefined || people.key.length > 1 || !random.chance(0.3)) return;
  const made = (fits: (table: Table) => boolean): { readonly table: Table; readonly at: number } => {
    const at = tables.length;
    let table = emptyTable(random, schemas, at);
    while (!fits(table)) table = emptyTable(random, schemas, at);
    tables.push(table);
    return { table, at };
  };
  const hangs = (table: Table, name: string, target: number, direct: boolean): void => {
    const to = tables[target];
    if (to === undefined) return;
    table.columns.push({
      name,
      type: to.keyTypes[0] ?? 'text',
      notNull: true,
      further: '',
      computed: false,
    });
    const told = {
      columns: [name],
      ignoreCase: false,
      folds: to.keyTypes.includes('citext'),
    };
    table.links.push({
      ...told,
      target,
      targetColumns: to.key,
      declared: random.chance(0.7) ? random.pick(['', ' on delete cascade']) : null,
      nullable: false,
    });
    table.paths.push({ ...told, of: direct ? null : target, keys: direct ? [] : to.key, detach: false });
  };
  const space = made((table) => table.key.length === 1 && table.told && table.shape === 'plain');
  hangs(space.table, 'owner', 0, true);
  const bridge = made((table) => table.shape !== 'inheritedApart');
  hangs(bridge.table, 'person', 0, true);
  hangs(bridge.table, 'space', space.at, false);
  bridge.table.columns.push({ name: 'since', type: 'date', notNull: true, further: '', computed: false });
  space.table.shared = bridge.table;
  const [within] = random.chance(0.7) ? [made(() => true)] : [];
  if (within !== undefined) hangs(within.table, 'space', space.at, false);
  for (const each of [space, bridge, ...(within === undefined ? [] : [within])]) {
    fill(random, tables, each.at);
    emptyUnlinked(tables, each.at);
    fillLinks(random, tables, each.at);
  }
  bridge.table.rows.forEach((row, place) => row.values.set('since', keyTypes.date(place)));
}

/** A row that other people share with its owner, and who of them takes it over. */
export interface SharedRow {
  readonly table: Table;
  readonly row: Row;
  /** The bridge's row that names who has shared it longest. */
  readonly successor: Row;
}

/** The shared rows of which a deletion of their owner asks whether to hand them over. */
export function sharedRowsOf({ tables }: Case, person: Row): readonly SharedRow[] {
  const [people] = tables;
  const fold = people?.keyTypes.includes('citext') === true;
  const own = person.values.get(people?.key[0] ?? '');
  return tables.flatMap((table) => {
    const bridge = table.shared;
    if (bridge === null) return [];
    return table.rows.flatMap((row) => {
      if (!same(row.values.get('owner'), own, fold)) return [];
      const [successor] = bridge.rows
        .filter(
          (each) =>
            matches(each, ['space'], row, table.key, table.keyTypes.includes('citext')) &&
            !same(each.values.get('person'), own, fold),
        )
        .sort((one, other) => ((one.values.get('since') ?? '') < (other.values.get('since') ?? '') ? -1 : 1));
      return successor === undefined ? [] : [{ table, row, successor }];
    });
  });
}

/** The platform once these rows are handed over. */
export function handedOver({ schemas, tables }: Case, given: readonly SharedRow[]): Case {
  const successors = new Map(
    given.map(({ row, successor }) => [row, successor.values.get('person') ?? null]),
  );
  return {
    schemas,
    tables: tables.map((table) =>
      table.shared === null
        ? table
        : {
            ...table,
            rows: table.rows.map((row) => {
              const successor = successors.get(row);
              return successor === undefined
                ? row
                : { ...row, values: new Map(row.values).set('owner', successor) };
            }),
          },
    ),
  };
}

function emptyTable(random: Random, schemas: readonly string[], at: number): Table {
  const keyCount = random.chance(0.25) ? 2 : 1;
  const told = at === 0 || random.chance(0.85);
  const types = Array.from({ length: keyCount }, () =>
    random.chance(0.4) ? 'integer' : random.pick(allKeyTypes),
  );
  const key = types.map((_, place) => random.pick(nameStyles)(`k${place}`));
  const shape =
    at === 0 || random.chance(0.8)
      ? 'plain'
      : random.pick(['partitioned', 'inherited', 'inheritedApart'] as const);
  const time = random.pick(['none', 'none', 'timestamptz', 'timestamp', 'epoch'] as const);
  const column = (name: string, type: string, notNull = false, further = ''): Column => ({
    name,
    type,
    notNull,
    further,
    computed: further.startsWith('generated always as ('),
  });
  const identity =
    told && keyCount === 1 && types[0] === 'integer' && shape === 'plain' && random.chance(0.3);
  const columns = [
    ...key.map((name, place) =>
      column(name, types[place] ?? 'text', told, identity ? 'generated always as identity' : ''),
    ),
    column('mark', 'text', true),
    column('note', 'text'),
    column('secret', 'text'),
    ...(time === 'none'
      ? []
      : [
          column(
            'at',
            time === 'epoch'
              ? 'bigint'
              : time === 'timestamp'
                ? 'timestamp without time zone'
                : 'timestamptz',
            random.chance(0.8),
          ),
        ]),
    ...(random.chance(0.3) ? [column(random.pick(hostileColumns), 'text')] : []),
    ...(random.chance(0.2)
      ? [column('made', 'text', false, `generated always as (mark || '!') stored`)]
      : []),
    ...(random.chance(0.2) ? [column('tags', 'text[]')] : []),
    ...(random.chance(0.2) ? [column('settings', random.pick(['json', 'jsonb']))] : []),
    ...(random.chance(0.1) ? [column('feeling', 'label')] : []),
  ];
  const timeIsSafe = columns.some((each) => each.name === 'at' && each.notNull);
  return {
    schema: random.pick(schemas),
    name: random.pick(nameStyles)(`t${at}`),
    collection: `c${at}`,
    columns,
    key,
    keyTypes: types,
    told,
    shape,
    child: random.pick(nameStyles)(`t${at}_child`),
    links: [],
    paths: [],
    detached: [],
    action: 'delete',
    unlessReferenced: false,
    whenReferenced: [],
    shared: null,
    document: null,
    time,
    order: timeIsSafe && random.chance(0.6) ? ['at'] : ['mark'],
    rows: [],
  };
}

/** Whether other tables can refer to this one's rows by a declared key. */
function referable(table: Table): boolean {
  return table.told && table.shape !== 'inherited' && table.shape !== 'inheritedApart';
}

function addLinks(random: Random, tables: readonly Table[], at: number): void {
  const table = tables[at];
  if (table === undefined || at === 0) return;
  const wanted = random.chance(0.45) ? 2 : 1;
  for (let place = 0; place < wanted; place += 1) {
    const target = random.chance(0.4)
      ? 0
      : random.chance(0.12)
        ? at
        : random.chance(0.12)
          ? random.below(tables.length)
          : random.below(at);
    const to = tables[target];
    if (to === undefined) continue;
    // Rows that come later are filled later, and their keys with them.
    const nullable = target >= at || random.chance(0.4);
    const declared =
      referable(to) && random.chance(0.75)
        ? `${random.pick(['', ' on delete cascade', ' on delete restrict', ...(nullable ? [' on delete set null'] : []), ''])}${random.chance(0.2) ? ' deferrable initially deferred' : ''}`.replace(
            ' on delete restrict deferrable initially deferred',
            ' on delete restrict',
          )
        : null;
    const folds = to.keyTypes.map((type) => type === 'citext');
    const types = to.keyTypes.map((type) => {
      if (declared !== null) return type === 'integer' && random.chance(0.2) ? 'bigint' : type;
      if (type === 'citext' || type === 'char(8)') return type;
      return random.chance(0.3) ? 'text' : type;
    });
    const texts =
      to.keyTypes.length === 1 &&
      ['text', 'character varying(40)', 'shortText'].includes(to.keyTypes[0] ?? '');
    const columns = types.map((_, part) => random.pick(nameStyles)(`l${place}_${part}`));
    columns.forEach((name, part) =>
      table.columns.push({
        name,
        type: types[part] ?? 'text',
        notNull: !nullable,
        further: '',
        computed: false,
      }),
    );
    const link: Link = {
      target,
      columns,
      targetColumns: to.key,
      declared,
      nullable,
      ignoreCase: texts && declared === null && random.chance(0.3),
      folds: folds.some((each) => each),
    };
    table.links.push(link);
    const path: Path = {
      columns: link.columns,
      of: target === 0 && (link.ignoreCase || random.chance(0.9)) ? null : target,
      keys: to.key,
      ignoreCase: link.ignoreCase,
      folds: link.folds,
      detach: false,
    };
    const kind = random.below(100);
    if (kind < 70 || (target === 0 && kind < 80)) table.paths.push(path);
    else if (kind < 84 && target !== 0 && target !== at) {
      to.paths.push({
        columns: to.key,
        of: at,
        keys: link.columns,
        ignoreCase: link.ignoreCase,
        folds: link.folds,
        detach: false,
      });
      if (random.chance(0.7)) to.unlessReferenced = true;
    } else if (kind < 96 && nullable) {
      if (path.of === null) table.paths.push({ ...path, detach: true });
      else table.detached.push(path);
    }
  }
}

function decide(random: Random, tables: readonly Table[], at: number): void {
  const table = tables[at];
  const people = tables[0];
  if (table === undefined || people === undefined) return;
  if (at === 0) {
    table.paths.push({
      columns: table.key,
      of: null,
      keys: [],
      ignoreCase: false,
      folds: table.keyTypes.includes('citext'),
      detach: false,
    });
    return;
  }
  if (table.paths.length === 0) {
    const columns = people.key.map((_, part) => `owner_${part}`);
    columns.forEach((name, part) =>
      table.columns.push({
        name,
        type: people.keyTypes[part] ?? 'text',
        notNull: false,
        further: '',
        computed: false,
      }),
    );
    table.links.push({
      target: 0,
      columns,
      targetColumns: people.key,
      declared: null,
      nullable: true,
      ignoreCase: false,
      folds: people.keyTypes.includes('citext'),
    });
    table.paths.push({
      columns,
      of: null,
      keys: [],
      ignoreCase: false,
      folds: people.keyTypes.includes('citext'),
      detach: false,
    });
  }
  const free = table.links.every((link) => link.declared === null || link.target === at);
  const kind = random.below(100);
  if (free && kind < 30) {
    if (kind < 10) table.action = 'none';
    else if (kind < 20) table.action = 'anonymise';
    else if (table.columns.some((each) => each.name === 'at')) table.action = 'keep';
  }
  if (table.action !== 'delete') table.unlessReferenced = false;
  else if (random.chance(0.05)) table.unlessReferenced = true;
}

function fill(random: Random, tables: readonly Table[], at: number): void {
  const table = tables[at];
  if (table === undefined) return;
  const rows = at === 0 ? 2 + random.below(3) : random.below(7);
  for (let place = 0; place < rows; place += 1) {
    const values = new Map<string, string | null>();
    table.key.forEach((name, part) => {
      const value = keyTypes[table.keyTypes[part] ?? 'text'];
      // Of two columns only both together tell a row.
      const n = table.key.length === 1 ? place : part === 0 ? place >> 1 : place & 1;
      values.set(name, !table.told && random.chance(0.2) ? null : value(n));
    });
    const mark = `${table.collection}r${place}`;
    values.set('mark', mark);
    values.set('note', random.chance(0.7) ? `note of ${mark}` : null);
    values.set('secret', `secret of ${mark}`);
    for (const column of table.columns) {
      if (values.has(column.name) || column.computed) continue;
      if (column.name === 'at') values.set('at', timeOf(random, table, column, place));
      else if (column.name === 'tags') values.set('tags', '{a,"b c"}');
      else if (column.name === 'settings') values.set('settings', '{"a":\n  [1, "x"]}');
      else if (column.name === 'feeling') values.set('feeling', 'E 3');
      else if (hostileColumns.includes(column.name)) values.set(column.name, `h${place}`);
      else values.set(column.name, null);
    }
    const inChild = table.shape.startsWith('inherited') && random.chance(0.5);
    table.rows.push({ mark, values, inChild });
  }
}

function timeOf(random: Random, table: Table, column: Column, place: number): string | null {
  if (!column.notNull && random.chance(0.3)) return null;
  const time = Date.UTC(2023, 10 + random.below(4), 1 + place);
  if (table.time === 'epoch') return String(random.chance(0.1) ? 8_000_000_000_000_000 : time / 1000);
  if (random.chance(0.04)) return 'infinity';
  return new Date(time).toISOString().replace('Z', table.time === 'timestamp' ? '' : '+00');
}

/** No rows where a link must not be null and there is nothing to link to; such links lead to earlier tables only. */
function emptyUnlinked(tables: readonly Table[], at: number): void {
  const table = tables[at];
  const unlinked = table?.links.some(
    (link) =>
      !link.nullable &&
      !tables[link.target]?.rows.some((row) =>
        link.targetColumns.every((name) => (row.values.get(name) ?? null) !== null),
      ),
  );
  if (table !== undefined && unlinked === true) table.rows.length = 0;
}

function fillLinks(random: Random, tables: readonly Table[], at: number): void {
  const table = tables[at];
  if (table === undefined) return;
  for (const link of table.links) {
    const target = tables[link.target];
    for (const row of table.rows) {
      const candidates = (target?.rows ?? []).filter(
        (each) => !link.targetColumns.some((name) => (each.values.get(name) ?? null) === null),
      );
      if (candidates.length === 0 || (link.nullable && random.chance(0.25))) {
        for (const name of link.columns) row.values.set(name, null);
        continue;
      }
      const chosen = random.pick(candidates);
      link.columns.forEach((name, part) => {
        const value = chosen.values.get(link.targetColumns[part] ?? '') ?? '';
        const folded = target?.keyTypes[part] === 'citext' || link.ignoreCase;
        row.values.set(name, folded && random.chance(0.4) ? value.toUpperCase() : value);
      });
    }
  }
}

/** Lets rows of a table keep the rows they refer to. */
function keepReferenced(random: Random, tables: readonly Table[], table: Table): void {
  for (const link of table.links) {
    const target = tables[link.target];
    if (target === undefined || target === table || !referable(target)) continue;
    if (target.action !== 'delete' || target.unlessReferenced || !random.chance(0.25)) continue;
    // What is set to null first keeps nothing.
    const loose = [...table.paths.filter((path) => path.detach), ...table.detached];
    if (loose.some((path) => path.columns.some((name) => link.columns.includes(name)))) continue;
    target.whenReferenced.push({ by: table, link });
    if (!random.chance(0.7) || table.whenReferenced.length > 0) continue;
    table.unlessReferenced = false;
    table.action = random.pick([
      'none',
      'anonymise',
      table.columns.some((each) => each.name === 'at') ? 'keep' : 'anonymise',
    ]);
  }
}

/** Documents of every shape, some of which the map doesn't expect; `plain`, `note of`, `stray` and `secret of` say what each value is. */
function fillDocuments(random: Random, table: Table): void {
  if (!table.columns.some((each) => each.name === 'settings' && each.type === 'jsonb')) return;
  if (!random.chance(0.8)) return;
  const key = random.pick(nameStyles)('contact');
  table.document = { key, shown: random.chance(0.4), set: random.chance(0.9) };
  for (const row of table.rows) {
    const contact = { email: `note of ${row.mark}@x.in`, nick: 'plain', stray: 1.5 };
    const token = { token: `secret of ${row.mark}`, stray: ['x'] };
    row.values.set(
      'settings',
      JSON.stringify(
        random.pick<unknown>([
          { [key]: contact, tokens: [token, token], stray: { deep: [] } },
          { [key]: [contact, [contact, null]], tokens: { home: token } },
          { [key]: contact.email, tokens: `secret of ${row.mark}` },
          {
            [key]: { ...contact, email: [contact.email, { stray: contact.email }] },
            tokens: [[token], 'secret of nobody'],
          },
          [{ [key]: contact }, { tokens: token }],
          { [key]: null, tokens: null },
          {},
          [],
          'stray',
          null,
        ]),
      ),
    );
  }
}

type DocumentRule = 'never' | 'mask' | 'shown' | 'null' | { readonly [key: string]: DocumentRule };

/** Walks a document by its rules; undefined for what is left out. Without `instead` the unexpected is left out too. */
function walked(value: unknown, rule: DocumentRule, others: boolean, instead: unknown): unknown {
  if (rule === 'never') return undefined;
  if (rule === 'null') return null;
  if (value === null || rule === 'shown') return value;
  const any = rule === 'mask' ? undefined : rule['*'];
  if (Array.isArray(value))
    return value
      .map((each) => walked(each, any ?? rule, others, instead))
      .filter((each) => each !== undefined);
  if (rule === 'mask') {
    if (typeof value !== 'string') return instead;
    return `${value.slice(0, 1)}•••@${value.split('@')[1]?.slice(0, 1) ?? ''}•••.in`;
  }
  if (typeof value !== 'object') return instead;
  // Keys as a document of the database orders them: shorter ones first.
  const keys = Object.keys(value).sort((one, other) => {
    const [first, second] = [Buffer.from(one), Buffer.from(other)];
    return first.length - second.length || Buffer.compare(first, second);
  });
  const found = keys.map((name, place): [string, unknown] => {
    const held = (value as Record<string, unknown>)[name];
    const inner = any ?? (Object.hasOwn(rule, name) ? rule[name] : undefined);
    return [
      others || Object.hasOwn(rule, name) ? name : `•••${place + 1}`,
      inner === undefined ? (others ? held : instead) : walked(held, inner, others, instead),
    ];
  });
  return Object.fromEntries(found.filter(([, each]) => each !== undefined));
}

/** What comes of a row's document: as a page shows it, as an export holds it, as erasure leaves it; null where it isn't mapped by paths. */
export function documentsOf(
  table: Table,
  row: Row,
): { readonly shown: unknown; readonly exported: unknown; readonly erased: unknown } | null {
  if (table.document === null) return null;
  const { key, shown } = table.document;
  const stored: unknown = JSON.parse(row.values.get('settings') ?? 'null');
  const tokens = { '*': { token: 'never' } } as const;
  return {
    shown: walked(stored, { [key]: { email: 'mask', nick: 'shown' }, tokens }, shown, '•••') ?? null,
    exported: walked(stored, { tokens }, true, undefined) ?? null,
    erased: walked(stored, { [key]: { email: 'null' } }, true, null) ?? null,
  };
}

/** The map in the form a person would write it. */
export function mapOf({ tables }: Case): unknown {
  const [people] = tables;
  const spelt = (table: Table, name: string): string =>
    [table.schema, name]
      .map((part) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part))
      .join('.');
  const inner = (key: string): string => (/[."]/.test(key) ? `"${key.replaceAll('"', '""')}"` : key);
  const set = (table: Table): unknown => ({
    note: 'gone {reference}',
    ...(table.document?.set === true ? { settings: { [`${inner(table.document.key)}.email`]: null } } : {}),
  });
  const one = (names: readonly string[]): unknown => (names.length === 1 ? names[0] : names);
  // A child mapped by itself is a collection of its own, to which its own path leads.
  const paths = (each: Path): readonly unknown[] => {
    const parent = each.of === null ? undefined : tables[each.of];
    if (parent === undefined) return [path(each, null)];
    const apart = parent.shape === 'inheritedApart' ? [`${parent.collection}_child`] : [];
    return [parent.collection, ...apart].map((of) => path(each, of));
  };
  const path = (each: Path, of: string | null): unknown => ({
    ...(each.columns.length === 1 ? { column: each.columns[0] } : { columns: each.columns }),
    ...(of === null ? {} : { of, ...(each.keys.length === 1 ? { key: each.keys[0] } : { keys: each.keys }) }),
    ...(each.ignoreCase ? { ignoreCase: true } : {}),
  });
  const collections: Record<string, unknown> = {};
  for (const table of tables) {
    const held = {
      title: table.collection,
      group: 'All',
      subject: table.paths.flatMap(paths),
      order: table.order,
      columns: Object.fromEntries(
        table.columns.map((column) => [
          column.name,
          column.name === 'secret'
            ? { category: 'user.authorization', never: true }
            : column.name === 'note'
              ? { category: 'user.content', mask: 'text' }
              : column.name === 'settings' && table.document !== null
                ? {
                    category: 'user.content',
                    paths: {
                      [`${inner(table.document.key)}.email`]: {
                        category: 'user.contact.email',
                        mask: 'email',
                      },
                      [`${inner(table.document.key)}.nick`]: 'user.name',
                      'tokens.*.token': { category: 'user.authorization', never: true },
                    },
                    ...(table.document.shown ? { others: 'shown' } : {}),
                  }
                : column.name === 'mark' && table === people
                  ? { category: 'user.name', search: ['exact'] }
                  : column.name === 'at' && table.time === 'epoch' && table.action === 'keep'
                    ? { category: 'user.behavior', epoch: 'seconds' }
                    : 'user.content',
        ]),
      ),
      detach: [
        ...table.paths.filter((each) => each.detach).flatMap((each) => each.columns),
        ...table.detached.flatMap(paths),
      ],
      erasure:
        table.action === 'delete'
          ? {
              action: 'delete',
              ...(table.unlessReferenced ? { unlessReferenced: true } : {}),
              ...(table.whenReferenced.length > 0
                ? {
                    whenReferenced: {
                      by: table.whenReferenced.flatMap(({ by, link }) =>
                        [
                          by.collection,
                          ...(by.shape === 'inheritedApart' ? [`${by.collection}_child`] : []),
                        ].map((collection) => ({ collection, column: one(link.columns) })),
                      ),
                      set: set(table),
                    },
                  }
                : {}),
            }
          : table.action === 'anonymise'
            ? { action: 'anonymise', set: set(table) }
            : table.action === 'keep'
              ? { action: 'keep', ground: 'a law', years: 3, from: 'at' }
              : { action: 'none' },
    };
    collections[table.collection] = {
      table: spelt(table, table.name),
      ...held,
      ...(table.shared === null
        ? {}
        : {
            shared: {
              by: table.shared.collection,
              column: 'space',
              person: 'person',
              owner: 'owner',
              about: 'mark',
              since: 'since',
              anonymise: { set: { note: 'gone {reference}' } },
            },
          }),
    };
    if (table.shape === 'inheritedApart')
      collections[`${table.collection}_child`] = { table: spelt(table, table.child), ...held };
  }
  return {
    version: 1,
    policy: 'made up',
    subjects: {
      person: {
        collection: 'c0',
        key: one(people?.key ?? []),
        name: 'mark',
        email: 'note',
        phone: 'note',
        workspaces: { collection: 'c0', name: 'mark' },
      },
    },
    collections,
  };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (value: string | null): string =>
  value === null ? 'null' : `'${value.replaceAll("'", "''")}'`;

export function tableSql(table: Table, name = table.name): string {
  return `${quoted(table.schema)}.${quoted(name)}`;
}

/** Statements that make the platform, as one text. */
export function platformSql({ schemas, tables }: Case): string {
  const [home = ''] = schemas;
  const typeName = (type: string): string =>
    ['label', 'shortText', 'positive'].includes(type) ? `${quoted(home)}.${quoted(type)}` : type;
  const parts = schemas.map((name) => `create schema ${quoted(name)};`);
  parts.push(
    `create type ${quoted(home)}."label" as enum (${Array.from({ length: 12 }, (_, n) => literal(keyTypes.label(n))).join(', ')});`,
    `create domain ${quoted(home)}."shortText" as varchar(30) check (value <> '');`,
    `create domain ${quoted(home)}."positive" as integer check (value > 0);`,
  );
  for (const table of tables) {
    const columns = table.columns.map(
      (column) =>
        `${quoted(column.name)} ${typeName(column.type)} ${column.further}${column.notNull ? ' not null' : ''}`,
    );
    const key = table.told ? `, primary key (${table.key.map(quoted).join(', ')})` : '';
    parts.push(
      `create table ${tableSql(table)} (${columns.join(', ')}${key})${table.shape === 'partitioned' ? ` partition by hash (${quoted(table.key[0] ?? '')})` : ''};`,
    );
    if (table.shape === 'partitioned') {
      for (const remainder of [0, 1])
        parts.push(
          `create table ${tableSql(table, `${table.collection}_part${remainder}`)} partition of ${tableSql(table)} for values with (modulus 2, remainder ${remainder});`,
        );
    } else if (table.shape !== 'plain') {
      parts.push(`create table ${tableSql(table, table.child)} () inherits (${tableSql(table)});`);
    }
    const given = table.columns.filter((column) => !column.computed);
    for (const row of table.rows) {
      parts.push(
        `insert into ${tableSql(table, row.inChild ? table.child : table.name)} (${given.map((column) => quoted(column.name)).join(', ')}) overriding system value values (${given.map((column) => literal(row.values.get(column.name) ?? null)).join(', ')});`,
      );
    }
  }
  for (const table of tables) {
    for (const link of table.links) {
      const target = tables[link.target];
      if (link.declared === null || target === undefined) continue;
      parts.push(
        `alter table ${tableSql(table)} add foreign key (${link.columns.map(quoted).join(', ')}) references ${tableSql(target)} (${link.targetColumns.map(quoted).join(', ')})${link.declared};`,
      );
    }
  }
  return parts.join('\n');
}

/** A row in the walk: its table and itself. */
interface Held {
  readonly table: Table;
  readonly row: Row;
}

export interface Expected {
  /** Collection → marks of the rows that are the person's. */
  readonly shown: ReadonlyMap<string, readonly string[]>;
  /** Whether a deletion can end without breaking a constraint or going beyond the plan. */
  readonly feasible: boolean;
  readonly deleted: ReadonlySet<string>;
  readonly anonymised: ReadonlySet<string>;
  readonly kept: ReadonlySet<string>;
  /** Mark → columns set to null. */
  readonly nulled: ReadonlyMap<string, readonly string[]>;
}

/** Text of the subject's key, as the console holds it. */
export function subjectKeyOf(people: Table, person: Row): string {
  const parts = people.key.map((name, place) => {
    const value = person.values.get(name) ?? '';
    return people.keyTypes[place] === 'citext' ? value.toLowerCase() : value;
  });
  return parts.length === 1 ? (parts[0] ?? '') : `[${parts.map((part) => JSON.stringify(part)).join(', ')}]`;
}

function same(one: string | null | undefined, other: string | null | undefined, fold: boolean): boolean {
  if (one === null || one === undefined || other === null || other === undefined) return false;
  return fold ? one.toLowerCase() === other.toLowerCase() : one === other;
}

function matches(
  row: Row,
  columns: readonly string[],
  other: Row,
  keys: readonly string[],
  fold: boolean,
): boolean {
  return columns.every((name, place) =>
    same(row.values.get(name), other.values.get(keys[place] ?? ''), fold),
  );
}

function walk(tables: readonly Table[], person: Row, erasing: boolean): Map<Row, Held> {
  const people = tables[0];
  const reached = new Map<Row, Held>();
  for (let grown = true; grown;) {
    grown = false;
    for (const table of tables) {
      for (const row of table.rows) {
        if (reached.has(row)) continue;
        const belongs = table.paths.some((path) => {
          if (erasing && path.detach) return false;
          const fold = path.ignoreCase || path.folds;
          if (path.of === null) return matches(row, path.columns, person, people?.key ?? [], fold);
          const parents = tables[path.of];
          return (parents?.rows ?? []).some(
            (other) => reached.has(other) && matches(row, path.columns, other, path.keys, fold),
          );
        });
        if (belongs) {
          reached.set(row, { table, row });
          grown = true;
        }
      }
    }
  }
  return reached;
}

export function expectedOf({ tables }: Case, person: Row): Expected {
  const people = tables[0];
  const reading = walk(tables, person, false);
  const erasing = walk(tables, person, true);
  const shown = new Map<string, string[]>();
  for (const table of tables) {
    const apart = table.shape === 'inheritedApart';
    shown.set(
      table.collection,
      table.rows.filter((row) => reading.has(row) && !(apart && row.inChild)).map((row) => row.mark),
    );
    if (apart)
      shown.set(
        `${table.collection}_child`,
        table.rows.filter((row) => reading.has(row) && row.inChild).map((row) => row.mark),
      );
  }
  const nulled = new Map<string, string[]>();
  for (const table of tables) {
    for (const row of table.rows) {
      // A row that is the person's own is erased as its collection says; only others' rows are detached.
      if (erasing.has(row)) continue;
      const columns = [
        ...table.paths
          .filter(
            (path) =>
              path.detach &&
              matches(row, path.columns, person, people?.key ?? [], path.ignoreCase || path.folds),
          )
          .flatMap((path) => path.columns),
        ...table.detached
          .filter((path) =>
            (tables[path.of ?? 0]?.rows ?? []).some(
              (other) =>
                erasing.has(other) &&
                matches(row, path.columns, other, path.keys, path.ignoreCase || path.folds),
            ),
          )
          .flatMap((path) => path.columns),
      ];
      if (columns.length > 0) nulled.set(row.mark, [...new Set(columns)]);
    }
  }
  const links = tables.flatMap((table) =>
    table.links.filter((link) => link.declared !== null).map((link) => ({ table, link })),
  );
  const refers = (link: Link, row: Row, to: Row): boolean =>
    !link.columns.some((name) => nulled.get(row.mark)?.includes(name)) &&
    matches(row, link.columns, to, link.targetColumns, link.folds);
  const doomed = new Set(
    [...erasing.values()].filter(({ table }) => table.action === 'delete').map(({ row }) => row),
  );
  const inPlace = new Set<string>();
  // What a row that stays refers to stays too, where the map says so.
  for (let changed = true; changed;) {
    changed = false;
    for (const row of [...doomed]) {
      const held = erasing.get(row);
      if (held === undefined) continue;
      const named = held.table.whenReferenced.some(({ by, link }) =>
        by.rows.some(
          (other) =>
            matches(other, link.columns, row, link.targetColumns, link.folds) &&
            (by.action === 'keep' ||
              by.action === 'none' ||
              (erasing.has(other) && (by.action === 'anonymise' || !doomed.has(other)))),
        ),
      );
      if (named) {
        doomed.delete(row);
        inPlace.add(row.mark);
        changed = true;
        continue;
      }
      if (!held.table.unlessReferenced) continue;
      const kept = links.some(
        ({ table, link }) =>
          tables[link.target] === held.table &&
          // A foreign key doesn't hold for the children of a table.
          table.rows.some((other) => !other.inChild && !doomed.has(other) && refers(link, other, row)),
      );
      if (kept) {
        doomed.delete(row);
        changed = true;
      }
    }
  }
  const feasible = !links.some(({ table, link }) =>
    table.rows.some((row) => {
      if (doomed.has(row) || row.inChild) return false;
      return (tables[link.target]?.rows ?? []).some((to) => doomed.has(to) && refers(link, row, to));
    }),
  );
  const marksWhere = (action: Table['action']): ReadonlySet<string> =>
    new Set([...erasing.values()].filter(({ table }) => table.action === action).map(({ row }) => row.mark));
  return {
    shown,
    feasible,
    deleted: new Set([...doomed].map((row) => row.mark)),
    anonymised: new Set([...marksWhere('anonymise'), ...inPlace]),
    kept: marksWhere('keep'),
    nulled,
  };
}
