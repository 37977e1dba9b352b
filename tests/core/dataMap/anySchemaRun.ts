import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { parseMap } from '#core/dataMap/map.ts';
import { quoteIdentifier } from '#core/dataMap/quote.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { installScript } from '#core/installation/script.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { lookAgain, linesOfWindow } from '#tests/helpers/psql.ts';
import {
  caseOf,
  documentsOf,
  expectedOf,
  handedOver,
  mapOf,
  platformSql,
  sharedRowsOf,
  subjectKeyOf,
  tableSql,
  type Case,
  type Recipe,
  type Row,
} from './anySchema.ts';

/** Sessions of one database with the console in it. */
export interface Sessions {
  readonly superuser: BareClient;
  readonly operator: BareClient;
  readonly approver: BareClient;
  /** Where others work with what goes, two people approve. */
  readonly secondApprover: BareClient;
}

/** What became of a case. */
export type Outcome = 'erased' | 'refused' | 'not compiled';

/** Says what differs between what came out and what had to. */
class Differs extends Error {}

async function asked<Shape extends Record<string, unknown>>(
  client: BareClient,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Shape[]> {
  try {
    return (await client.query<Shape>(text, [...values])).rows;
  } catch (error) {
    const { message, where, internalQuery } = error as Error &
      Partial<Record<'where' | 'internalQuery', string>>;
    throw new Error(`${message}\n${text.slice(0, 300)}\n${where ?? ''}\n${internalQuery ?? ''}`, {
      cause: error,
    });
  }
}

async function effect(
  client: BareClient,
  call: string,
  values: readonly unknown[],
): Promise<Record<string, unknown>> {
  const [row] = await asked<{ result: Record<string, unknown> }>(
    client,
    `select privacy_console.${call} as result`,
    values,
  );
  return row?.result ?? {};
}

/** As JSON, the members of objects in one order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([one], [other]) => (one < other ? -1 : 1)))
      : held,
  );
}

function expectSame(what: string, found: readonly string[], wanted: readonly string[]): void {
  const [one, other] = [[...found].sort(), [...wanted].sort()];
  if (JSON.stringify(one) !== JSON.stringify(other))
    throw new Differs(`${what}: found ${one.join(' ') || 'nothing'}, wanted ${other.join(' ') || 'nothing'}`);
}

/** Every row of the platform by table and mark, as text. */
async function snapshot(client: BareClient, made: Case): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  for (const table of made.tables) {
    const found = await asked<{ mark: string; row: string }>(
      client,
      `select t."mark" as mark, to_jsonb(t.*)::text as row from ${tableSql(table)} t`,
    );
    for (const { mark, row } of found) rows.set(mark, row);
  }
  return rows;
}

/** Budgets that never run out, and nobody known from an earlier case. */
async function begin(client: BareClient): Promise<void> {
  await client.query(
    `update privacy_console.setting set value = 100000000 where name like '%per_hour';
     update privacy_console.budget set tokens = 100000000;
     update privacy_console.access set closed_at = clock_timestamp() where closed_at is null;
     update privacy_console.plan set state = 'expired' where state not in ('done', 'expired', 'denied');
     update privacy_console.subject set key = null, erased_at = null, key_hash = sha256(convert_to(reference, 'UTF8'))
       where key is not null or erased_at is not null`,
  );
}

/**
 * Makes the platform of a recipe, compiles its map and installs it, reads
 * everybody, erases somebody, and compares each with the walk in memory.
 * @throws Error with what differs
 */
export async function runCase(sessions: Sessions, recipe: Recipe, number: number): Promise<Outcome> {
  const { superuser } = sessions;
  const made = caseOf(recipe, number);
  await begin(superuser);
  try {
    await asked(superuser, platformSql(made));
    const map = parseMap(JSON.stringify(mapOf(made)));
    const catalogue = await readCatalogue((text, values) => asked(superuser, text, values), map);
    let script: string;
    try {
      script = installScript(schemaVersion, compileMap(map, catalogue), null, 'demo');
    } catch (error) {
      if (error instanceof ExpectedError && /round in a circle|goes too far/.test(error.message))
        return 'not compiled';
      throw error;
    }
    await asked(superuser, `begin; ${script}; commit`);
    await asked(superuser, 'reset role');
    // The desk's own platform is there too, and no part of the case.
    await asked(
      superuser,
      `insert into privacy_console.ignored_table select 'public', relname, 'no part of the case' from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') on conflict do nothing`,
    );
    const people = made.tables[0]?.rows ?? [];
    const person = people[recipe.seed % people.length];
    const other = people[(recipe.seed + 1) % people.length];
    for (const each of [person, other]) if (each !== undefined) await readPerson(sessions, made, each);
    return person === undefined ? 'not compiled' : await erasePerson(sessions, made, person, number);
  } finally {
    await superuser.query('rollback');
    await superuser.query('reset role');
    for (const schema of made.schemas)
      await superuser.query(`drop schema if exists ${quoteIdentifier(schema)} cascade`);
  }
}

/** Finds the person by the search box and says under which reference. */
async function referenceOf({ operator, superuser }: Sessions, made: Case, person: Row): Promise<string> {
  const { search } = await effect(operator, `intend_search($1, 50, null, 'a test')`, [person.mark]);
  const [hit, ...more] = await asked<{ subject: string }>(
    operator,
    'select subject from privacy_console.run_search($1)',
    [search],
  );
  if (hit === undefined || more.length > 0)
    throw new Differs(`search for ${person.mark} found ${more.length + 1}`);
  const [known] = await asked<{ key: string }>(
    superuser,
    'select key from privacy_console.subject where reference = $1',
    [hit.subject],
  );
  const [people] = made.tables;
  if (people !== undefined) expectSame('key', [known?.key ?? ''], [subjectKeyOf(people, person)]);
  return hit.subject;
}

async function readPerson(sessions: Sessions, made: Case, person: Row): Promise<void> {
  const { operator, superuser } = sessions;
  const reference = await referenceOf(sessions, made, person);
  const { access } = await effect(operator, `open_access($1, null, 'a test', 15)`, [reference]);
  const [also] = await asked<{ id: string }>(
    superuser,
    `insert into privacy_console.access (staff, login_oid, kind, subject, opened_at, opened_xact, expires_at, entry)
       select staff, login_oid, 'export', subject, opened_at, opened_xact, expires_at, entry from privacy_console.access where id = $1 returning id`,
    [access],
  );
  for (const [collection, marks] of expectedOf(made, person).shown) {
    const says = (what: string): string => `${what} of ${collection} for ${person.mark}`;
    const exported = await readWindows(sessions, collection, also?.id ?? '', says);
    expectSame(
      says('export'),
      exported.map((each) => each.mark),
      marks,
    );
    const table = made.tables.find((each) => each.collection === collection.replace('_child', ''));
    const documentOf = (mark: string): ReturnType<typeof documentsOf> => {
      const row = table?.rows.find((each) => each.mark === mark);
      return table === undefined || row === undefined ? null : documentsOf(table, row);
    };
    const shows = (table?.document ?? null) === null ? '' : ', settings::text as settings';
    for (const { mark, settings } of exported) {
      const known = documentOf(mark);
      if (known !== null)
        expectSame(says(`document of ${mark} in the export`), [sorted(settings)], [sorted(known.exported)]);
    }
    const [count] = await asked<{ count: string }>(
      operator,
      `select privacy_console.count_${collection}($1, null) as count`,
      [access],
    );
    expectSame(says('count'), [count?.count ?? ''], [String(marks.length)]);
    const paged: string[] = [];
    for (let cursor: string[] | null = null; paged.length <= marks.length;) {
      const page: readonly { mark: string; cursor: string[]; settings?: string | null }[] = await asked(
        operator,
        `select mark, cursor${shows} from privacy_console.page_${collection}($1, $2, 2)`,
        [access, cursor],
      );
      for (const { mark, settings } of page) {
        paged.push(mark);
        const known = documentOf(mark);
        if (known !== null)
          expectSame(
            says(`document of ${mark} in a page`),
            [sorted(JSON.parse(settings ?? 'null'))],
            [sorted(known.shown)],
          );
      }
      const last = page.at(-1);
      if (last === undefined) break;
      cursor = last.cursor;
    }
    expectSame(says('pages'), paged, marks);
  }
  await effect(operator, 'close_access($1)', [access]);
}

/** What is looked at of an exported row. */
interface Exported {
  readonly mark: string;
  readonly settings?: unknown;
}

/** An export's rows, read in windows of three as an export reads them; each part is counted too. */
async function readWindows(
  { operator }: Sessions,
  collection: string,
  access: string,
  says: (what: string) => string,
): Promise<readonly Exported[]> {
  const exported: Exported[] = [];
  let place: readonly string[] | null = null;
  for (let more = true; more;) {
    const before: readonly string[] | null = place;
    const lines: readonly { line: string }[] = await asked(
      operator,
      `select line from privacy_console.rows_${collection}($1, $2, 3) line`,
      [access, before],
    );
    const [given, next] = JSON.parse(lines.at(-1)?.line ?? '') as [number, string[] | null];
    const rows = linesOfWindow(lines);
    if (given !== rows.length) throw new Differs(`${says('export')}: ${rows.length} rows, told ${given}`);
    const [part] = await asked<{ count: string }>(
      operator,
      `select privacy_console.part_${collection}($1, $2, $3) as count`,
      [access, before, next],
    );
    expectSame(says('part'), [part?.count ?? ''], [String(given)]);
    for (const line of rows) {
      if (line.includes('\n')) throw new Differs(`${says('export')}: a row of several lines`);
      if (line.includes('secret of')) throw new Differs(`${says('export')}: a secret`);
      exported.push(JSON.parse(line) as Exported);
    }
    place = next;
    more = next !== null;
  }
  return exported;
}

interface Planned {
  readonly id: string;
  readonly sha256: string;
  readonly lines: readonly { readonly action: string; readonly rows: number }[];
  readonly decisions: readonly { readonly key: string; readonly about: string }[];
}

async function plan(
  operator: BareClient,
  request: unknown,
  decisions: Readonly<Record<string, 'hand_over' | 'anonymise' | 'close'>>,
): Promise<Planned> {
  const { plan: id } = await effect(operator, 'draft_plan($1)', [request]);
  const filled = await effect(operator, 'fill_plan($1, $2)', [id, JSON.stringify(decisions)]);
  if (filled['ok'] !== true) throw new Differs(`the plan was not filled: ${JSON.stringify(filled)}`);
  const sealed = await effect(operator, `seal_plan($1, '{}', '{}')`, [id]);
  if (sealed['ok'] !== true) throw new Differs(`the plan was not sealed: ${JSON.stringify(sealed)}`);
  const [planned] = await asked<{ plan: Omit<Planned, 'id'> }>(
    operator,
    'select p as plan from privacy_console.plans($1, null, false) p',
    [id],
  );
  if (planned === undefined) throw new Differs('the plan is not there');
  return { ...planned.plan, id: String(id) };
}

async function erasePerson(sessions: Sessions, made: Case, person: Row, number: number): Promise<Outcome> {
  const { operator, approver, superuser } = sessions;
  const reference = await referenceOf(sessions, made, person);
  const before = await snapshot(superuser, made);
  const { access } = await effect(operator, `open_access($1, null, 'a test', 15)`, [reference]);
  const { request } = await effect(operator, `open_request('deletion', current_date - 1, '', $1)`, [
    reference,
  ]);
  const shared = sharedRowsOf(made, person);
  const asking = await plan(operator, request, {});
  expectSame(
    'decisions asked for',
    asking.decisions.map((each) => each.about),
    shared.map(({ row }) => row.mark),
  );
  // Every other one, from the seed on, goes to who has shared it longest; of those every other one without its note.
  const given = shared.filter((_each, place) => (place + number) % 2 === 0);
  const marks = new Set(given.map(({ row }) => row.mark));
  const emptied = new Set(
    given.filter((_each, place) => (place + (number >> 1)) % 2 === 0).map(({ row }) => row.mark),
  );
  const planned =
    shared.length === 0
      ? asking
      : await plan(
          operator,
          request,
          Object.fromEntries(
            asking.decisions.map(({ key, about }) => [
              key,
              emptied.has(about) ? 'anonymise' : marks.has(about) ? 'hand_over' : 'close',
            ]),
          ),
        );
  const wanted = expectedOf(handedOver(made, given), person);
  const lines = (action: string): string =>
    String(planned.lines.filter((line) => line.action === action).reduce((sum, line) => sum + line.rows, 0));
  expectSame('planned deletions', [lines('delete')], [String(wanted.deleted.size)]);
  expectSame('planned detachments', [lines('detach')], [String(wanted.nulled.size)]);
  expectSame('planned to be anonymised', [lines('anonymise')], [String(wanted.anonymised.size)]);
  expectSame('planned to be handed over', [lines('hand_over')], [String(given.length - emptied.size)]);
  expectSame('planned to be left to their members', [lines('anonymise_shared')], [String(emptied.size)]);
  expectSame('planned to be kept', [lines('keep')], [String(wanted.kept.size)]);
  for (const each of shared.length === 0 ? [approver] : [approver, sessions.secondApprover])
    await effect(each, `decide_plan($1, $2, 'approve', 'a test')`, [planned.id, planned.sha256]);
  const begun = await effect(operator, 'begin_run($1)', [planned.id]);
  if (begun['ok'] !== true) throw new Differs(`the run was not begun: ${JSON.stringify(begun)}`);
  const complete = await runSteps(sessions, begun);
  const after = await snapshot(superuser, made);
  await effect(operator, 'close_access($1)', [access]).catch(() => undefined);
  const changed = [...before].filter(([mark, row]) => after.get(mark) !== row).map(([mark]) => mark);
  const allowed = new Set([...wanted.deleted, ...wanted.anonymised, ...wanted.nulled.keys(), ...marks]);
  const beyond = changed.filter((mark) => !allowed.has(mark));
  if (beyond.length > 0) throw new Differs(`rows of others were changed: ${beyond.join(' ')}`);
  if (!wanted.feasible) {
    if (complete) throw new Differs('a deletion ended that had to be refused');
    return 'refused';
  }
  if (!complete) throw new Differs('a deletion was refused that had to end');
  expectSame(
    'deleted',
    [...before.keys()].filter((mark) => !after.has(mark)),
    [...wanted.deleted],
  );
  for (const table of made.tables) {
    for (const { mark } of table.rows) {
      const [old, now] = [before.get(mark), after.get(mark)];
      if (old === undefined || now === undefined) continue;
      const row = JSON.parse(old) as Record<string, unknown>;
      for (const column of wanted.nulled.get(mark) ?? []) row[column] = null;
      const successor = given.find((each) => each.row.mark === mark)?.successor.mark;
      if (successor !== undefined)
        row['owner'] = (JSON.parse(before.get(successor) ?? '{}') as Record<string, unknown>)['person'];
      if (emptied.has(mark)) row['note'] = `gone ${reference}`;
      if (wanted.anonymised.has(mark)) {
        row['note'] = `gone ${reference}`;
        const known = table.rows.find((each) => each.mark === mark);
        if (table.document?.set === true && known !== undefined)
          row['settings'] = documentsOf(table, known)?.erased;
      }
      expectSame(
        `row ${mark}`,
        Object.entries(JSON.parse(now) as object).map((each) => sorted(each)),
        Object.entries(row).map((each) => sorted(each)),
      );
    }
  }
  return 'erased';
}

/** Goes through a run as the console does; false when it is refused on the way. */
async function runSteps({ operator }: Sessions, begun: Record<string, unknown>): Promise<boolean> {
  const steps = begun['steps'] as readonly { step: number; action: string }[];
  for (let pass = 1; pass <= 20; pass += 1) {
    let again = false;
    for (const { step, action } of steps) {
      if (action === 'objects') continue;
      for (let finished = false; !finished && !again;) {
        const batch = await effect(operator, 'erase_batch($1, $2, 2)', [begun['run'], step]);
        if (batch['ok'] !== true) return false;
        finished = batch['finished'] === true;
        again = batch['again'] === true;
      }
      if (again) break;
    }
    if (again) continue;
    await lookAgain(operator, begun['run']);
    const ended = await effect(operator, 'end_run($1, 0)', [begun['run']]);
    return ended['complete'] === true;
  }
  return false;
}
