import type { PlatformTrigger } from './surroundings.ts';

/** Whether a trigger that runs before each row makes PostgreSQL leave the row as it is. */
export type Swallows = 'never' | 'perhaps' | 'always' | 'unknown';

/** Source of a function without its comments and texts, in which words could look like statements. */
function bare(source: string): string {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/'(?:[^']|'')*'/g, "''");
}

/** Triggers of PostgreSQL's own that give the row back. */
const harmless = new Set([
  'pg_catalog.tsvector_update_trigger',
  'pg_catalog.tsvector_update_trigger_column',
  'pg_catalog.suppress_redundant_updates_trigger',
]);

/**
 * What a trigger before a deletion or a change does to it, as far as its source tells:
 * null swallows both; in a deletion NEW is null too, and in a change OLD undoes it.
 */
export function swallows(trigger: PlatformTrigger, event: 'delete' | 'update'): Swallows {
  if (!trigger.before || !trigger.eachRow) return 'never';
  if (event === 'delete' ? !trigger.onDelete : !trigger.onUpdate) return 'never';
  if (harmless.has(trigger.runs)) return 'never';
  if (trigger.language !== 'plpgsql') return 'unknown';
  const returned = [...bare(trigger.source).matchAll(/\breturn\s+([^;]+);/gi)]
    .map((match) => (match[1] ?? '').trim().toLowerCase())
    .filter((each) => !/^(?:query|next)\b/.test(each));
  const [good, bad] = event === 'delete' ? ['old', 'new'] : ['new', 'old'];
  // A trigger for several events that asks which one it is gives each its own.
  const asks = /\btg_op\b/i.test(trigger.source) && returned.includes(good);
  const lost = returned.filter((each) => each === 'null' || (each === bad && !asks));
  if (lost.length === 0) return returned.every((each) => each === good || each === bad) ? 'never' : 'perhaps';
  return lost.length === returned.length && !trigger.conditional ? 'always' : 'perhaps';
}

/** A right a function needs on a table, as far as its source tells. */
export interface NeededRight {
  /** As written: `table` or `schema.table`, quoted parts unquoted. */
  readonly schema: string | null;
  readonly table: string;
  readonly right: 'select' | 'insert' | 'update' | 'delete';
}

const part = '(?:"(?:[^"]|"")+"|[\\p{L}_][\\p{L}\\p{N}_$]*)';
const mention = new RegExp(
  `\\b(insert\\s+into|update|delete\\s+from|from|join)\\s+(?:only\\s+)?(${part})(?:\\s*\\.\\s*(${part}))?`,
  'giu',
);

/** The tables a function's source names and what it does to them. */
export function neededRights(source: string): readonly NeededRight[] {
  const name = (text: string): string =>
    text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
  return [...bare(source).matchAll(mention)].map((match) => {
    const verb = (match[1] ?? '').toLowerCase().replaceAll(/\s+/g, ' ');
    const first = name(match[2] ?? '');
    const second = match[3] === undefined ? null : name(match[3]);
    return {
      schema: second === null ? null : first,
      table: second ?? first,
      right:
        verb === 'insert into'
          ? 'insert'
          : verb === 'update'
            ? 'update'
            : verb === 'delete from'
              ? 'delete'
              : 'select',
    };
  });
}
