import type { ColumnGuess, Confidence, Unplaced } from './guess.ts';
import { isPersonal, isPlaced } from './guess.ts';
import type { ForeignKey, LiveColumn, LiveSchema, LiveTable } from '../liveSchema.ts';
import { tableWords, wordsOf } from './words.ts';

export type Guesses = ReadonlyMap<string, ReadonlyMap<string, ColumnGuess | Unplaced>>;

/** One way from a table's rows to the subject, as the map writes it; `of` is a `schema.table`. */
export interface DraftPath {
  readonly columns: readonly string[];
  readonly of: string | null;
  /** In the order of the columns; empty where they hold the subject's key, in its own order. */
  readonly keys: readonly string[];
  readonly ignoreCase: boolean;
  readonly confidence: Confidence;
  readonly reason: string;
  /** Names the subject's own row by a key of it, rather than a row on the way there. */
  readonly direct: boolean;
  /** The column that only says who did something to a row that isn't theirs; null where none does. */
  readonly actor: string | null;
}

export interface SubjectProposal {
  readonly table: LiveTable;
  /** The columns that tell people apart together. */
  readonly key: readonly string[];
  readonly confidence: Confidence;
  readonly reason: string;
  /** Others that could be meant. */
  readonly rivals: readonly string[];
}

const personWords = [
  'user', 'account', 'customer', 'client', 'person', 'member', 'patient', 'subscriber', 'student', 'citizen',
  'guest', 'buyer', 'passenger', 'tenant', 'applicant', 'donor', 'shopper', 'player', 'learner', 'profile',
] as const; // prettier-ignore

/** Tables of people who aren't the ones served: never taken for lookups. */
const otherPeople = [
  'employee', 'staff', 'doctor', 'driver', 'contact', 'lead', 'supplier', 'vendor', 'author', 'agent', 'recipient',
  'nurse', 'teacher', 'trainer', 'coach', 'instructor', 'physician', 'practitioner', 'beneficiary', 'dependant', 'relative', 'child', 'parent', 'visitor',
] as const; // prettier-ignore

const actorWords = new Set([
  'by',
  'author',
  'creator',
  'editor',
  'uploader',
  'assignee',
  'reviewer',
  'approver',
]);
const passing = new Set(['updated', 'modified', 'changed', 'approved', 'deleted', 'assigned', 'reviewed', 'handled',
  'verified', 'closed', 'cancelled', 'canceled', 'archived', 'assignee', 'reviewer', 'approver', 'editor', 'edited', 'locked',
]); // prettier-ignore

/** Whether a table can be a collection of the map at all. */
export function isMappable(table: LiveTable): boolean {
  return (
    (table.kind === 'table' || table.kind === 'partitioned') &&
    table.extension === null &&
    table.inherits.length === 0 &&
    table.primaryKey.length > 0
  );
}

/** Whether the table's name says that its rows are people. */
export function isOfPeople(table: LiveTable): boolean {
  const words = tableWords(table.table);
  return [...personWords, ...otherPeople].some((each) => words.at(-1) === each || words[0] === each);
}

/** The columns that tell subjects apart: one that says nothing of a person where there is such a key, else the primary key. */
function keyOf(table: LiveTable, guesses: Guesses): readonly string[] {
  if (table.primaryKey.length === 1) return table.primaryKey;
  const unique = table.uniques.find(([column = '', ...more]) => {
    const guess = guesses.get(table.name)?.get(column);
    return (
      more.length === 0 &&
      table.columns.get(column)?.notNull === true &&
      guess !== undefined &&
      !isPersonal(guess)
    );
  });
  return unique ?? table.primaryKey;
}

/** Whether rows are told by nothing but several they refer to, as members by a team and a user. */
function isBridge(table: LiveTable, key: readonly string[]): boolean {
  const referring = new Set(table.foreignKeys.flatMap((each) => each.columns));
  return key.length > 1 && key.every((column) => referring.has(column));
}

/** Whether no two rows hold the same in these columns. */
export function tellRows(table: LiveTable, columns: readonly string[]): boolean {
  return [table.primaryKey, ...table.uniques].some(
    (key) => key.length > 0 && key.every((each) => columns.includes(each)),
  );
}

/**
 * The table whose rows are the people, by its name, what it holds and what
 * refers to it. Null when nothing looks like one.
 */
export function proposeSubject(
  schema: LiveSchema,
  guesses: Guesses,
  wanted: string | null,
): SubjectProposal | null {
  if (wanted !== null) {
    const table = schema.tables.get(wanted);
    if (table === undefined || !isMappable(table)) return null;
    return {
      table,
      key: keyOf(table, guesses),
      confidence: 'high',
      reason: 'named with --subject',
      rivals: [],
    };
  }
  const referred = new Map<string, number>();
  for (const table of schema.tables.values())
    for (const { to } of table.foreignKeys) referred.set(to, (referred.get(to) ?? 0) + 1);
  const scored = [...schema.tables.values()].flatMap((table) => {
    if (!isMappable(table)) return [];
    const key = keyOf(table, guesses);
    if (isBridge(table, key)) return [];
    const words = tableWords(table.table);
    const rank = personWords.findIndex((each) => words.at(-1) === each);
    const within = words.some((each) => (personWords as readonly string[]).includes(each));
    const held = [...(guesses.get(table.name) ?? new Map<string, ColumnGuess>()).values()].filter(isPlaced);
    const holds = (category: string): boolean => held.some((each) => each.category.startsWith(category));
    const why: string[] = [];
    let score = 0;
    const count = (points: number, reason: string): void => {
      score += points;
      why.push(reason);
    };
    if (rank >= 0) count(words.length === 1 ? 30 - rank / 4 : 16 - rank / 4, 'its name');
    else if (within) count(4, 'its name');
    if (holds('user.contact.email')) count(12, 'e-mail addresses');
    if (holds('user.contact.phone_number')) count(5, 'phone numbers');
    if (holds('user.name')) count(5, 'names');
    if (holds('user.authorization.password')) count(8, 'passwords');
    if (holds('user.demographic')) count(5, 'what a person is');
    const incoming = referred.get(table.name) ?? 0;
    if (incoming > 0) count(Math.min(incoming, 12), `${incoming} foreign keys to it`);
    // What hangs on another person's row is that person's, e.g. an address.
    if (table.foreignKeys.length > 0) score -= 3;
    return score < 18 ? [] : [{ table, key, score, why }];
  });
  scored.sort((a, b) => b.score - a.score || (a.table.name < b.table.name ? -1 : 1));
  const [best, ...rest] = scored;
  if (best === undefined) return null;
  const rivals = rest.filter((each) => each.score > best.score * 0.8);
  return {
    table: best.table,
    key: best.key,
    confidence: rivals.length === 0 && best.score >= 35 ? 'high' : rivals.length === 0 ? 'medium' : 'low',
    reason: best.why.join(', '),
    rivals: rivals.map((each) => each.table.name),
  };
}

export interface FoundPaths {
  /** By `schema.table`; the subject's own table is the first. */
  readonly paths: ReadonlyMap<string, readonly DraftPath[]>;
  /** The same, by the table they lead through; null for those that hold the subject's key. */
  readonly through: ReadonlyMap<string | null, readonly DraftPath[]>;
  /** Tables that rows of a person refer to, rather than the other way round. */
  readonly pointedTo: ReadonlySet<string>;
}

/** Whether a table pointed to only describes (a plan, a country) rather than being somebody's. */
export function isLookup(table: LiveTable, guesses: Guesses): boolean {
  if (isOfPeople(table)) return false;
  return [...(guesses.get(table.name) ?? new Map<string, ColumnGuess | Unplaced>())].every(
    ([column, guess]) => !isPersonal(guess) || isGenericName(column),
  );
}

/** Whether the rows of a table are people of their own: by its name, or because they can sign in. */
function isSomebodyElse(table: LiveTable, guesses: Guesses): boolean {
  return (
    isOfPeople(table) ||
    [...(guesses.get(table.name) ?? new Map<string, ColumnGuess | Unplaced>()).values()].some(
      (guess) => isPlaced(guess) && guess.category === 'user.authorization.password',
    )
  );
}

/** A column every list of things has: its name says nothing of a person. */
export function isGenericName(column: string): boolean {
  const words = wordsOf(column);
  return (
    words.length <= 2 &&
    ['name', 'title', 'description', 'label', 'code', 'slug', 'icon', 'display'].includes(
      words.at(-1) ?? '',
    ) &&
    !['first', 'last', 'full', 'given', 'family', 'middle', 'nick', 'user', 'billing', 'maiden'].includes(
      words[0] ?? '',
    )
  );
}

/**
 * Paths from each table to the subject: along foreign keys (rows that refer to
 * the subject's, then rows those refer to), and by name where no foreign key
 * is declared.
 */
export function findPaths(schema: LiveSchema, guesses: Guesses, subject: SubjectProposal): FoundPaths {
  const paths = new Map<string, DraftPath[]>([
    [
      subject.table.name,
      [
        {
          columns: subject.key,
          of: null,
          keys: [],
          ignoreCase: false,
          confidence: subject.confidence,
          reason: 'the subject’s own row',
          direct: true,
          actor: null,
        },
      ],
    ],
  ]);
  const add = (table: string, path: DraftPath): void => {
    const known = paths.get(table);
    if (known === undefined) paths.set(table, [path]);
    else if (!known.some((each) => sameColumns(each.columns, path.columns) && each.of === path.of))
      known.push(path);
  };
  const followed = followedKeys(schema, guesses);
  const incoming = new Map<string, string[]>();
  for (const [name, keys] of followed)
    for (const { to } of keys) {
      const group = incoming.get(to);
      if (group === undefined) incoming.set(to, [name]);
      else group.push(name);
    }
  const pointedTo = new Set<string>();
  // What only describes belongs to nobody, so nothing belongs to somebody through it.
  const only = (name: string): boolean => {
    const table = schema.tables.get(name);
    return pointedTo.has(name) && table !== undefined && isLookup(table, guesses);
  };
  let frontier: readonly string[] = [subject.table.name];
  while (frontier.length > 0) {
    const reached = closure(frontier, incoming, paths, subject);
    for (const name of reached) addForeignKeyPaths(followed, name, subject, paths, only, add);
    for (const name of byName(schema, guesses, subject, paths, add)) reached.push(name);
    frontier = followReferences(schema, followed, guesses, [...frontier, ...reached], paths, pointedTo, add);
  }
  alsoByEmail(schema, guesses, subject, paths, add);
  return { paths, through: Map.groupBy([...paths.values()].flat(), (each) => each.of), pointedTo };
}

function sameColumns(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each));
}

type Followed = ReadonlyMap<string, readonly ForeignKey[]>;

/** The foreign keys a path can go over, by the table they are of. */
function followedKeys(schema: LiveSchema, guesses: Guesses): Followed {
  return new Map(
    [...schema.tables.values()]
      .filter(isMappable)
      .map((table) => [
        table.name,
        table.foreignKeys.filter(
          (key) =>
            key.to !== table.name &&
            !table.foreignKeys.some((other) => isNamedBy(other, key)) &&
            !key.columns.some((column) => isSecret(guesses, table.name, column)) &&
            !key.keys.some((column) => isSecret(guesses, key.to, column)),
        ),
      ]),
  );
}

/** Whether a column is never read, so that no path can go over it. */
function isSecret(guesses: Guesses, table: string, column: string): boolean {
  const guess = guesses.get(table)?.get(column);
  return guess !== undefined && isPlaced(guess) && guess.never === true;
}

/** Tables that refer, directly or through others, to what is reached already; nearest first. */
function closure(
  from: readonly string[],
  incoming: ReadonlyMap<string, readonly string[]>,
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  subject: SubjectProposal,
): string[] {
  const found = new Set<string>();
  const queue = [...from];
  for (let place = 0; place < queue.length; place++) {
    for (const name of incoming.get(queue[place] ?? '') ?? []) {
      if (paths.has(name) || found.has(name) || name === subject.table.name) continue;
      found.add(name);
      queue.push(name);
    }
  }
  return [...found];
}

function addForeignKeyPaths(
  followed: Followed,
  name: string,
  subject: SubjectProposal,
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  onlyDescribes: (name: string) => boolean,
  add: (table: string, path: DraftPath) => void,
): void {
  // A way that comes back to the table itself leads nowhere that its own keys don't.
  const leading = (followed.get(name) ?? []).filter((each) =>
    leadsTo(followed, each.to, paths, onlyDescribes, new Set([name])),
  );
  const refersTo = (from: string, to: string): boolean =>
    followed.get(from)?.some((each) => each.to === to) === true;
  for (const key of leading) {
    const direct = key.to === subject.table.name;
    const holdsKey = direct && sameColumns(key.keys, subject.key);
    if (!direct && goesThrough(paths, key.to, name)) continue;
    // What is in a container twice, by itself and through something of the container, belongs by itself.
    const twice =
      key.to !== subject.table.name &&
      leading.some(
        (other) =>
          other.to !== key.to &&
          other.to !== subject.table.name &&
          refersTo(key.to, other.to) &&
          !refersTo(other.to, key.to) &&
          !goesThrough(paths, other.to, name),
      );
    if (twice) continue;
    add(name, {
      columns: holdsKey ? subject.key.map((each) => key.columns[key.keys.indexOf(each)] ?? '') : key.columns,
      of: holdsKey ? null : key.to,
      keys: holdsKey ? [] : key.keys,
      ignoreCase: false,
      confidence: 'high',
      reason: `foreign key ${key.name} to ${key.to}`,
      direct,
      actor: direct ? (key.columns.find(isActor) ?? null) : null,
    });
  }
}

/** Whether another foreign key names the same row by fewer of the columns. */
function isNamedBy(other: ForeignKey, key: ForeignKey): boolean {
  return (
    other.to === key.to &&
    other.columns.length < key.columns.length &&
    other.columns.every((each, place) => key.keys[key.columns.indexOf(each)] === other.keys[place])
  );
}

/** Whether a table belongs to the subject, one whose paths are only just being found included. */
function leadsTo(
  followed: Followed,
  name: string,
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  onlyDescribes: (name: string) => boolean,
  seen: Set<string>,
): boolean {
  if (onlyDescribes(name) || seen.has(name)) return false;
  if (paths.has(name)) return true;
  seen.add(name);
  return (followed.get(name) ?? []).some((each) => leadsTo(followed, each.to, paths, onlyDescribes, seen));
}

/** Whether the paths of `from` already lead through `through`: adding the way back would be a circle. */
function goesThrough(
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  from: string,
  through: string,
  seen = new Set<string>(),
): boolean {
  if (from === through) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return (paths.get(from) ?? []).some(
    (each) => each.of !== null && goesThrough(paths, each.of, through, seen),
  );
}

function isActor(column: string): boolean {
  return wordsOf(column).some((each) => actorWords.has(each) || passing.has(each));
}

/** Whether a column only says who last touched a row, which makes nobody its owner. */
export function isPassing(column: string): boolean {
  return wordsOf(column).some((each) => passing.has(each));
}

const waysToLookup = 3;

/** Rows that a person's rows refer to; gives those that may be somebody's, whose own followers are looked for next. */
function followReferences(
  schema: LiveSchema,
  followed: Followed,
  guesses: Guesses,
  from: readonly string[],
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  pointedTo: Set<string>,
  add: (table: string, path: DraftPath) => void,
): readonly string[] {
  const next = new Set<string>();
  const before = new Set(paths.keys());
  for (const name of from) {
    const table = schema.tables.get(name);
    if (table === undefined || (pointedTo.has(name) && isLookup(table, guesses))) continue;
    for (const key of followed.get(name) ?? []) {
      const target = schema.tables.get(key.to);
      if (target === undefined || !isMappable(target)) continue;
      if (before.has(key.to) && !pointedTo.has(key.to)) continue;
      // A lookup that half the platform refers to needs no union of thirty ways.
      if (isLookup(target, guesses) && (paths.get(key.to)?.length ?? 0) >= waysToLookup) continue;
      if (goesThrough(paths, name, key.to)) continue;
      // Who handled an order is another person, not something of the one who placed it.
      if (!tellRows(table, key.columns) && isSomebodyElse(target, guesses)) continue;
      if (!before.has(key.to)) next.add(key.to);
      pointedTo.add(key.to);
      add(key.to, {
        columns: key.keys,
        of: name,
        keys: key.columns,
        ignoreCase: false,
        confidence: isLookup(target, guesses) ? 'high' : 'medium',
        reason: `${name} refers to it by ${key.columns.join(', ')}`,
        direct: false,
        actor: null,
      });
    }
  }
  return [...next].filter((name) => {
    const table = schema.tables.get(name);
    return table !== undefined && !isLookup(table, guesses);
  });
}

const ownerWords = new Set<string>([
  ...personWords,
  'owner',
  'author',
  'creator',
  'holder',
  'requester',
  'sender',
  'uid',
  'by',
]);
const keyWords = new Set([
  'id',
  'uuid',
  'uid',
  'key',
  'guid',
  'number',
  'code',
  'pk',
  'ref',
  'reference',
  'identifier',
]);

/** Paths where no foreign key is declared: columns named for the subject, or for a table that already belongs to one. */
function byName(
  schema: LiveSchema,
  guesses: Guesses,
  subject: SubjectProposal,
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  add: (table: string, path: DraftPath) => void,
): readonly string[] {
  const found: string[] = [];
  // A name alone tells of no key of several columns.
  const [key = '', ...more] = subject.key;
  const keyColumn = more.length === 0 ? subject.table.columns.get(key) : undefined;
  const pending = [...schema.tables.values()].filter((each) => isMappable(each) && !paths.has(each.name));
  const open = (table: LiveTable): readonly LiveColumn[] => {
    const keyed = new Set(table.foreignKeys.flatMap((each) => each.columns));
    return [...table.columns.values()].filter(
      (each) => !keyed.has(each.name) && !each.array && !isSecret(guesses, table.name, each.name),
    );
  };
  const direct = (column: LiveColumn, confidence: Confidence, reason: string): DraftPath => ({
    columns: [column.name],
    of: null,
    keys: [],
    ignoreCase: false,
    confidence,
    reason,
    direct: true,
    actor: isActor(column.name) ? column.name : null,
  });
  for (const table of pending) {
    const columns = open(table).filter((each) => each.kind === keyColumn?.kind);
    const named = columns.filter((each) => isNamedFor(each.name, subject.table, key));
    const meant = columns.filter((each) => isOwnerColumn(each.name) && each.name !== table.primaryKey[0]);
    for (const column of named)
      add(
        table.name,
        direct(column, 'medium', `named and typed like the key of ${subject.table.name}; no foreign key`),
      );
    if (named.length === 0 && meant.length > 0)
      for (const column of meant)
        add(
          table.name,
          direct(
            column,
            'low',
            `named like whose row it is and typed like the key of ${subject.table.name}; no foreign key`,
          ),
        );
    if (paths.has(table.name)) found.push(table.name);
  }
  // Tables that name one of those: tickets → ticket messages.
  const parents = [...paths.keys()].flatMap((name) => {
    const table = schema.tables.get(name);
    return table === undefined || name === subject.table.name || table.primaryKey.length !== 1 ? [] : [table];
  });
  const byWord = new Map<string, LiveTable[]>();
  const index = (table: LiveTable): void => {
    const word = tableWords(table.table).at(-1) ?? '';
    byWord.set(word, [...(byWord.get(word) ?? []), table]);
  };
  for (const each of parents) index(each);
  // A ticket known by its sender's address has its messages too.
  for (const table of pending)
    if (!paths.has(table.name) && emailPath(table, guesses, subject, add)) {
      found.push(table.name);
      if (table.primaryKey.length === 1) index(table);
    }
  for (let grew = true; grew;) {
    grew = false;
    for (const table of pending) {
      if (paths.has(table.name)) continue;
      for (const column of open(table)) {
        if (table.primaryKey.length === 1 && table.primaryKey[0] === column.name) continue;
        const words = wordsOf(column.name);
        const candidates = words.flatMap((word) => byWord.get(word) ?? []);
        const parent = candidates.find((each) => {
          const [key = ''] = each.primaryKey;
          return (
            each.name !== table.name &&
            each.columns.get(key)?.kind === column.kind &&
            isNamedFor(column.name, each, key)
          );
        });
        if (parent === undefined) continue;
        add(table.name, {
          columns: [column.name],
          of: parent.name,
          keys: parent.primaryKey,
          ignoreCase: false,
          confidence: 'medium',
          reason: `named and typed like the key of ${parent.name}; no foreign key`,
          direct: false,
          actor: null,
        });
      }
      if (!paths.has(table.name)) continue;
      found.push(table.name);
      if (table.primaryKey.length === 1) index(table);
      grew = true;
    }
  }
  return found;
}

/** `user_id`, `userId`, `app_user_id` for a table of users; or the very name of its key, when that isn't just `id`. */
function isNamedFor(column: string, table: LiveTable, key: string): boolean {
  const words = wordsOf(column);
  const keyed = wordsOf(key);
  const named = tableWords(table.table);
  const one = named.at(-1) ?? '';
  if (keyed.length > 1 && keyed.join(' ') === words.join(' ')) return true;
  if (words.length < 2 || !keyWords.has(words.at(-1) ?? '')) return words.length === 1 && words[0] === one;
  const before = words.slice(0, -1).join(' ');
  return before === one || before === named.join(' ');
}

function isOwnerColumn(column: string): boolean {
  const words = wordsOf(column);
  const last = words.at(-1) ?? '';
  if (last === 'by') return words.length === 2;
  if (words.length === 1) return ownerWords.has(last) && last !== 'key';
  return keyWords.has(last) && ownerWords.has(words.at(-2) ?? '');
}

const senders = new Set<string>([
  ...personWords,
  'from',
  'sender',
  'author',
  'requester',
  'reporter',
  'owner',
  'login',
  'subscriber',
]);
const receivers = new Set([
  'to',
  'recipient',
  'billing',
  'reply',
  'cc',
  'bcc',
  'support',
  'invoice',
  'contact',
  'emergency',
]);

/** A path by e-mail address, where a table has nothing better; gives whether there is one. */
function emailPath(
  table: LiveTable,
  guesses: Guesses,
  subject: SubjectProposal,
  add: (table: string, path: DraftPath) => void,
): boolean {
  const theirs = emailOf(subject.table, guesses);
  // People told apart by a tenant too may be several with one address.
  if (theirs === null || subject.key.length > 1 || isSomebodyElse(table, guesses)) return false;
  const column = [...(guesses.get(table.name) ?? new Map<string, ColumnGuess | Unplaced>())].find(
    ([name, guess]) => {
      if (
        !isPlaced(guess) ||
        guess.category !== 'user.contact.email' ||
        table.columns.get(name)?.array !== false
      )
        return false;
      const words = wordsOf(name);
      return (
        !words.some((each) => receivers.has(each)) &&
        (words.length === 1 || words.some((each) => senders.has(each)))
      );
    },
  )?.[0];
  if (column === undefined) return false;
  add(table.name, {
    columns: [column],
    of: subject.table.name,
    keys: [theirs],
    ignoreCase: true,
    confidence: 'low',
    reason: `holds e-mail addresses, compared with ${subject.table.name}.${theirs}; no foreign key`,
    direct: false,
    actor: null,
  });
  return true;
}

/** The column of the subject's e-mail address. */
export function emailOf(table: LiveTable, guesses: Guesses): string | null {
  for (const [name, guess] of guesses.get(table.name) ?? [])
    if (isPlaced(guess) && guess.category === 'user.contact.email' && guess.never !== true) return name;
  return null;
}

/** Rows whose direct reference may be empty and which also hold who wrote: found by the address too. */
function alsoByEmail(
  schema: LiveSchema,
  guesses: Guesses,
  subject: SubjectProposal,
  paths: ReadonlyMap<string, readonly DraftPath[]>,
  add: (table: string, path: DraftPath) => void,
): void {
  for (const [name, known] of [...paths]) {
    const table = schema.tables.get(name);
    if (table === undefined || name === subject.table.name || known.length !== 1) continue;
    const [only] = known;
    if (only?.of !== null || only.columns.every((each) => table.columns.get(each)?.notNull !== false))
      continue;
    emailPath(table, guesses, subject, add);
  }
}
