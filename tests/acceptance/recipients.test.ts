import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DemoRole } from '#core/connections/index.ts';
import type { Console } from '#core/console.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { expectDone, installDemo, plainConsole } from '#demo/staff.ts';
import { withSuperuser, type SuperuserSession } from '#demo/superuser.ts';
import type { SearchHit } from '#shared/contract/subjects.ts';
import { sorted, unpack, whereStands } from './judge.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

/*
 * Message recipients: people known by a phone number only, whose rows lie in
 * any number of tenants' workspaces. Judged as account holders are, by SQL
 * written by hand from the description of the platform.
 */

/** The same people each time; others: ACCEPTANCE_SEED. */
const seed = process.env['ACCEPTANCE_SEED'] ?? '20261128';
console.log(`ACCEPTANCE_SEED=${seed}`);

const controller = 'The tenant (workspace owner) is the controller; CloudSingh is the processor.';

interface Recipient {
  readonly phone: string;
  readonly workspaces: number;
}

let platform: Platform;
let folder: string;
let recipients: readonly Recipient[];
const consoles: Console[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-recipients-'));
  platform = await startPlatform({ scale: 'small', seed: 1 });
  await installDemo(platform, { profileFolder: folder, demoFolder: folder });
  recipients = await asSuperuser(draw);
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

/** One with media and rows in several workspaces, one in the most workspaces, one with contacts and no messages, or the other way round. */
async function draw({ query }: SuperuserSession): Promise<readonly Recipient[]> {
  const found: Recipient[] = [];
  const known = `select phone, count(distinct workspace_id)::int as workspaces, bool_or(c) as contact, bool_or(not c) as message from (
      select phone, workspace_id, true as c from contacts union all select recipient_phone, workspace_id, false from messages) x group by phone`;
  for (const [condition, order] of [
    [
      'workspaces >= 2 and exists (select from media_files f join messages m on m.id = f.message_id where m.recipient_phone = k.phone)',
      'md5(phone || $1)',
    ],
    ['contact and message', 'workspaces desc, md5(phone || $1)'],
    ['contact <> message', 'md5(phone || $1)'],
  ] as const) {
    const { rows } = await query<Recipient>(
      `select phone, workspaces from (${known}) k where ${condition} and phone <> all ($2::text[]) order by ${order} limit 1`,
      [seed, found.map(({ phone }) => phone)],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`No recipient fits: ${condition}`);
    found.push(row);
  }
  return found;
}

const mine = 'select id from messages where recipient_phone = $1';

/** What is held about a recipient, by collection. */
const held: Readonly<Record<string, string>> = {
  contacts: 'select id, workspace_id, phone, name, tags, created_at from contacts where phone = $1',
  messages: `select id::text as id, workspace_id, campaign_id, whatsapp_session_id, recipient_phone, status::text as status, content, created_at,
    sent_at, delivered_at, failed_at, error_code from messages where recipient_phone = $1`,
  media_files: `select id, workspace_id, campaign_id, message_id::text as message_id, uploaded_by, r2_key, content_type, bytes::text as bytes, sha256, created_at
    from media_files where message_id in (${mine})`,
};

async function rowsHeld(
  session: SuperuserSession,
  phone: string,
): Promise<Record<string, readonly string[]>> {
  const all: Record<string, readonly string[]> = {};
  for (const [name, text] of Object.entries(held)) {
    const { rows } = await session.query<{ line: unknown }>(
      `select row_to_json(x) as line from (${text}) x`,
      [phone],
    );
    all[name] = rows.map(({ line }) => sorted(line)).sort();
  }
  return all;
}

/** One sum for each table over all rows that are not the recipient's, and one over what stays of the recipient's messages. */
async function sumsOfOthers(
  { query }: SuperuserSession,
  phone: string,
  messages: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const own: Readonly<Record<string, string>> = {
    contacts: 't.phone = $1',
    messages: 't.recipient_phone = $1 or t.id::text = any ($2)',
    media_files: 't.message_id::text = any ($2)',
  };
  const { rows: tables } = await query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
  );
  const sums: Record<string, string> = {};
  const sum = async (name: string, text: string): Promise<void> => {
    const { rows } = await query<{ sum: string }>(
      `select count(*) || ' ' || md5(coalesce(string_agg(md5(x.line), '' order by md5(x.line)), '')) as sum from (${text}) x(line) where $1::text is not null and $2::text[] is not null`,
      [phone, messages],
    );
    sums[name] = rows[0]?.sum ?? '';
  };
  for (const { name } of tables)
    await sum(name, `select t::text from ${name} t where not coalesce(${own[name] ?? 'false'}, false)`);
  // The tenant's count of what was sent is what it was.
  await sum(
    'messages that stay',
    `select (to_jsonb(t) - 'recipient_phone' - 'content')::text from messages t where t.id::text = any ($2)`,
  );
  return sums;
}

/** The ways in which somebody might type a number. */
function typed(phone: string): readonly string[] {
  const digits = phone.replaceAll(/\D/g, '');
  return [
    phone,
    digits,
    `00${digits}`,
    `+${digits.slice(0, 2)} ${digits.slice(2, 7)} ${digits.slice(7)}`,
    `(${digits.slice(2, 6)}) ${digits.slice(6, 9)}-${digits.slice(9)}`,
  ];
}

const isRecipient = (hit: SearchHit): boolean => hit.kind === 'recipient';

test.each([
  ['one who was sent files', 0],
  ['one known in the most workspaces', 1],
  ['one who is a contact only, or written to only', 2],
])(
  'a recipient, %s, is found, shown, exported and erased across workspaces, and nobody else is touched',
  async (_name, place) => {
    const recipient = recipients[place];
    if (recipient === undefined) throw new Error('Nobody was drawn.');
    const { phone } = recipient;
    const operator = await signIn('operator');
    const approver = await signIn('approver');
    const requests: number[] = [];
    for (const kind of ['export', 'deletion'] as const) {
      const { request } = await expectDone(operator, 'requests.open', {
        kind,
        receivedOn: '2026-10-01',
        message: `Whoever has ${phone} asks for a copy and for deletion.`,
      });
      expect(request).toMatchObject({ subjectKind: null, controller: null });
      requests.push(request.id);
    }
    const [wanted = 0, deletion = 0] = requests;

    // Found by the number, however it is typed, masked, with the workspaces counted.
    let reference = '';
    for (const [number, text] of typed(phone).entries()) {
      const { hits } = await expectDone(operator, 'search.run', {
        text,
        ...(number % 2 === 0 ? { requestId: deletion } : { reason: 'rang about it' }),
      });
      const [hit, ...more] = hits.filter(isRecipient);
      expect(more, text).toEqual([]);
      expect(hit, text).toMatchObject({ kind: 'recipient', email: null, tenants: recipient.workspaces });
      expect(hit?.workspaces).toHaveLength(Math.min(3, recipient.workspaces));
      expect(hit?.phone).toContain('•');
      expect(JSON.stringify(hit)).not.toContain(phone.slice(3));
      reference = hit?.subject ?? '';
    }
    const { hits: nobody } = await expectDone(operator, 'search.run', {
      text: '+10 000 00 00',
      reason: 'a test',
    });
    expect(nobody.filter(isRecipient)).toEqual([]);

    // Shown: every row, of every workspace, and who the controller is.
    const before = await asSuperuser((session) => rowsHeld(session, phone));
    const { access } = await expectDone(operator, 'subjects.open', {
      subject: reference,
      requestId: deletion,
    });
    expect(access).toMatchObject({ kind: 'recipient', controller });
    const shown = await expectDone(operator, 'subjects.show', { accessId: access.id });
    expect(Object.fromEntries(shown.counts.map(({ collection, count }) => [collection, count]))).toEqual(
      Object.fromEntries(Object.entries(before).map(([name, rows]) => [name, rows.length])),
    );
    const seen: string[] = [];
    for (let cursor: string[] | null | undefined; cursor !== null;) {
      const page = await expectDone(operator, 'subjects.page', {
        accessId: access.id,
        collection: 'messages',
        limit: 7,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.rows.map(({ cells }) => cells['id'] ?? ''));
      expect(JSON.stringify(page.rows)).not.toContain(phone);
      cursor = page.next;
    }
    const ids = (before['messages'] ?? []).map((line) => (JSON.parse(line) as { id: string }).id);
    expect(seen.sort()).toEqual([...ids].sort());
    for (const collection of ['users', 'workspaces', 'invoices'])
      expect(await operator.dispatch('subjects.page', { accessId: access.id, collection })).toMatchObject({
        ok: false,
        failure: { code: 'not_found' },
      });
    for (const id of requests) {
      const { request } = await expectDone(operator, 'requests.link', { id, subject: reference });
      expect(request).toMatchObject({ subjectKind: 'recipient', controller });
    }

    // Exported: exactly those rows and their files, and the package says who the controller is.
    const objects = await platform.objectStore.list();
    const { jobId } = await expectDone(operator, 'exports.start', { requestId: wanted, folder });
    const { file } = await ended(operator, jobId);
    const unpacked = await unpack(String(file), await mkdtemp(path.join(folder, 'unpacked-')));
    expect(Object.fromEntries(unpacked.records)).toEqual(before);
    const keys = (before['media_files'] ?? []).map((line) => (JSON.parse(line) as { r2_key: string }).r2_key);
    expect(unpacked.index.map(({ key }) => key).sort()).toEqual([...keys].sort());
    const files = await unpacked.files();
    const textOf = (name: string): string =>
      files.find((each) => each.path === name)?.bytes.toString('utf8') ?? '';
    expect(textOf('bag-info.txt')).toContain(
      `\nSubject-Kind: Message recipient\nController: ${controller}\n`,
    );
    expect(JSON.parse(textOf('data/processing.json'))).toMatchObject({
      subjectKind: 'Message recipient',
      controller,
    });
    expect(await verdictOn(operator, { file: String(file) })).toMatchObject({
      intact: true,
    });

    // Kept back of another package, with a reason that names the person: forgotten with them.
    for (const collection of ['messages', 'contacts'].filter((name) => before[name]?.length !== 0)) {
      const { exportId } = await expectDone(operator, 'reviews.open', { requestId: wanted });
      const { rows } = await expectDone(operator, 'reviews.page', { exportId, collection });
      const { redactionId } = await expectDone(operator, 'reviews.redact', {
        requestId: wanted,
        what: { kind: 'record', collection, row: rows[0]?.row ?? '' },
        ground: 'others',
        reason: `asked for by ${phone}`,
      });
      if (collection === 'messages')
        await expectDone(operator, 'reviews.withdraw', { redactionId, reason: `${phone} agreed` });
    }

    // Erased: the plan and the certificate say it too; the tenants' own rows stay as they were.
    const sums = await asSuperuser((session) => sumsOfOthers(session, phone, ids));
    const { plan } = await expectDone(operator, 'erasure.plan', { requestId: deletion });
    expect(plan).toMatchObject({ state: 'awaiting', kind: 'recipient', controller, decisions: [] });
    expect(plan.lines.map(({ collection, action, rows }) => [collection, action, rows]).sort()).toEqual(
      (
        [
          ['contacts', 'delete', before['contacts']?.length ?? 0],
          ['media_files', 'delete', before['media_files']?.length ?? 0],
          ['messages', 'anonymise', before['messages']?.length ?? 0],
        ] as const
      ).filter(([, , rows]) => rows > 0),
    );
    await expectDone(approver, 'erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'the tenants know',
    });
    const run = await expectDone(operator, 'erasure.run', { planId: plan.id });
    expect(await ended(operator, run.jobId)).toMatchObject({ complete: true, left: 0, objectsLeft: 0 });
    await asSuperuser(async (session) => {
      expect(await sumsOfOthers(session, phone, ids)).toEqual(sums);
      expect(await rowsHeld(session, phone)).toEqual({ contacts: [], messages: [], media_files: [] });
      const { rows } = await session.query<{ left: number }>(
        `select count(*)::int as left from messages where id::text = any ($1) and (recipient_phone <> 'erased' or content is not null)`,
        [ids],
      );
      expect(rows).toEqual([{ left: 0 }]);
      // Other people may have the same number: an account, a tenant's own telephone.
      const places = await whereStands(session, 'public', phone);
      delete places['users.phone'];
      delete places['whatsapp_sessions.phone'];
      expect(places).toEqual({});
      const ours = await whereStands(session, 'privacy_console', phone.slice(3));
      delete ours['request.message'];
      expect(ours).toEqual({});
      expect((await session.query('select from privacy_console.redaction')).rows).toEqual([]);
      // Nor does what was typed to find the number, with spaces in it or without.
      const { rows: typedStill } = await session.query(
        `select from privacy_console.entry e join privacy_console.detail d on d.entry = e.number
       where e.action = 'search.intended' and position($1 in regexp_replace(d.text, '[^0-9]', '', 'g')) > 0`,
        [phone.slice(-8)],
      );
      expect(typedStill).toEqual([]);
    });
    expect(await platform.objectStore.list()).toEqual(objects.filter(({ key }) => !keys.includes(key)));
    const certificate = await expectDone(operator, 'erasure.certificate', { planId: plan.id });
    expect(certificate.says).toMatchObject({ kind: 'recipient', controller });
    expect(certificate.text).not.toContain(phone.slice(3));
    const auditor = await signIn('auditor');
    const verified = await expectDone(auditor, 'audit.verify', {});
    expect(await ended(auditor, verified.jobId)).toMatchObject({ intact: true });

    // Whoever is written to again has the same rights again: under another reference, with the new rows only.
    await asSuperuser(({ query }) =>
      query(`insert into contacts (workspace_id, phone) select id, $1 from workspaces order by id limit 1`, [
        phone,
      ]),
    );
    const { hits: again } = await expectDone(operator, 'search.run', { text: phone, reason: 'wrote again' });
    const [back] = again.filter(isRecipient);
    expect(back).toMatchObject({ tenants: 1 });
    expect(back?.subject).not.toBe(reference);
  },
  180_000,
);
