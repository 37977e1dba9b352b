import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeEntry, en } from '#shared/strings/en.ts';
import { find, someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const root = path.join(import.meta.dirname, '../..');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a process of its own, as a person would. */
function run(desk: TestDesk, ...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', ...argv],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('the main job without a window: find, see, reveal, export, plan, refuse, approve, run, verify', async () => {
  await using desk = await openDesk({ withBucket: true });
  const json = async (role: string, ...argv: readonly string[]): Promise<Record<string, never>> => {
    const ended = await run(desk, ...argv, '--profile', `demo:${role}`, '--json');
    expect(ended.code, `${argv.join(' ')}: ${ended.stdout}${ended.stderr}`).toBe(0);
    return JSON.parse(ended.stdout) as Record<string, never>;
  };
  const { rows } = await desk.superuser(({ query }) =>
    query<{ email: string }>(
      `select u.email::text as email from users u
       where exists (select from workspaces w join messages m on m.workspace_id = w.id where w.owner_id = u.id)
         and not exists (select from workspaces w join workspace_members b on b.workspace_id = w.id where w.owner_id = u.id and b.user_id <> u.id)
       order by md5(u.id::text) limit 1`,
    ),
  );
  const email = rows[0]?.email ?? '';

  const deletion = await json('operator', 'request', 'open', 'deletion', '--message', 'please');
  const copy = await json('operator', 'request', 'open', 'export');
  const found = (await json('operator', 'search', email, '--request', String(deletion['id']))) as unknown as {
    hits: { subject: string }[];
  };
  const subject = found.hits[0]?.subject ?? '';
  const shown = (await json('operator', 'show', subject, '--request', String(deletion['id']))) as unknown as {
    account: { key: string; cells: { email: string } };
  };
  expect(shown.account.cells.email).not.toBe(email);
  const revealed = await json(
    'operator',
    'show',
    subject,
    '--request',
    String(deletion['id']),
    '--collection',
    'users',
    '--reveal',
    shown.account.key,
    'email',
  );
  expect(revealed['value']).toBe(email);
  for (const request of [deletion, copy])
    await json('operator', 'request', 'link', String(request['id']), subject);

  const exported = await json('operator', 'export', String(copy['id']), '--to', desk.folder);
  const verified = await run(desk, 'package', 'verify', String(exported['file']), '--json');
  expect(verified).toMatchObject({ code: 0 });
  expect(JSON.parse(verified.stdout)).toMatchObject({ intact: true, faults: [] });
  const unpacked = await json(
    'operator',
    ...['export', String(copy['id']), '--to', desk.folder, '--folder', '--language', 'hi'],
  );
  const page = path.join(String(unpacked['file']), 'data', 'index.html');
  expect(await readFile(page, 'utf8')).toContain('<html lang="hi">');
  expect(await run(desk, 'package', 'verify', String(unpacked['file']))).toMatchObject({ code: 0 });
  await appendFile(page, 'x');
  expect(await run(desk, 'package', 'verify', String(unpacked['file']))).toMatchObject({ code: 1 });
  expect(
    await run(
      desk,
      'export',
      String(copy['id']),
      '--to',
      desk.folder,
      '--language',
      'tlh',
      '--profile',
      'demo:operator',
    ),
  ).toMatchObject({ code: 2 });

  const plan = await json('operator', 'erase', 'plan', String(deletion['id']));
  const approve = [
    'erase',
    'approve',
    String(plan['id']),
    '--sha256',
    String(plan['sha256']),
    '--reason',
    'read it',
  ];
  expect(await run(desk, ...approve, '--profile', 'demo:operator')).toMatchObject({
    code: 1,
    stderr: 'Only an approver can decide about a plan.\n',
  });
  expect(await run(desk, 'erase', 'run', String(plan['id']), '--profile', 'demo:operator')).toMatchObject({
    code: 1,
  });
  await json('approver', ...approve);
  // Somebody else wrote about the person: partial is never done, in no exit code.
  await desk.superuser(({ query }) =>
    query(`insert into support_messages (from_email, subject, body) values ('a@example.net', 'About', $1)`, [
      `ask ${email}`,
    ]),
  );
  const erasing = ['erase', 'run', String(plan['id']), '--profile', 'demo:operator', '--json'];
  const partial = await run(desk, ...erasing);
  expect(partial.code).toBe(1);
  expect(JSON.parse(partial.stdout)).toMatchObject({ complete: false, left: 0, finds: 1 });
  const finds = await run(desk, 'erase', 'finds', String(plan['id']), '--profile', 'demo:approver');
  expect(finds).toMatchObject({ code: 1 });
  expect(finds.stdout).toContain('support_messages.body');
  const judge = ['erase', 'judge', String(plan['id']), 'support_messages.body', '--reason'];
  expect(await run(desk, ...judge, 'mine', '--profile', 'demo:operator')).toMatchObject({
    code: 1,
    stderr: 'Only an approver can say that something found again stays.\n',
  });
  await json('approver', ...judge, 'Proof of a dispute');
  expect(await run(desk, 'erase', 'finds', String(plan['id']), '--profile', 'demo:auditor')).toMatchObject({
    code: 0,
  });
  expect(await json('operator', 'erase', 'run', String(plan['id']))).toMatchObject({
    complete: true,
    left: 0,
  });
  const again = (await json('operator', 'search', email, '--request', String(deletion['id']))) as unknown as {
    hits: unknown[];
  };
  expect(again.hits).toEqual([]);
  // Asked by the address of old, the story is found by who answers for it, and by nobody else.
  expect(await json('auditor', 'erase', 'seek', email)).toMatchObject({
    found: [{ subject, requestId: deletion['id'], planId: plan['id'] }],
  });
  expect(await run(desk, 'erase', 'seek', email, '--profile', 'demo:operator')).toMatchObject({ code: 1 });
  const certificate = (await json('operator', 'erase', 'certificate', String(plan['id']))) as unknown as {
    text: string;
    sha256: string;
    says: { steps: { title: string; where: string; planned: number; done: number; left: number }[] };
  };
  expect(JSON.parse(certificate.text)).toMatchObject({ subject, request: deletion['id'] });
  expect(createHash('sha256').update(certificate.text).digest('hex')).toBe(certificate.sha256);
  const messages = certificate.says.steps.find((step) => step.where === 'public.messages');
  expect(messages?.planned).toBeGreaterThan(0);
  expect(messages).toMatchObject({ title: 'Messages', done: messages?.planned, left: 0 });

  const saved = path.join(desk.folder, 'certificate.json');
  const save = ['erase', 'certificate', String(plan['id']), '--save', saved];
  expect(await json('auditor', ...save)).toMatchObject({ sha256: certificate.sha256 });
  expect(JSON.parse(await readFile(saved, 'utf8'))).toMatchObject({ certificate: certificate.text });
  // Here is no keychain, so nobody could sign it, which the check says.
  const check = await run(desk, 'certificate', 'verify', saved, '--json');
  expect(check).toMatchObject({ code: 1 });
  expect(JSON.parse(check.stdout)).toMatchObject({
    intact: false,
    sha256: certificate.sha256,
    faults: [{ kind: 'signature', says: 'Nobody has signed it, so nothing shows where it comes from.' }],
  });
  const forged = path.join(desk.folder, 'forged.json');
  await writeFile(forged, (await readFile(saved, 'utf8')).replace('"sha256": "', '"sha256": "0'));
  expect(await run(desk, 'certificate', 'verify', forged)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('it has been changed') as string,
  });
  expect(await run(desk, ...save, '--profile', 'demo:auditor')).toMatchObject({
    code: 1,
    stderr: 'There is already a file of that name; choose another.\n',
  });

  const { stdout: lines } = await run(
    desk,
    'erase',
    'certificate',
    String(plan['id']),
    '--profile',
    'demo:auditor',
  );
  const words = en.deletion.certificate;
  for (const said of [
    subject,
    words.ground(Number(deletion['id'])),
    String(plan['sha256']),
    String(plan['mapHash']),
    certificate.sha256,
    'workspaces/{id}/',
    ...words.remaining,
    'Proof of a dispute',
  ])
    expect(lines).toContain(said);
  expect(lines).toMatch(
    new RegExp(
      `^ *Messages +public\\.messages +deleted +${messages?.planned} +${messages?.planned} +0$`,
      'm',
    ),
  );
  expect(lines).toMatch(/^Approved by +approver$/m);
  expect(await json('auditor', 'audit', 'verify')).toMatchObject({ intact: true });
}, 240_000);

test('a row is named by its key as the page shows it, and anything else is told so; a reader who stops early is no fault', async () => {
  await using desk = await openDesk();
  const bare = await desk.bare('operator');
  const subject = await find(bare, await someone(desk));
  const shown = ['show', subject, '--reason', 'a caller asked', '--collection', 'users'];
  expect(await run(desk, ...shown, '--reveal', '42', 'email', '--profile', 'demo:operator')).toMatchObject({
    code: 2,
    stderr: `ROW is the row’s key as the page shows it under “key”, in quotes: '["42"]'.\n`,
  });
  const piped = await new Promise<string>((resolve) => {
    execFile(
      'sh',
      ['-c', '"$0" electron/cli/cli.ts map show --profile demo:operator | true', process.execPath],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (_error, _stdout, stderr) => resolve(stderr),
    );
  });
  expect(piped).toBe('');
});

test('exit codes: 0 done, 1 refused, 2 usage', async () => {
  await using desk = await openDesk();
  expect(await run(desk, '--help')).toMatchObject({ code: 0 });
  expect(await run(desk, 'no-such-command')).toMatchObject({ code: 2 });
  expect(await run(desk, 'search', 'somebody', '--profile', 'demo:operator')).toMatchObject({ code: 2 });
  expect(await run(desk, 'request', 'show', '999999', '--profile', 'demo:operator')).toMatchObject({
    code: 1,
    stderr: 'There is no request 999999.\n',
  });
  const failed = await run(desk, 'audit', 'verify', '--profile', 'demo:operator', '--json');
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({ failure: { code: 'not_permitted' } });
});

test('an unexpected failure is exit code 3 with an incident number, and tells nothing else', async () => {
  await using desk = await openDesk();
  await desk.superuser(({ query }) =>
    query(`create or replace function privacy_console.staff_list()
      returns table (login text, person text, roles text[], active boolean, added_at timestamptz) language sql
      as $$ select 'Asha Rao asha@example.com'::text, null::text, null::text[], null::boolean, null::timestamptz $$`),
  );
  const plain = await run(desk, 'staff', 'list', '--profile', 'demo:administrator');
  expect(plain).toMatchObject({ code: 3, stdout: '' });
  expect(plain.stderr).toMatch(
    /^Something unexpected happened; nothing more was done[.] Tell support the incident number [\w-]+[.]\n$/,
  );
  const asJson = await run(desk, 'staff', 'list', '--profile', 'demo:administrator', '--json');
  expect(asJson.code).toBe(3);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ failure: { code: 'internal' } });
  for (const { stdout, stderr } of [plain, asJson]) expect(stdout + stderr).not.toContain('Asha');
});

test('each command that lists or shows speaks JSON when asked to', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-10-01',
  });
  for (const [role, argv] of [
    ['operator', ['profile', 'list']],
    ['operator', ['profile', 'test']],
    ['administrator', ['db', 'status']],
    ['administrator', ['db', 'install', '--print']],
    ['administrator', ['db', 'indexes']],
    ['administrator', ['staff', 'list']],
    ['operator', ['map', 'show']],
    ['operator', ['map', 'check']],
    ['operator', ['request', 'list']],
    ['operator', ['request', 'show', String(request.id)]],
    ['operator', ['request', 'assign', String(request.id)]],
    ['viewer', ['search', 'somebody', '--reason', 'a test']],
    ['operator', ['exports']],
    ['operator', ['erase', 'list']],
    ['auditor', ['audit', 'list', '--action', 'request.opened', '--request', String(request.id)]],
    ['auditor', ['audit', 'verify']],
    ['operator', ['request', 'close', String(request.id), '--outcome', 'withdrawn']],
    ['operator', ['about']],
  ] as const) {
    const ended = await run(desk, ...argv, '--profile', `demo:${role}`, '--json');
    expect(ended.code, `${argv.join(' ')}: ${ended.stderr}`).toBe(0);
    expect(ended.stderr, argv.join(' ')).toBe('');
    expect(JSON.parse(ended.stdout), argv.join(' ')).toBeTypeOf('object');
  }
}, 180_000);

test('a dashboard session is ended, a chart and the files are told, from the command line too', async () => {
  await using desk = await openDesk({ withBucket: true });
  const person = await someone(desk);
  await desk.superuser(({ query }) =>
    query(
      `insert into public.dashboard_sessions (user_id, token_hash, ip, user_agent, last_seen_at) values ($1, 'secret', '203.0.113.9', 'a browser', now())`,
      [person.id],
    ),
  );
  const subject = await find(await desk.bare('operator'), person);
  const show = async (...argv: readonly string[]): Promise<unknown> => {
    const ended = await run(
      desk,
      'show',
      subject,
      '--reason',
      'a test',
      ...argv,
      '--profile',
      'demo:operator',
      '--json',
    );
    expect(ended.code, ended.stderr + ended.stdout).toBe(0);
    return JSON.parse(ended.stdout) as unknown;
  };
  const { rows } = (await show('--collection', 'dashboard_sessions')) as {
    rows: { key: string; cells: Record<string, string | null> }[];
  };
  const open = rows.find(({ cells }) => cells['ended_at'] === null);
  await show('--collection', 'dashboard_sessions', '--act', open?.key ?? '', 'end');
  const after = (await show('--collection', 'dashboard_sessions')) as { rows: typeof rows };
  expect(after.rows.find(({ key }) => key === open?.key)?.cells['ended_at']).not.toBeNull();
  expect(await show('--collection', 'page_views', '--series')).toBeInstanceOf(Array);
  expect(await show('--files')).toBeInstanceOf(Array);
  // No access stays open behind a command.
  const left = await desk.superuser(
    async ({ query }) =>
      (await query(`select 1 from privacy_console.access where kind = 'view' and closed_at is null`))
        .rowCount,
  );
  expect(left).toBe(0);
});

test('the trail is listed in sentences: what was done, and what was refused and why; JSON keeps the entries as they are', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-10-01',
  });
  // Nobody is named by the request yet.
  const refused = await operator.dispatch('erasure.plan', { requestId: request.id });
  expect(refused.ok).toBe(false);
  const list = ['audit', 'list', '--profile', 'demo:auditor'];
  const asJson = await run(desk, ...list, '--json');
  const entries = JSON.parse(asJson.stdout) as (Parameters<typeof describeEntry>[0] & {
    number: number;
    at: string;
  })[];
  expect(entries.length).toBeGreaterThan(1);
  for (const entry of entries) expect(entry).not.toHaveProperty('says');
  const table = await run(desk, ...list);
  expect(table).toMatchObject({ code: 0, stderr: '' });
  const [heading = '', ...lines] = table.stdout.trimEnd().split('\n');
  expect(heading.split(/ +/)).toEqual([
    'number',
    'at',
    'actor',
    'action',
    'outcome',
    'subject',
    'request',
    'says',
  ]);
  for (const entry of entries) {
    const line = lines.find((each) => each.startsWith(`${entry.number} `));
    expect(line?.endsWith(`  ${describeEntry(entry)}`), `${entry.number}: ${line}`).toBe(true);
  }
  expect(table.stdout).toMatch(
    new RegExp(`^\\d+ .* request[.]opened +done .*  operator .*request ${request.id}$`, 'm'),
  );
  expect(table.stdout).toMatch(/^\d+ .* refused .* +operator tried to .* and was refused: .+$/m);
});
