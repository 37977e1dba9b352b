import type { CheckFinding, Severity } from '#shared/contract/dataMap.ts';
import type { Catalogue } from '../catalogue.ts';
import { allWriterRights, type WriterRights } from '../compile.ts';
import { isPersonal, isPlaced, type ColumnGuess, type Unplaced } from '../draft/guess.ts';
import type { Sampled } from '../draft/sample.ts';
import type { Guesses } from '../draft/subjects.ts';
import type { ForeignKey, LiveSchema, LiveTable } from '../liveSchema.ts';
import { isCorrectable, type Collection, type DataMap, type SubjectPath } from '../map.ts';
import { printable } from '../mapText.ts';
import { quoteIdentifier, quoteTable, tableName, tableParts } from '../quote.ts';
import { textsOf } from '../translations.ts';
import { documentsLookedAt, type Documents } from './documents.ts';
import { collectFindings, inOrder, type Findings } from './findings.ts';
import type { Tried } from './replacements.ts';
import type { DatabaseSurroundings, PlatformTrigger } from './surroundings.ts';
import { neededRights, swallows } from './triggers.ts';

/** A column with the type the installed map was compiled for. */
export interface CompiledColumn {
  readonly table: string;
  readonly column: string;
  /** Spelt as {@link Catalogue} does. */
  readonly type: string;
}

/** Everything a check goes by; nothing of it is a value of a row. */
export interface Checked {
  readonly map: DataMap;
  readonly schema: LiveSchema;
  /** What the compiler reads; null where this login may not read it. */
  readonly catalogue: Catalogue | null;
  readonly around: DatabaseSurroundings;
  readonly guesses: Guesses;
  /** Counts of values; null without looking at any. */
  readonly sampled: Sampled | null;
  /** What lies in mapped documents beside their paths; null without looking. */
  readonly documents: Documents | null;
  /** What trying what erasure writes came to; null without a map that can be compiled. */
  readonly tried: Tried | null;
  /** Why the map can't be compiled for this database; null when it can. */
  readonly refused: string | null;
  /** What was compiled at the install; null for a map that isn't installed. */
  readonly compiled: readonly CompiledColumn[] | null;
}

/** A check while it goes on, with what several parts of it ask for. */
interface Work extends Checked {
  readonly findings: Findings;
  readonly mapped: ReadonlyMap<string, { readonly name: string; readonly held: Collection }>;
  /** Nearest mapped table at or above a table. */
  readonly above: (table: string) => string | null;
}

/** Compares a map with a database. Pure: the same facts give the same findings. */
export function checkMap(checked: Checked): CheckFinding[] {
  const mapped = new Map(
    Object.entries(checked.map.collections).map(([name, held]) => [held.table, { name, held }]),
  );
  const above = (table: string): string | null => {
    const seen = new Set<string>();
    const nearest = (name: string): string | null => {
      if (mapped.has(name)) return name;
      if (seen.has(name)) return null;
      seen.add(name);
      for (const parent of checked.schema.tables.get(name)?.inherits ?? []) {
        const found = nearest(parent);
        if (found !== null) return found;
      }
      return null;
    };
    return nearest(table);
  };
  const work: Work = { ...checked, findings: collectFindings(), mapped, above };
  checkUnseen(work);
  checkUndecided(work);
  checkUnmapped(work);
  checkGone(work);
  checkPaths(work);
  checkReferences(work);
  checkViews(work);
  checkRowSecurity(work);
  checkTriggers(work);
  checkStamps(work);
  checkMasks(work);
  checkGuesses(work);
  checkDocuments(work);
  checkReplacements(work);
  checkReach(work);
  checkTranslations(work);
  const found = work.findings.all;
  // The compiler stops at its first reason; one the check has found by itself needs no telling twice.
  const told = found.some((each) =>
    ['undecided', 'unmapped-column', 'column-gone', 'table-gone'].includes(each.code),
  );
  if (checked.refused !== null && !told) work.findings.add('blocks', 'not-installable', '*', checked.refused);
  return inOrder(work.findings.all);
}

function checkUnseen({ schema, around, catalogue, sampled, findings }: Work): void {
  const unseen = new Set([
    ...schema.unseen,
    ...around.unseen,
    ...(catalogue === null ? ['keys of mapped tables'] : []),
  ]);
  for (const what of unseen)
    findings.add(
      'blocks',
      'catalogue-unreadable',
      what,
      `This login may not read the ${what} in the system catalogue, so what is there is unknown; check with a login that may.`,
    );
  if (sampled === null)
    findings.add(
      'notes',
      'values-not-counted',
      '*',
      'No value was counted: what columns hold was judged by names and types alone.',
    );
  else if (sampled.unseen.size > 0) {
    const some = [...sampled.unseen.keys()].slice(0, 3).join(', ');
    findings.add(
      'notes',
      'values-not-counted',
      '*',
      `The values of ${sampled.unseen.size} tables (${some}${sampled.unseen.size > 3 ? ' and others' : ''}) could not be counted by this login; they were judged by names and types alone.`,
    );
  }
}

function checkDocuments({ documents, findings }: Work): void {
  if (documents === null) return;
  for (const { column, path, documents: count } of documents.unnamed)
    findings.add(
      'warns',
      'unnamed-value',
      path === '' ? column : `${column}: ${path}`,
      `${count} of the last ${documentsLookedAt} documents hold a value here that no path of the map names; name it, with its category and mask, or leave it withheld.`,
    );
  for (const column of documents.unseen)
    findings.add(
      'notes',
      'documents-not-seen',
      column,
      'This login could not look into these documents, so new keys in them are not told; check with a login that may read the column.',
    );
}

function checkReplacements({ tried, findings }: Work): void {
  for (const { column, says } of tried?.clashes ?? [])
    findings.add(
      'blocks',
      'replacement-breaks',
      column,
      `Erasure would write into this column of rows that stay ${says}.`,
    );
  for (const { column, says } of tried?.untried ?? [])
    findings.add(
      'notes',
      'replacement-untried',
      column,
      `Whether what erasure writes here fits the constraint ${says} was not tried, since that runs functions of the platform or looks at what the row holds; see that it does.`,
    );
}

function checkTranslations({ map, findings }: Work): void {
  const texts = textsOf(map);
  const some = (found: readonly string[]): string =>
    `${found
      .slice(0, 3)
      .map((each) => `“${printable(each)}”`)
      .join(', ')}${found.length > 3 ? ` and ${found.length - 3} more` : ''}`;
  for (const [language, translated] of Object.entries(map.translations ?? {})) {
    const missing = [...texts].filter((each) => !Object.hasOwn(translated, each));
    if (missing.length > 0)
      findings.add(
        'warns',
        'untranslated',
        language,
        `Packages in this language show ${some(missing)} in English; translate them under “translations.${language}”.`,
      );
    const unused = Object.keys(translated).filter((each) => !texts.has(each));
    if (unused.length > 0)
      findings.add(
        'notes',
        'translation-unused',
        language,
        `The map says ${some(unused)} nowhere; remove these from “translations.${language}”, or correct them.`,
      );
  }
}

function checkUndecided({ map, findings }: Work): void {
  for (const { table, column, about, reason } of map.undecided ?? [])
    findings.add(
      'blocks',
      'undecided',
      `${table}${column === undefined ? '' : `.${column}`}`,
      `The map leaves this undecided${about === undefined ? '' : ` (${about})`}: ${reason}. Decide it as its “write” says, and remove it from “undecided”.`,
    );
}

/** What tells that a column holds something of a person; null when nothing does. */
function tells(guess: ColumnGuess | Unplaced | undefined): string | null {
  if (guess === undefined) return null;
  return !isPlaced(guess) || isPersonal(guess) ? guess.reason : null;
}

function checkUnmapped(work: Work): void {
  const { map, schema, guesses, mapped, above, findings } = work;
  for (const table of schema.tables.values()) {
    const known = mapped.get(table.name);
    if (known !== undefined) {
      for (const column of table.columns.keys())
        if (!Object.hasOwn(known.held.columns, column)) {
          const why = tells(guesses.get(table.name)?.get(column));
          findings.add(
            'blocks',
            'unmapped-column',
            `${table.name}.${column}`,
            `This column isn’t in the map${why === null ? '' : ` (${why})`}; add it to the collection ${known.name}, so that nothing of a person is forgotten.`,
          );
        }
      continue;
    }
    if (Object.hasOwn(map.ignored, table.name)) {
      checkIgnored(work, table);
      continue;
    }
    if (table.kind === 'view' || table.kind === 'materialised view' || table.extension !== null) continue;
    const parent = above(table.name);
    if (parent !== null) {
      const own = [...table.columns.keys()].filter(
        (column) => schema.tables.get(parent)?.columns.has(column) !== true,
      );
      if (own.length > 0)
        findings.add(
          'blocks',
          'unmapped-table',
          table.name,
          `This table inherits from ${parent} and has columns of its own that are not read with it (${own.join(', ')}); map it, or rule it out under “ignored”.`,
        );
      continue;
    }
    const telling = [...table.columns.keys()].flatMap((column) => {
      const why = tells(guesses.get(table.name)?.get(column));
      return why === null ? [] : [`${column} (${why})`];
    });
    const refers = table.foreignKeys.filter((key) => above(key.to) !== null);
    const because = [
      ...(refers.length === 0
        ? []
        : [`refers to ${[...new Set(refers.map((key) => key.to))].join(', ')}, which is mapped`]),
      ...(telling.length === 0
        ? []
        : [
            `may hold something of a person: ${telling.slice(0, 5).join(', ')}${telling.length > 5 ? ` and ${telling.length - 5} more` : ''}`,
          ]),
    ];
    findings.add(
      'blocks',
      'unmapped-table',
      table.name,
      table.kind === 'foreign table'
        ? 'This foreign table isn’t in the map and its rows are on another server; rule it out under “ignored” with the reason, and see to its rows there.'
        : `This table isn’t in the map${because.length === 0 ? '' : ` and ${because.join('; it ')}`}; map it, or rule it out under “ignored”.`,
    );
  }
}

/** A table ruled out by name that looks as if it held people after all. */
function checkIgnored({ sampled, guesses, findings }: Work, table: LiveTable): void {
  if (table.extension !== null || table.kind === 'foreign table') return;
  const counts = sampled?.counts.get(table.name);
  const telling = [...table.columns.keys()].filter((column) => {
    const guess = guesses.get(table.name)?.get(column);
    return guess !== undefined && isPlaced(guess) && isPersonal(guess) && counts?.get(column)?.values !== 0;
  });
  const sure = telling.filter((column) => {
    const found = counts?.get(column);
    return found !== undefined && found.email + found.phone + found.holdsEmail + found.holdsPhone > 0;
  });
  if (sure.length > 0)
    findings.add(
      'warns',
      'ignored-looks-personal',
      table.name,
      `The map rules this table out, but values of ${sure.join(', ')} have the form of e-mail addresses or phone numbers; look at it again, and map it if they are people’s.`,
    );
}

function checkGone(work: Work): void {
  const { map, schema, catalogue, compiled, findings } = work;
  for (const [name, held] of Object.entries(map.collections)) {
    const table = schema.tables.get(held.table);
    const partition = catalogue?.descents.find((each) => each.table === held.table)?.partition === true;
    if (table === undefined && partition) continue;
    if (table === undefined) {
      findings.add(
        'blocks',
        'table-gone',
        held.table,
        `The collection ${name} names this table, which the database doesn’t have or this login may not see; correct the map.`,
      );
      continue;
    }
    for (const column of Object.keys(held.columns))
      if (!table.columns.has(column))
        findings.add(
          'blocks',
          'column-gone',
          `${held.table}.${column}`,
          `The collection ${name} names this column, which the table doesn’t have; correct the map.`,
        );
  }
  for (const ignored of Object.keys(map.ignored))
    if (
      !ignored.startsWith('r2:') &&
      !schema.tables.has(ignored) &&
      catalogue?.descents.some((each) => each.table === ignored) !== true
    )
      findings.add(
        'notes',
        'ignored-gone',
        ignored,
        'The map rules this table out, and the database has none of that name; remove the line.',
      );
  for (const { table, column, type } of compiled ?? []) {
    const live = catalogue?.tables.get(table)?.get(column);
    if (live !== undefined && live.type !== type)
      findings.add(
        'blocks',
        'type-changed',
        `${table}.${column}`,
        `The installed map was compiled for the type ${type}, and the column is ${live.type} now; install the map again.`,
      );
  }
}

/** What reading all of a table comes to, in words; how severe that is. */
function scan({ around }: Work, table: string): readonly [Severity, string] {
  const size = around.sizes.get(table);
  if (size === undefined) return ['notes', 'reads all of it'];
  const rows = Math.round(size.rows);
  return [
    size.pages >= 100 ? 'warns' : 'notes',
    `reads all of it: ${Math.ceil(size.pages)} pages and about ${rows} rows, a cost of ${Math.ceil(size.cost)} by the planner’s measure`,
  ];
}

/** Whether an index begins with these columns, in any order. */
function hasIndex({ around }: Work, table: string, columns: readonly string[]): boolean {
  return (around.indexes.get(table) ?? []).some((keys) =>
    columns.every((column) => keys.slice(0, columns.length).includes(column)),
  );
}

function hasLowerIndex({ around }: Work, table: string, column: string): boolean {
  const spelt = [column, quoteIdentifier(column)];
  const wanted = new Set(
    spelt.flatMap((each) => [`lower(${each})`, `lower((${each})::text)`, `lower(${each}::text)`]),
  );
  return (around.indexes.get(table) ?? []).some(([first]) => first !== undefined && wanted.has(first));
}

function checkPaths(work: Work): void {
  const { map, schema, findings } = work;
  for (const [name, held] of Object.entries(map.collections)) {
    const table = schema.tables.get(held.table);
    if (table === undefined) continue;
    const paths: readonly SubjectPath[] = [
      ...held.subject,
      ...held.detach.filter((each) => typeof each !== 'string'),
    ];
    const told = new Set<string>();
    for (const path of paths) {
      const [column = ''] = path.columns;
      const subject = `${held.table}.${path.columns.join(', ')}`;
      if (told.has(subject) || !path.columns.every((each) => table.columns.has(each))) continue;
      told.add(subject);
      if (
        path.ignoreCase ? hasLowerIndex(work, held.table, column) : hasIndex(work, held.table, path.columns)
      )
        continue;
      const [severity, cost] = scan(work, held.table);
      const on = path.ignoreCase
        ? `lower(${quoteIdentifier(column)}::text)`
        : path.columns.map(quoteIdentifier).join(', ');
      findings.add(
        severity,
        'path-without-index',
        subject,
        `The rows of ${name} are found by ${path.columns.join(', ')}, which no index begins with, so each look-up ${cost}; create index concurrently on ${quoteTable(held.table)} (${on}).`,
      );
    }
  }
}

/** Whether erasure deletes rows of a collection, of whatever kind of subject. */
function isDeleted(held: Collection): boolean {
  return Object.values(held.erasure).some((does) => does.action === 'delete');
}

function checkReferences(work: Work): void {
  const { schema, above, mapped, findings } = work;
  for (const table of schema.tables.values()) {
    for (const key of table.foreignKeys) {
      const to = mapped.get(above(key.to) ?? '');
      if (to === undefined || !isDeleted(to.held)) continue;
      const from = mapped.get(above(table.name) ?? '');
      const subject = `${table.name}.${key.columns.join(', ')}`;
      if (!hasIndex(work, table.name, key.columns)) {
        const [severity, cost] = scan(work, table.name);
        findings.add(
          severity,
          'reference-without-index',
          subject,
          `This key refers to ${key.to}, whose rows erasure deletes, and no index begins with it, so each deleted row ${cost}; create index concurrently on ${quoteTable(table.name)} (${key.columns.map(quoteIdentifier).join(', ')}).`,
        );
      }
      if (from === undefined) checkOutside(work, table, key, subject);
      else if (from.name !== to.name) checkKept(work, from, to, key, subject);
    }
  }
}

/** A key from a table the map has no collection for. */
function checkOutside({ findings }: Work, table: LiveTable, key: ForeignKey, subject: string): void {
  if (key.onDelete === 'cascade')
    findings.add(
      'blocks',
      'cascade-beyond-map',
      subject,
      `Deleting a row of ${key.to} deletes those of ${table.name} with it, which the map doesn’t know; map ${table.name}, or have the platform change the key.`,
    );
  else if (key.onDelete === 'set null' || key.onDelete === 'set default')
    findings.add(
      'warns',
      'change-beyond-map',
      subject,
      `Deleting a row of ${key.to} changes those of ${table.name}, which the map doesn’t know, so erasure refuses where there are any; map ${table.name}.`,
    );
  else
    findings.add(
      'warns',
      'reference-beyond-map',
      subject,
      `Rows of ${table.name}, which the map doesn’t know, forbid deleting the row of ${key.to} they refer to, so erasure refuses where there are any; map ${table.name}.`,
    );
}

/** A key from rows that stay to rows that are deleted, whichever kind of subject is erased. */
function checkKept(
  { findings }: Work,
  from: { readonly name: string; readonly held: Collection },
  to: { readonly name: string; readonly held: Collection },
  key: ForeignKey,
  subject: string,
): void {
  const told = new Set<string>();
  for (const kind of Object.keys(to.held.erasure)) {
    const found = keptFor(kind, from, to, key);
    if (found === null || told.has(found.says)) continue;
    told.add(found.says);
    findings.add(found.severity, found.code, subject, found.says);
  }
}

/** What such a key comes to when a subject of one kind is erased; null when nothing. */
function keptFor(
  kind: string,
  from: { readonly name: string; readonly held: Collection },
  to: { readonly name: string; readonly held: Collection },
  key: ForeignKey,
): Pick<CheckFinding, 'severity' | 'code' | 'says'> | null {
  const [goes, stays] = [to, from].map(({ held }) =>
    Object.hasOwn(held.erasure, kind) ? held.erasure[kind] : undefined,
  );
  if (goes?.action !== 'delete') return null;
  if (stays?.action === 'delete' && stays.whenReferenced === undefined) return null;
  const { whenReferenced, unlessReferenced } = goes;
  const covered =
    unlessReferenced === true ||
    (whenReferenced?.by.some(
      (by) => by.collection === from.name && by.column.every((column) => key.columns.includes(column)),
    ) ??
      false);
  const why = stays?.action === 'keep' ? ` (${stays.ground})` : '';
  if (covered)
    return stays?.action === 'keep'
      ? {
          severity: 'notes',
          code: 'kept-row-holds',
          says: `Rows of ${from.name} are kept${why} and hold the row of ${to.name} they refer to, which then stays and is anonymised.`,
        }
      : null;
  const detached = from.held.detach.some((each) =>
    (typeof each === 'string' ? [each] : each.columns).some((column) => key.columns.includes(column)),
  );
  if (detached || key.onDelete === 'set null' || key.onDelete === 'set default') return null;
  // What others only mention is erased with neither; what isn't such a person's stays as well.
  if ((stays === undefined || stays.action === 'none') && key.onDelete !== 'cascade')
    return {
      severity: 'warns',
      code: 'kept-row-forbids-delete',
      says: `Rows of ${from.name} stay and forbid deleting the row of ${to.name} they refer to, so erasure refuses where there are any; name ${from.name} under whenReferenced of ${to.name}, or detach the column.`,
    };
  return {
    severity: 'blocks',
    code: key.onDelete === 'cascade' ? 'cascade-deletes-kept' : 'kept-row-forbids-delete',
    says:
      key.onDelete === 'cascade'
        ? `Rows of ${from.name} are to stay${why}, but the database deletes them with the row of ${to.name} they refer to; name ${from.name} under whenReferenced of ${to.name}.`
        : `Rows of ${from.name} stay${why} and forbid deleting the row of ${to.name} they refer to; name ${from.name} under whenReferenced of ${to.name}.`,
  };
}

function checkViews({ schema, around, mapped, above, findings }: Work): void {
  /** View → tables below it, through other views. */
  const below = new Map<string, Set<string>>();
  for (const use of around.viewUses)
    below.set(use.view, (below.get(use.view) ?? new Set<string>()).add(use.relation));
  const seenBelow = new Map<string, ReadonlySet<string>>();
  const tablesBelow = (view: string): ReadonlySet<string> => {
    const known = seenBelow.get(view);
    if (known !== undefined) return known;
    const seen = new Set<string>();
    const visit = (name: string): void => {
      for (const each of below.get(name) ?? []) {
        if (seen.has(each)) continue;
        seen.add(each);
        visit(each);
      }
    };
    visit(view);
    seenBelow.set(view, seen);
    return seen;
  };
  /** Views that stand on a view, that one included. */
  const standingOn = (view: string): readonly string[] => [
    view,
    ...[...below.keys()].filter((each) => each !== view && tablesBelow(each).has(view)),
  ];
  const told = new Set<string>();
  for (const use of around.viewUses) {
    const table = above(use.relation);
    const held = mapped.get(table ?? '')?.held;
    if (table === null || held === undefined) continue;
    const secrets = Object.keys(held.columns).filter(
      (column) => held.columns[column]?.never === true && (use.column === null || use.column === column),
    );
    for (const column of secrets)
      for (const view of standingOn(use.view)) {
        const about = `${view} ${table}.${column}`;
        if (told.has(about)) continue;
        told.add(about);
        const open = around.openToPublic.get(view);
        findings.add(
          open === undefined ? 'warns' : 'blocks',
          'view-uses-never',
          view,
          `This view uses ${table}.${column}, which the map never shows${view === use.view ? '' : ` (through ${use.view})`}${open === undefined ? '' : `, and public may ${open} it`}; have the platform leave the column out, or take rights on the view from whoever shouldn’t see it.`,
        );
      }
  }
  for (const table of schema.tables.values()) {
    if (table.kind === 'foreign table') {
      findings.add(
        'notes',
        'foreign-table',
        table.name,
        'A foreign table: its rows are on another server, and nothing here reads or erases them.',
      );
      continue;
    }
    if (table.kind !== 'view' && table.kind !== 'materialised view') continue;
    const personal = [...tablesBelow(table.name)].filter((each) => above(each) !== null);
    if (personal.length === 0) continue;
    if (table.kind === 'view')
      findings.add(
        'notes',
        'view',
        table.name,
        `A view over ${personal.join(', ')}: it is left alone, and shows what they hold to whoever may read it.`,
      );
    else
      findings.add(
        'warns',
        'materialised-view',
        table.name,
        `A materialised view over ${personal.join(', ')}: it keeps what it copied after an erasure until it is refreshed; refresh it after each.`,
      );
  }
}

function checkRowSecurity({ around, above, findings }: Work): void {
  for (const [name, policies] of around.rowSecurity) {
    const table = above(name);
    if (table === null) continue;
    findings.add(
      'blocks',
      'row-security',
      name,
      `Row-level security ${policies.length === 0 ? 'without a policy hides every row of this table' : `(${policies.join(', ')}) would hide rows of this table`} from the console’s owner, so an export could be silently empty; the console refuses to serve until it is settled in the database.`,
    );
  }
}

function checkTriggers(work: Work): void {
  const { map, catalogue, around, above, mapped, findings, refused } = work;
  if (around.triggers.length === 0 && around.insteadRules.length === 0) return;
  const rights = catalogue === null || refused !== null ? null : allWriterRights(map, catalogue);
  const isChanged = (table: string): boolean =>
    rights === null
      ? Object.values(mapped.get(table)?.held.erasure ?? {}).some((does) => does.action === 'anonymise')
      : (rights.get(table)?.update.length ?? 0) > 0;
  for (const trigger of around.triggers) {
    const table = above(trigger.table);
    const held = mapped.get(table ?? '')?.held;
    if (table === null || held === undefined) continue;
    const events = [
      ...(isDeleted(held) && trigger.onDelete ? (['delete'] as const) : []),
      ...(isChanged(table) && trigger.onUpdate ? (['update'] as const) : []),
    ];
    if (events.length === 0) continue;
    const subject = `${trigger.table}.${trigger.name}`;
    for (const event of events) saySwallowed(findings, trigger, subject, event);
    if (trigger.asOwner)
      findings.add(
        'notes',
        'trigger-runs-as-owner',
        subject,
        `This trigger runs ${trigger.runs} with the rights of ${trigger.owner} when the console ${events.map((each) => `${each}s`).join(' or ')} a row.`,
      );
    else sayRights(work, trigger, subject, rights);
  }
  for (const { table: name, name: rule, of } of around.insteadRules) {
    const table = above(name);
    const held = mapped.get(table ?? '')?.held;
    if (table === null || held === undefined || !(of === 'delete' ? isDeleted(held) : isChanged(table)))
      continue;
    findings.add(
      'blocks',
      'rule-instead',
      `${name}.${rule}`,
      `This rule puts something else in the place of a${of === 'delete' ? ' deletion' : 'n update'}, so erasure would change nothing here; have the platform remove it.`,
    );
  }
}

/** What columns are called that tell when a row was changed. */
const stampNames = /^(?:last_)?(?:updated|modified|changed)(?:_?(?:at|on|time|date))?$/i;

/** Whether a correction keeps the platform's own time of a change right: by the map, or by a trigger, and not by both. */
function checkStamps({ map, schema, around, findings }: Work): void {
  for (const held of Object.values(map.collections)) {
    const byTrigger = (column: string): PlatformTrigger | undefined =>
      around.triggers.find(
        (each) =>
          each.table === held.table &&
          each.before &&
          each.eachRow &&
          each.onUpdate &&
          each.source.includes(column),
      );
    const { updatedAt } = held;
    const trigger = updatedAt === undefined ? undefined : byTrigger(updatedAt);
    if (updatedAt !== undefined && trigger !== undefined)
      findings.add(
        'notes',
        'stamped-twice',
        `${held.table}.${updatedAt}`,
        `A correction sets this to its time, and the trigger ${trigger.name} names it too; remove “updatedAt” where the trigger sets it.`,
      );
    if (updatedAt !== undefined || !Object.values(held.columns).some(isCorrectable)) continue;
    for (const [column, { kind }] of schema.tables.get(held.table)?.columns ?? [])
      if ((kind === 'time' || kind === 'date') && stampNames.test(column) && byTrigger(column) === undefined)
        findings.add(
          'warns',
          'never-stamped',
          `${held.table}.${column}`,
          `Nothing sets this when staff correct a row, and what follows changes by it would miss the correction; write updatedAt: ${column} in its collection.`,
        );
  }
}

function saySwallowed(
  findings: Findings,
  trigger: PlatformTrigger,
  subject: string,
  event: 'delete' | 'update',
): void {
  const does = swallows(trigger, event);
  if (does === 'never') return;
  const what = event === 'delete' ? 'a deletion' : 'a change';
  findings.add(
    does === 'always' ? 'blocks' : 'warns',
    `trigger-swallows-${event}`,
    subject,
    does === 'always'
      ? `This trigger runs before each ${event} and gives nothing back to go on with, so PostgreSQL leaves the row as it is without an error; have the platform ${event === 'delete' ? 'return OLD' : 'return NEW'}.`
      : does === 'perhaps'
        ? `This trigger runs before each ${event} and may swallow ${what} silently; read ${trigger.runs}, and see that what the console erases goes on.`
        : `This trigger runs before each ${event} in ${trigger.language}, which can’t be read here, and may swallow ${what} silently; read ${trigger.runs}.`,
  );
}

/** What a trigger needs that the console's writer, as whom it runs, has not. */
function sayRights(
  { map, schema, findings }: Work,
  trigger: PlatformTrigger,
  subject: string,
  rights: WriterRights | null,
): void {
  if (trigger.language !== 'plpgsql' && trigger.language !== 'sql') return;
  const schemas = [
    ...new Set(Object.values(map.collections).map((held) => tableParts(held.table)?.schema ?? '')),
  ];
  const missing = new Set<string>();
  for (const needed of neededRights(trigger.source)) {
    const names =
      needed.schema === null
        ? schemas.map((each) => tableName(each, needed.table))
        : [tableName(needed.schema, needed.table)];
    const table = names.find((each) => schema.tables.has(each));
    if (table === undefined) continue;
    const own = rights?.get(table);
    const has =
      needed.right === 'delete'
        ? own?.delete === true
        : needed.right === 'insert'
          ? false
          : (own?.[needed.right].length ?? 0) > 0;
    if (!has) missing.add(`${needed.right} on ${quoteTable(table)}`);
  }
  if (missing.size > 0)
    findings.add(
      'warns',
      'trigger-needs-rights',
      subject,
      `This trigger runs ${trigger.runs} with the rights of the console’s writer, which lacks ${[...missing].join(', ')}; grant that to privacy_console_writer after each install, or have the platform make the function security definer, else erasure fails here.`,
    );
}

/** Categories of everything else, which say nothing about whether two columns hold the same. */
const catchAlls = new Set(['user.unique_id', 'user.behavior']);

/** A category masked in one table and bare in another. */
function checkMasks({ map, schema, findings }: Work): void {
  const masked = new Map<string, string>();
  const bare: { subject: string; category: string }[] = [];
  for (const held of Object.values(map.collections)) {
    // What names rows or describes an object is of the category of what it belongs to.
    const names = new Set([
      ...(schema.tables.get(held.table)?.foreignKeys ?? []).flatMap((key) => key.columns),
      ...Object.values(held.object ?? {}),
    ]);
    for (const [name, column] of Object.entries(held.columns)) {
      if (column.mask === undefined && names.has(name)) continue;
      if (column.never || catchAlls.has(column.category) || column.category.startsWith('system.')) continue;
      const subject = `${held.table}.${name}`;
      if (column.mask !== undefined) {
        if (!masked.has(column.category)) masked.set(column.category, subject);
        continue;
      }
      const live = schema.tables.get(held.table)?.columns.get(name);
      if (live !== undefined && ['text', 'json', 'address'].includes(live.kind))
        bare.push({ subject, category: column.category });
    }
  }
  for (const { subject, category } of bare) {
    const other = masked.get(category);
    if (other !== undefined)
      findings.add(
        'warns',
        'masked-and-bare',
        subject,
        `${category} is shown bare here and masked in ${other}; give both the same mask, or this one the category of what it really is.`,
      );
  }
}

/** Mapped columns whose name or values look like more than the map says. */
function checkGuesses({ map, schema, guesses, findings }: Work): void {
  for (const held of Object.values(map.collections)) {
    const paths = new Set(held.subject.flatMap((path) => path.columns));
    for (const [name, column] of Object.entries(held.columns)) {
      const guess = guesses.get(held.table)?.get(name);
      const live = schema.tables.get(held.table)?.columns.get(name);
      if (guess === undefined || live === undefined || !isPlaced(guess) || column.never) continue;
      if (guess.never === true && guess.confidence !== 'low')
        findings.add(
          'warns',
          'looks-secret',
          `${held.table}.${name}`,
          `This column is ${guess.reason}, and the map shows it; write “never: true” if it is a secret.`,
        );
      else if (
        column.mask === undefined &&
        guess.mask !== undefined &&
        guess.confidence === 'high' &&
        guess.object === undefined &&
        !paths.has(name) &&
        !column.category.startsWith('system.')
      )
        findings.add(
          'warns',
          'looks-personal',
          `${held.table}.${name}`,
          `This column is shown bare although it is ${guess.reason}; give it a mask, e.g. ${guess.mask}.`,
        );
    }
  }
}

function checkReach({ around, above, findings }: Work): void {
  for (const [name, rights] of around.openToPublic)
    if (above(name) !== null)
      findings.add(
        'blocks',
        'public-can-reach',
        name,
        `Everybody may ${rights} this table (public), staff too, so the console would not serve; revoke that from public.`,
      );
  for (const { login, kind, name, rights } of around.reach) {
    if (kind === 'relation')
      findings.add(
        'blocks',
        'staff-can-reach',
        `${login}: ${name}`,
        `The staff login ${login} has ${rights} on ${name} beside the console, where no trail is kept; revoke it.`,
      );
    else if (kind === 'function')
      findings.add(
        'warns',
        'staff-can-run',
        `${login}: ${name}`,
        `The staff login ${login} may ${rights}: ${name}; see that it gives nothing of people, or revoke execute from public.`,
      );
    else
      findings.add(
        'blocks',
        kind === 'role' ? 'staff-can-become' : 'staff-has-special-rights',
        `${login}: ${name}`,
        kind === 'role'
          ? `The staff login ${login} is a member of ${name} and can act with its rights; revoke the membership.`
          : `The staff login ${login} has special rights (${rights}) that pass the guard; use one without.`,
      );
  }
}
