import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Console } from '#core/console.ts';
import type { FoundObject } from '#demo/objectStore.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { expectDone, installDemo, plainConsole } from '#demo/staff.ts';
import { withSuperuser, type SuperuserSession } from '#demo/superuser.ts';
import type { DemoRole } from '#core/connections/index.ts';
import {
  drawPeople,
  held,
  ownRowsLeft,
  rowsHeld,
  secretsOf,
  sumsOfOthers,
  unpack,
  whereStands,
  type Ending,
  type Person,
} from './judge.ts';

/** The same people each time; others: ACCEPTANCE_SEED. */
const seed = process.env['ACCEPTANCE_SEED'] ?? '20261128';
console.log(`ACCEPTANCE_SEED=${seed}`);

let platform: Platform;
let folder: string;
let people: readonly Person[];
const consoles: Console[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-acceptance-'));
  platform = await startPlatform({ scale: 'small', seed: 1 });
  await installDemo(platform, { profileFolder: folder, demoFolder: folder });
  people = await asSuperuser((session) => drawPeople(session, seed));
}, 180_000);

afterAll(async () => {
  await Promise.allSettled(consoles.map((each) => each.close()));
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

function asSuperuser<Value>(work: (session: SuperuserSession) => Promise<Value>): Promise<Value> {
  return withSuperuser(platform, platform.database, work);
}

async function signIn(role: DemoRole): Promise<Console> {
  const console = plainConsole({ profileFolder: folder, demoFolder: folder });
  consoles.push(console);
  await expectDone(console, 'session.signIn', { profile: `demo:${role}` });
  return console;
}

async function ended(console: Console, id: string): Promise<Readonly<Record<string, unknown>>> {
  const { job } = await expectDone(console, 'jobs.wait', { id });
  expect(job).toMatchObject({ state: 'done', failure: null });
  return job.result ?? {};
}

/** The main job as staff do it, up to the package and the plan; the request names the person in words. */
async function prepare(
  operator: Console,
  person: Person,
): Promise<{ readonly reference: string; readonly zip: string; readonly deletion: number }> {
  const receivedOn = '2026-10-01';
  const message = `${person.name} <${person.email}> asks for a copy and for deletion. ${person.phone ?? ''}`;
  const requests: number[] = [];
  for (const kind of ['export', 'deletion'] as const) {
    const { request } = await expectDone(operator, 'requests.open', { kind, receivedOn, message });
    requests.push(request.id);
  }
  const [wanted = 0, deletion = 0] = requests;
  const { hits } = await expectDone(operator, 'search.run', { text: person.email, requestId: deletion });
  // One more look-up outside any request, as somebody in a hurry makes it.
  await expectDone(operator, 'search.run', { text: person.email, reason: 'rang about the request' });
  const hit = hits.find((each) =>
    each.matched.some(({ field, how }) => field === 'email' && how === 'exact'),
  );
  const reference = hit?.subject ?? '';
  expect(
    await asSuperuser(async ({ query }) => {
      const { rows } = await query<{ key: string }>(
        'select key from privacy_console.subject where reference = $1',
        [reference],
      );
      return rows[0]?.key;
    }),
  ).toBe(person.id);
  const { access } = await expectDone(operator, 'subjects.open', { subject: reference, requestId: deletion });
  const { rows } = await expectDone(operator, 'subjects.page', { accessId: access.id, collection: 'users' });
  await expectDone(operator, 'subjects.reveal', {
    accessId: access.id,
    collection: 'users',
    row: rows[0]?.key ?? '',
    column: 'email',
  });
  for (const id of requests) await expectDone(operator, 'requests.link', { id, subject: reference });
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: wanted,
    folder,
    profile: 'access',
    showOthers: true,
    reason: 'every value is compared',
  });
  const { file } = await ended(operator, jobId);
  return { reference, zip: String(file), deletion };
}

async function judgePackage(person: Person, zip: string, objects: readonly FoundObject[]): Promise<void> {
  const unpacked = await unpack(zip, await mkdtemp(path.join(folder, 'unpacked-')));
  const [expected, secrets, media] = await asSuperuser(async (session) => {
    const rows = new Map<string, readonly string[]>();
    for (const collection of Object.keys(held))
      rows.set(collection, await rowsHeld(session, collection, person.id));
    const { rows: files } = await session.query<{ r2_key: string; sha256: string }>(
      `select r2_key, sha256 from media_files
       where uploaded_by = $1 or workspace_id in (select id from workspaces where owner_id = $1)`,
      [person.id],
    );
    return [rows, await secretsOf(session, person.id), files] as const;
  });
  expect([...unpacked.records.keys()].sort()).toEqual(Object.keys(held).sort());
  const counts = (records: ReadonlyMap<string, readonly string[]>): Record<string, number> =>
    Object.fromEntries([...records].map(([name, lines]) => [name, lines.length] as const).sort());
  expect(counts(unpacked.records)).toEqual(counts(expected));
  for (const [name, lines] of expected) expect(unpacked.records.get(name), name).toEqual(lines);

  // The media: what rows name and R2 has, and what lies under the workspaces without a row.
  const stored = new Map(objects.map((object) => [object.key, object]));
  const mine = objects.filter(
    ({ key }) =>
      person.workspaces.some((id) => key.startsWith(`workspaces/${id}/`)) ||
      media.some((file) => file.r2_key === key),
  );
  const packed = unpacked.index.filter(({ file }) => file !== null);
  expect(packed.map(({ key }) => key).sort()).toEqual(mine.map(({ key }) => key).sort());
  for (const { key, file } of packed) {
    const sha256 = await unpacked.sha256Of(file ?? '');
    expect(sha256, key).toBe(stored.get(key)?.sha256);
    const row = media.find((each) => each.r2_key === key);
    if (row !== undefined) expect(sha256, key).toBe(row.sha256);
  }
  const missing = unpacked.index.filter(({ file }) => file === null);
  expect(missing.map(({ key }) => key).sort()).toEqual(
    media
      .map((file) => file.r2_key)
      .filter((key) => !stored.has(key))
      .sort(),
  );

  expect(secrets.length).toBeGreaterThan(0);
  const files = await unpacked.files();
  for (const secret of secrets) {
    expect(
      files.filter(({ bytes }) => bytes.includes(secret)).map((each) => each.path),
      'a secret of the platform',
    ).toEqual([]);
  }
  for (const { bytes, path: at } of files.filter(({ path: each }) => each.endsWith('.jsonl'))) {
    expect(bytes.toString('utf8'), at).not.toMatch(/"(password_hash|token_hash|secret_hash|auth_state)":/);
  }
  console.log(
    `package of ${person.workspaces.length} workspaces: ${[...expected.values()].reduce((sum, lines) => sum + lines.length, 0)} rows, ` +
      `${packed.length} files, ${missing.length} missing, ${secrets.length} secrets sought`,
  );
}

async function judgeErasure(
  person: Person,
  ending: Ending,
  before: { readonly sums: Readonly<Record<string, string>>; readonly objects: readonly FoundObject[] },
): Promise<void> {
  await asSuperuser(async (session) => {
    expect(await sumsOfOthers(session, ending)).toEqual(before.sums);
    const left = await ownRowsLeft(session, ending);
    expect(left).toEqual(Object.fromEntries(Object.keys(left).map((table) => [table, 0])));
    const { rows: owners } = await session.query<{ owner_id: string }>(
      'select owner_id from workspaces where id::text = any ($1)',
      [ending.handedOver],
    );
    expect(owners).toHaveLength(ending.handedOver.length);
    for (const { owner_id } of owners) expect(owner_id).not.toBe(person.id);

    // Identifiers, in every column of every table. The law's invoices hold workspace and account in place.
    const keeps = person.invoices > 0;
    const { rows: billed } = await session.query<{ id: string; closing: boolean }>(
      `select distinct workspace_id::text as id from invoices where workspace_id::text = any ($1)`,
      [ending.closing],
    );
    const account = await whereStands(session, 'public', person.id);
    if (billed.length === 0) expect(account).toEqual({});
    else expect(account).toEqual({ 'users.id': 1, 'workspaces.owner_id': billed.length });
    for (const id of ending.closing) {
      const places = await whereStands(session, 'public', id);
      delete places['invoices.workspace_id'];
      // A visitor's own record of where the visitor went: the visitor's data, kept with the visitor.
      delete places['page_views.workspace_id'];
      expect(places, id).toEqual(billed.some((each) => each.id === id) ? { 'workspaces.id': 1 } : {});
    }
    const addresses = await whereStands(session, 'public', person.email);
    const allowed = new Set([
      ...(keeps ? ['invoices.billing_email'] : []),
      // Settings stay as they are with whoever takes a workspace over; the plan says so.
      ...(ending.handedOver.length > 0 ? ['workspaces.settings'] : []),
      // What somebody else wrote under another address belongs to that person.
      'support_messages.body',
    ]);
    expect(Object.keys(addresses).filter((place) => !allowed.has(place))).toEqual([]);
    if (person.phone !== null) {
      const phones = await whereStands(session, 'public', person.phone);
      // Numbers are not unique: the same one may be another account's, or that of another tenant's session.
      const { rows: same } = await session.query<{ place: string }>(
        `select 'users.phone' as place from users where phone = $1 and id <> $2::uuid
         union select 'whatsapp_sessions.phone' from whatsapp_sessions where phone = $1 and workspace_id::text <> all ($3::text[])`,
        [person.phone, person.id, ending.closing],
      );
      const others = new Set([
        ...same.map(({ place }) => place),
        // As somebody's customer: data of those tenants.
        'contacts.phone',
        'messages.recipient_phone',
      ]);
      expect(Object.keys(phones).filter((place) => !others.has(place))).toEqual([]);
    }

    // The console's own tables: what the person wrote stays with the request as proof, and nothing else names the person.
    for (const text of [person.id, person.email, person.name, person.phone, ...person.workspaces]) {
      if (text === null) continue;
      const places = await whereStands(session, 'privacy_console', text);
      delete places['request.message'];
      // A member of staff may bear the same name.
      const staff = await session.query('select from privacy_console.staff where person = $1', [text]);
      if (staff.rows.length > 0) delete places['staff.person'];
      expect(places, 'in the tables of the console').toEqual({});
    }
  });
  const after = await platform.objectStore.list();
  const gone = before.objects.filter(({ key }) =>
    ending.closing.some((id) => key.startsWith(`workspaces/${id}/`)),
  );
  const goneKeys = new Set(gone.map(({ key }) => key));
  expect(after).toEqual(before.objects.filter(({ key }) => !goneKeys.has(key)));
  console.log(
    `erased ${ending.closing.length} workspaces, handed over ${ending.handedOver.length}; ${gone.length} objects gone, ${after.length} others unchanged`,
  );
}

const who = [
  ['an owner of a shared workspace with invoices, which is closed', 0, 'close'],
  ['an owner whose shared workspaces are handed over', 1, 'hand_over'],
  ['a member who owns nothing', 2, null],
  ['the one about whom most is held', 3, 'close'],
] as const;

test.each(who)(
  '%s is exported whole and erased, and nobody else is touched',
  async (_name, place, decision) => {
    const person = people[place];
    if (person === undefined) throw new Error('Nobody was drawn.');
    const operator = await signIn('operator');
    const approver = await signIn('approver');
    const { zip, deletion, reference } = await prepare(operator, person);
    const objects = await platform.objectStore.list();
    await judgePackage(person, zip, objects);

    const first = await expectDone(operator, 'erasure.plan', { requestId: deletion });
    expect(first.plan.decisions).toHaveLength(person.shared.length);
    const decisions = Object.fromEntries(first.plan.decisions.map(({ key }) => [key, decision ?? '']));
    const { plan } = await expectDone(operator, 'erasure.plan', { requestId: deletion, decisions });
    expect(plan.state).toBe('awaiting');
    const handedOver = decision === 'hand_over' ? person.shared : [];
    const ending: Ending = {
      id: person.id,
      email: person.email,
      closing: person.workspaces.filter((id) => !handedOver.includes(id)),
      handedOver,
    };
    const sums = await asSuperuser((session) => sumsOfOthers(session, ending));
    const invoices = plan.lines.filter((line) => line.collection === 'invoices');
    expect(invoices.map(({ action, rows }) => [action, rows])).toEqual(
      person.invoices === 0 ? [] : [['keep', person.invoices]],
    );

    const own = await operator.dispatch('erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'my own plan',
    });
    expect(own).toMatchObject({ ok: false, failure: { code: 'not_permitted' } });
    for (const console of [approver, await signIn('second-approver')].slice(0, plan.approversNeeded))
      await expectDone(console, 'erasure.decide', {
        planId: plan.id,
        sha256: plan.sha256,
        decision: 'approve',
        reason: 'identity proved',
      });
    const erase = async (): Promise<Readonly<Record<string, unknown>> | null> =>
      ended(operator, (await expectDone(operator, 'erasure.run', { planId: plan.id })).jobId);
    const erased = await erase();
    // What is somebody else's and names the person waits until it is said why it stays: texts, a number two share.
    for (const find of (await expectDone(approver, 'erasure.show', { planId: plan.id })).plan.run?.finds ??
      [])
      if (find.rows > 0) {
        expect(await namedElsewhere(person, find.name), find.name).toBeGreaterThanOrEqual(find.rows);
        expect(erased).toMatchObject({ complete: false, left: 0, objectsLeft: 0 });
        const because = 'What others wrote is theirs';
        await expectDone(approver, 'erasure.judge', { planId: plan.id, find: find.name, because });
      }
    expect(erased?.['complete'] === true ? erased : await erase()).toMatchObject({
      complete: true,
      left: 0,
      objectsLeft: 0,
    });
    await judgeErasure(person, ending, { sums, objects });

    const again = await expectDone(operator, 'search.run', { text: person.email, requestId: deletion });
    expect(again.hits.filter((hit) => hit.subject === reference)).toEqual([]);
    const certificate = await expectDone(operator, 'erasure.certificate', { planId: plan.id });
    for (const text of [person.id, person.email, person.name])
      expect(certificate.text.includes(text)).toBe(false);
    const auditor = await signIn('auditor');
    const verified = await expectDone(auditor, 'audit.verify', {});
    expect(await ended(auditor, verified.jobId)).toMatchObject({ intact: true });
  },
  180_000,
);

/** Rows in which the person's address, name or number stands, looked for in any way. */
async function namedElsewhere(person: Person, place: string): Promise<number> {
  const [table = '', column = ''] = place.split('.');
  return asSuperuser(async ({ query }) => {
    const { rows } = await query<{ count: number }>(
      `select count(*)::int as count from public."${table}" t
       where position(lower($1) in lower(t."${column}"::text)) > 0 or position(lower($2) in lower(t."${column}"::text)) > 0
         or ($3 <> '' and position(right(regexp_replace($3, '[^0-9]', '', 'g'), 10) in regexp_replace(t."${column}"::text, '[^0-9]', '', 'g')) > 0)`,
      [person.email, person.name, person.phone ?? ''],
    );
    return rows[0]?.count ?? 0;
  });
}
