import type { ExplainedCollection } from '#shared/contract/dataMap.ts';
import { collectionNamed } from '../paths.ts';
import {
  correctionOf,
  isCorrectable,
  isReplacement,
  kindsOf,
  type Assigned,
  type Collection,
  type DataMap,
  type Disposal,
  type KindCollection,
  type MapColumn,
  type ReplacementKind,
} from '../map.ts';
import { printable } from '../mapText.ts';
import { detachedPaths, isSubjectItself, sayPath, subjectKinds } from './graph.ts';

/** Families of the taxonomy by which the picture is coloured, the most telling first. */
const families = [
  [
    'official',
    ['user.government_id', 'user.financial', 'user.health_and_medical', 'user.biometric', 'user.genetic'],
  ],
  ['contact', ['user.contact', 'user.name', 'user.demographic', 'user.location']],
  ['content', ['user.content', 'user.social', 'user.job_title', 'user.workplace']],
  ['behaviour', ['user.behavior', 'user.device', 'user.sensor', 'user.telemetry']],
  ['account', ['user.account', 'user.authorization', 'user.unique_id', 'user.credentials']],
  ['other', ['']],
] as const;
export const familyNames = families.map(([name]) => name);

/** The family a category belongs to. */
export function familyOf(category: string): string {
  const found = families.find(([, prefixes]) =>
    prefixes.some((prefix) => prefix === '' || category === prefix || category.startsWith(`${prefix}.`)),
  );
  return found?.[0] ?? 'other';
}

/** Categories of a column and, in a document, of what lies in it. */
export function categoriesOf(column: MapColumn): readonly string[] {
  return [column.category, ...Object.values(column.paths ?? {}).map((inner) => inner.category)];
}

/** The most telling family of the columns that are ever shown. */
function familyOfCollection(held: Collection): string {
  const present = new Set(
    Object.values(held.columns)
      .filter((column) => !column.never)
      .flatMap((column) => categoriesOf(column).map(familyOf)),
  );
  return familyNames.find((name) => present.has(name)) ?? 'other';
}

function list(names: readonly string[]): string {
  return names.map(printable).join(', ');
}

const replacementWords = {
  email: 'a made-up address under erased.invalid',
  phone: 'a made-up number under +999, which nobody can have',
  name: '“Erased” and random letters',
  text: '“erased-” and random letters',
  uuid: 'a random identifier',
  number: '0, or a high number where no two may be the same',
  day: 'the beginning of its day',
  month: 'the beginning of its month',
  year: 'the beginning of its year',
  boolean: 'false',
  enum: 'the first of its values',
  json: 'the same document with nothing in it',
  bytes: 'no bytes, or random ones where no two may be the same',
  empty: 'nothing',
} as const satisfies Record<ReplacementKind, string>;

function sayValue(value: Assigned): string {
  if (value === null) return 'null';
  if (isReplacement(value))
    return `${replacementWords[value.replace]}${value.consistent ? ', the same for the same value' : ''}`;
  if (typeof value !== 'string')
    return `new values at ${list(Object.keys(value))}, the rest of it left as it is`;
  return value === 'now' ? 'the time of the erasure' : `“${printable(value)}”`;
}

/** A collection as each kind of people with rows in it sees it, with the kind's title. */
function byKind(map: DataMap, name: string): readonly (readonly [string, KindCollection])[] {
  return kindsOf(map).flatMap(({ subject, collections }) =>
    Object.hasOwn(collections, name)
      ? [[printable(subject.title), collectionNamed({ collections }, name)] as const]
      : [],
  );
}

/** Says it once when it is the same for all kinds of people, else of each. */
function sayByKind(map: DataMap, name: string, say: (held: KindCollection) => string, joint: string): string {
  const said = byKind(map, name).map(([title, held]) => [title, say(held)] as const);
  const different = new Set(said.map(([, says]) => says));
  return different.size === 1
    ? [...different].join('')
    : said.map(([title, says]) => `${title}: ${says}`).join(joint);
}

/** What erasure does to a collection's rows, in a sentence without its full stop, or one for each kind of people. */
export function sayErasure(map: DataMap, name: string): string {
  return sayByKind(map, name, sayErasureOfKind, '. ');
}

function sayErasureOfKind(held: KindCollection): string {
  const { erasure, shared } = held;
  const decision =
    shared === undefined
      ? ''
      : `; of each that other people share by ${printable(shared.by)}, staff decide whether it is handed over${shared.anonymise === undefined ? '' : `, left to its members with ${list(Object.keys(shared.anonymise.set).sort())} overwritten,`} or closed`;
  switch (erasure.action) {
    case 'delete':
      return `Erasure deletes its rows${
        erasure.whenReferenced === undefined
          ? ''
          : `; those that ${erasure.whenReferenced.by
              .map((by) => `${by.collection}.${list(by.column)}`)
              .join(
                ' or ',
              )} names stay, with ${list(Object.keys(erasure.whenReferenced.set).sort())} overwritten`
      }${erasure.unlessReferenced === true ? '; those that rows of others name stay as they are' : ''}${decision}`;
    case 'anonymise':
      return `Erasure overwrites ${list(Object.keys(erasure.set).sort())} in its rows, which stay${decision}`;
    case 'keep':
      return `Erasure keeps its rows for ${erasure.years} years from ${printable(erasure.from)}${erasure.then === undefined ? '' : `, after which a retention run ${sayDisposal(erasure.then)}`}: ${printable(erasure.ground)}${decision}`;
    case 'none':
      return `Erasure leaves its rows as they are${decision}`;
  }
}

/** What a retention run does, e.g. `deletes them`. */
function sayDisposal(then: Disposal): string {
  return then === 'delete' ? 'deletes them' : `overwrites ${list(Object.keys(then.set).sort())} in them`;
}

/** The rules by which a collection's rows expire, each in a sentence without its full stop. */
export function sayExpiry(held: Pick<Collection, 'expiry'>): readonly string[] {
  return Object.values(held.expiry).map(({ title, from, days, where, then }) => {
    const period =
      typeof days === 'number'
        ? `${days} days`
        : `the days that ${printable(`${days.by.at(-1)?.of ?? ''}.${days.column}`)} says`;
    const only = Object.entries(where ?? {}).map(
      ([column, values]) => ` where ${printable(column)} is ${values.map(printable).join(' or ')}`,
    );
    return `${printable(title)}: ${period} after ${printable(from)} a retention run ${sayDisposal(then)}${only.join(' and')}`;
  });
}

/** What erasure does to one column. */
function sayAction(map: DataMap, collection: string, column: string): string {
  return sayByKind(map, collection, (held) => sayActionOfKind(map, held, column), '; ');
}

function sayActionOfKind(map: DataMap, held: KindCollection, name: string): string {
  const { erasure } = held;
  const set = (values: Readonly<Record<string, Assigned>>, otherwise: string): string =>
    Object.hasOwn(values, name) ? `set to ${sayValue(values[name] ?? null)}` : otherwise;
  const own = ((): string => {
    switch (erasure.action) {
      case 'delete':
        return erasure.whenReferenced === undefined
          ? erasure.unlessReferenced === true
            ? 'deleted with its row, unless rows of others name it'
            : 'deleted with its row'
          : `deleted with its row; where the row stays, ${set(erasure.whenReferenced.set, 'left as it is')}`;
      case 'anonymise':
        return set(erasure.set, 'left as it is');
      case 'keep':
        return `kept for ${erasure.years} years`;
      case 'none':
        return 'left as it is';
    }
  })();
  return detachedPaths(map, { ...held, erasure: {} }).some((path) => path.columns.includes(name))
    ? `${own}; in rows that stay, set to null`
    : own;
}

/** Other columns' paths that go through this one: `campaigns, messages`. */
function hangOn(map: DataMap, name: string, column: string): readonly string[] {
  return Object.entries(map.collections)
    .filter(([, held]) => held.subject.some((path) => path.of === name && path.keys.includes(column)))
    .map(([other]) => other);
}

function sayReasons(
  map: DataMap,
  name: string,
  held: Collection,
  column: string,
  mapped: MapColumn,
): string[] {
  const reasons: string[] = [];
  if (mapped.never) reasons.push('a secret of the platform: no function selects it and no export holds it');
  if (subjectKinds(map).some((kind) => kind.collection === name && kind.key.includes(column)))
    reasons.push('tells the subject');
  for (const [place, path] of held.subject.entries()) {
    if (!path.columns.includes(column) || isSubjectItself(map, name, path)) continue;
    reasons.push(`path ${place + 1}, so it is never corrected: ${sayPath(map, path)}`);
  }
  const others = hangOn(map, name, column);
  if (others.length > 0) reasons.push(`rows of ${list(others)} belong by it`);
  if (mapped.search.length > 0) reasons.push(`people are found by it: ${mapped.search.join(', ')}`);
  if (mapped.mask !== undefined) reasons.push('masked until it is revealed, on the record');
  if (isCorrectable(mapped)) reasons.push(...sayCorrection(mapped));
  if (mapped.paths !== undefined)
    reasons.push(
      mapped.others === 'shown'
        ? 'a document; what no path names is shown'
        : 'a document; what no path names is withheld until it is revealed',
    );
  if (mapped.epoch !== undefined) reasons.push(`a number that is a time, in ${mapped.epoch} since 1970`);
  if (held.object?.key === column) reasons.push('key of an object in R2, which erasure deletes');
  if (held.objectPrefix?.includes(`{${column}}`) === true)
    reasons.push(`part of the prefix of its objects in R2: ${printable(held.objectPrefix)}`);
  for (const does of Object.values(held.erasure)) {
    if (does.action !== 'keep') continue;
    const { from, ground, years } = does;
    reasons.push(
      `kept by law: ${printable(ground)}${from === column ? `; the ${years} years begin with it` : ''}`,
    );
  }
  if (held.shared?.owner === column) reasons.push('names the owner, whom handing over changes');
  if (Object.values(held.expiry).some((rule) => rule.from === column))
    reasons.push('rows expire by it, counted from its time');
  if (Object.values(held.expiry).some(({ then }) => then !== 'delete' && Object.hasOwn(then.set, column)))
    reasons.push('overwritten when its time is over');
  if (held.order.includes(column)) reasons.push('orders the pages');
  return [...new Set(reasons)];
}

function sayCorrection(mapped: MapColumn): readonly string[] {
  const { identity, copies } = correctionOf(mapped);
  return [
    identity
      ? 'staff may correct it, on the record; it tells who somebody is, so a second person may have to approve'
      : 'staff may correct it, on the record',
    ...(copies.length === 0 ? [] : [`corrected with it: ${list(copies)}`]),
  ];
}

/** A collection of the map in words. */
export function explainCollection(map: DataMap, name: string): ExplainedCollection {
  const held = collectionNamed(map, name);
  return {
    name,
    title: printable(held.title),
    table: printable(held.table),
    group: printable(held.group),
    erasure: byKind(map, name)[0]?.[1].erasure.action ?? 'none',
    erasureSays: sayErasure(map, name),
    family: familyOfCollection(held),
    paths: held.subject.map((path, place) => ({
      number: place + 1,
      says: isSubjectItself(map, name, path) ? 'they are the subject' : sayPath(map, path),
    })),
    columns: Object.entries(held.columns).flatMap(([column, mapped]) => [
      {
        name: printable(column),
        title: printable(mapped.title ?? column),
        category: printable(mapped.category),
        mask: mapped.never
          ? null
          : (mapped.mask ?? (mapped.paths === undefined ? null : 'by what lies in it')),
        never: mapped.never,
        correctable: isCorrectable(mapped),
        action: sayAction(map, name, column),
        reasons: sayReasons(map, name, held, column, mapped),
      },
      ...Object.entries(mapped.paths ?? {}).map(([path, inner]) => ({
        name: printable(`${column}: ${path}`),
        title: printable(inner.title ?? `${column}: ${path}`),
        category: printable(inner.category),
        mask: inner.never ? null : (inner.mask ?? null),
        never: inner.never,
        correctable: false,
        action: `as ${printable(column)}`,
        reasons: [
          'a value inside a document',
          ...(inner.never ? ['a secret of the platform: no function gives it and no export holds it'] : []),
          ...(inner.mask === undefined ? [] : ['masked until it is revealed, on the record']),
        ],
      })),
    ]),
  };
}

/** The whole map as a text for people; nothing in it can move a cursor. */
export function mapInWords(map: DataMap, hash: string): string {
  const lines = [`Data map ${hash}`, `for: ${map.policy}`, ''];
  for (const name of Object.keys(map.collections)) {
    const each = explainCollection(map, name);
    lines.push(
      `${each.title} (${each.name}), table ${each.table}`,
      `  ${each.erasureSays}.`,
      ...each.paths.map((path) => `  path ${path.number}: ${path.says}`),
    );
    const cells = each.columns.map((column) => [
      column.name,
      column.category,
      column.never ? 'never shown' : (column.mask ?? 'as it is'),
      column.action,
      column.reasons.join('; '),
    ]);
    const widths = [0, 1, 2, 3].map((place) => Math.max(...cells.map((row) => (row[place] ?? '').length)));
    for (const row of cells)
      lines.push(`    ${row.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join('  ')}`.trimEnd());
    lines.push('');
  }
  for (const [table, reason] of Object.entries(map.ignored)) lines.push(`Left out: ${table}: ${reason}`);
  for (const { table, column, about, reason } of map.undecided ?? [])
    lines.push(
      `Undecided: ${table}${column === undefined ? '' : `.${column}`}${about === undefined ? '' : ` (${about})`}: ${reason}`,
    );
  return `${lines.map(printable).join('\n').trimEnd()}\n`;
}
