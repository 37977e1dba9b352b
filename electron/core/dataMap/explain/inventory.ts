import type { inventoryFormats, InventoryEntry } from '#shared/contract/dataMap.ts';
import { kindsOf, type Collection, type DataMap, type KindMap } from '../map.ts';
import { printable } from '../mapText.ts';
import { categoriesOf, sayErasure, sayExpiry } from './words.ts';

export type InventoryFormat = (typeof inventoryFormats)[number];

/** The record of processing that a map comes to (GDPR Art. 30(1)). */
export interface Inventory {
  readonly record: readonly { readonly what: string; readonly says: string | null }[];
  readonly entries: readonly InventoryEntry[];
  /** What the map doesn't state. */
  readonly notes: readonly string[];
}

const notStated = 'not stated';

/** What the record says of all activities, with the letter of Art. 30(1) that asks for it. */
const general = [
  ['controller', 'Controller', 'a'],
  ['contact', 'Contact of the controller', 'a'],
  ['transfers', 'Transfers to third countries', 'e'],
  ['security', 'Security measures', 'g'],
] as const;

export function inventoryOf(map: DataMap): Inventory {
  const record = [
    ...general.map(([field, what]) => ({
      what,
      says: map.record?.[field] === undefined ? null : printable(map.record[field]),
    })),
    // Whose data are somebody else's to decide about.
    ...kindsOf(map).flatMap(({ subject: { title, controller } }) =>
      controller === null ? [] : [{ what: printable(`Controller, ${title}`), says: printable(controller) }],
    ),
  ];
  const entries = Object.entries(map.collections).map(([name, held]) => entryOf(map, name, held));
  const missing = (what: string, lacks: (entry: InventoryEntry) => boolean, field: string): string[] => {
    const names = entries.filter(lacks).map((entry) => entry.collection);
    return names.length === 0
      ? []
      : [`${what} not stated for ${names.join(', ')}; write “${field}” in the map.`];
  };
  return {
    record,
    entries,
    notes: [
      ...general
        .filter(([field]) => map.record?.[field] === undefined)
        .map(
          ([field, what, letter]) =>
            `${what} not stated (Art. 30(1)(${letter})); write “record.${field}” in the map.`,
        ),
      ...(map.record?.subjects === undefined
        ? ['Categories of data subjects are named by their collection; write “record.subjects” in the map.']
        : []),
      ...missing('Purpose', (entry) => entry.purpose === null, 'purpose'),
      ...missing('Retention', (entry) => entry.retention === null, 'retention'),
      ...missing('Recipients', (entry) => entry.recipients === null, 'recipients'),
    ],
  };
}

function entryOf(map: DataMap, name: string, held: Collection): InventoryEntry {
  const stated = (text: string | undefined): string | null => (text === undefined ? null : printable(text));
  return {
    collection: name,
    activity: printable(held.title),
    purpose: stated(held.purpose),
    people: printable(
      [...subjectsOf(map, name), ...(held.people === undefined ? [] : [held.people])].join('; '),
    ),
    categories: [
      ...new Set(Object.values(held.columns).flatMap((column) => categoriesOf(column).map(printable))),
    ].sort(),
    storage: [
      `table ${printable(held.table)}`,
      ...(held.object === undefined ? [] : [`R2, objects that ${printable(held.object.key)} names`]),
      ...(held.objectPrefix === undefined ? [] : [`R2, objects under ${printable(held.objectPrefix)}`]),
    ],
    retention: stated([held.retention ?? [], ...sayExpiry(held)].flat().join('. ') || undefined),
    recipients: held.recipients === undefined ? null : held.recipients.map(printable),
    erasure: sayErasure(map, name),
    ground: groundsOf(held),
  };
}

/** The grounds on which rows are kept, of whatever kind of people. */
function groundsOf(held: Collection): string | null {
  const grounds = Object.values(held.erasure).flatMap((does) =>
    does.action === 'keep'
      ? [`${printable(does.ground)}; ${does.years} years from ${printable(does.from)}`]
      : [],
  );
  return grounds.length === 0 ? null : [...new Set(grounds)].join('; ');
}

/** The kinds of people with rows in a collection; the record may have a name of its own for the first. */
function subjectsOf(map: DataMap, name: string): readonly string[] {
  return kindsOf(map).flatMap((kind, place) => {
    if (!Object.hasOwn(kind.collections, name)) return [];
    return [(place === 0 ? map.record?.subjects : undefined) ?? titleOf(map, kind)];
  });
}

function titleOf(map: DataMap, { kind, subject }: KindMap): string {
  const holder = subject.collection === null ? undefined : map.collections[subject.collection];
  return map.subjects[kind]?.title ?? holder?.title ?? subject.title;
}

const headings = [
  'Activity',
  'Purpose',
  'Data subjects',
  'Categories of personal data',
  'Storage',
  'Retention',
  'Recipients',
  'Erasure',
  'Ground for keeping',
] as const;

function cellsOf(entry: InventoryEntry): readonly string[] {
  return [
    entry.activity,
    entry.purpose ?? notStated,
    entry.people,
    entry.categories.join('; '),
    entry.storage.join('; '),
    entry.retention ?? notStated,
    entry.recipients === null
      ? notStated
      : entry.recipients.length === 0
        ? 'none'
        : entry.recipients.join('; '),
    entry.erasure,
    entry.ground ?? '',
  ];
}

/** The record as a file. */
export function inventoryText(inventory: Inventory, policy: string, format: InventoryFormat): string {
  switch (format) {
    case 'csv':
      return csvText(inventory);
    case 'md':
      return markdownText(inventory, policy);
    case 'json':
      return `${JSON.stringify({ policy: printable(policy), ...inventory }, null, 2)}\n`;
  }
}

/**
 * RFC 4180 with a byte order mark, by which spreadsheets know UTF-8. A cell
 * that one would take for a formula begins with an apostrophe.
 */
function csvText({ record, entries, notes }: Inventory): string {
  const cell = (text: string): string => {
    const harmless = /^[\s]*[=+\-@\t\r|%]/.test(text) ? `'${text}` : text;
    return `"${harmless.replaceAll('"', '""')}"`;
  };
  const width = headings.length;
  const line = (cells: readonly string[]): string =>
    Array.from({ length: width }, (_each, place) => cell(cells[place] ?? '')).join(',');
  return `\ufeff${[
    line(headings),
    ...entries.map((entry) => line(cellsOf(entry))),
    ...record.map(({ what, says }) => line([what, says ?? notStated])),
    ...notes.map((note) => line(['Note', note])),
  ].join('\r\n')}\r\n`;
}

/** Text that Markdown shows as it is: every mark of it escaped. */
function plain(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]()!|~:$^]/g, (mark) => `\\${mark}`)
    .replaceAll(/www\./gi, (mark) => `${mark.slice(0, 3)}\\.`)
    .replace(/^[#+\-=]/, (mark) => `\\${mark}`);
}

function markdownText({ record, entries, notes }: Inventory, policy: string): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(plain).join(' | ')} |`;
  return `${[
    '# Record of processing activities',
    '',
    plain(printable(policy)),
    '',
    ...record.map(({ what, says }) => `- ${plain(what)}: ${plain(says ?? notStated)}`),
    '',
    row(headings),
    `|${' --- |'.repeat(headings.length)}`,
    ...entries.map((entry) => row(cellsOf(entry))),
    ...(notes.length === 0 ? [] : ['', '## Not stated', '', ...notes.map((note) => `- ${plain(note)}`)]),
  ].join('\n')}\n`;
}
