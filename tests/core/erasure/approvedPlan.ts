import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { Console } from '#core/console.ts';
import type { DemoSecrets } from '#core/connections/index.ts';
import type { ObjectStore } from '#demo/objectStore.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { expectDone, plainConsole, type Pace } from '#demo/staff.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import type { TestDesk } from '#tests/helpers/testDesk.ts';

/** Somebody on the test platform about whom there is enough to be interrupted at. */
export interface Victim {
  readonly id: string;
  readonly email: string;
  readonly workspace: string;
  readonly reference: string;
  readonly request: number;
}

/** An owner of workspaces nobody shares and no invoice keeps, with the fourth most messages of those. */
export async function findPerson(
  desk: Pick<TestDesk, 'superuser'>,
  shared = false,
): Promise<{ readonly id: string; readonly email: string; readonly workspace: string }> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<{ id: string; email: string; workspace: string }>(
      `select u.id, u.email::text as email, min(w.id::text) as workspace from users u join workspaces w on w.owner_id = u.id
       where not exists (select from invoices i join workspaces v on v.id = i.workspace_id where v.owner_id = u.id)
         and $1 = exists (select from workspace_members m join workspaces v on v.id = m.workspace_id where v.owner_id = u.id and m.user_id <> u.id)
         and not exists (select from media_files f join workspaces v on v.id = f.workspace_id where v.owner_id = u.id)
       group by u.id, u.email
       order by (select count(*) from messages m join workspaces v on v.id = m.workspace_id where v.owner_id = u.id and v.id <> all (
         select id from workspaces order by id limit 0)) desc, u.id offset 3 limit 1`,
      [shared],
    );
    const [found] = rows;
    if (found === undefined) throw new Error('Nobody fits.');
    return found;
  });
}

/** Finds the person as an operator does, and opens a request that names the person. */
export async function requestFor(
  operator: Console,
  person: { readonly id: string; readonly email: string; readonly workspace: string },
  kind: 'deletion' | 'export' = 'deletion',
): Promise<Victim> {
  const { request } = await expectDone(operator, 'requests.open', { kind, receivedOn: '2026-10-01' });
  const { hits } = await expectDone(operator, 'search.run', { text: person.email, requestId: request.id });
  const reference = hits.find((hit) => hit.score === 1)?.subject ?? '';
  await expectDone(operator, 'subjects.open', { subject: reference, requestId: request.id });
  await expectDone(operator, 'requests.link', { id: request.id, subject: reference });
  return { ...person, reference, request: request.id };
}

/** Puts objects of the person into the bucket: with rows and without. */
export async function putObjects(
  desk: { readonly bucket: Pick<ObjectStore, 'put'> | null },
  { workspace }: Victim,
  count: number,
): Promise<void> {
  await desk.bucket?.put(
    Array.from({ length: count }, (_, index) => ({
      key: `workspaces/${workspace}/messages/2026-10/${String(index).padStart(4, '0')}`,
      bytes: Buffer.from(`object ${String(index)}`),
      contentType: 'image/png',
    })),
  );
}

/** Plans, and has the plan approved. */
export async function approve(
  desk: Pick<TestDesk, 'signIn'>,
  operator: Console,
  victim: Victim,
): Promise<ErasurePlan> {
  const approver = await desk.signIn('approver');
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: victim.request });
  const decided = await expectDone(approver, 'erasure.decide', {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'identity proved',
  });
  return decided.plan;
}

/** Another operator with a login and a workstation of their own; with other secrets of R2 when given. */
export async function anotherOperator(
  desk: TestDesk,
  change: Partial<DemoSecrets> = {},
): Promise<{ readonly folder: string; signIn(): Promise<Console> }> {
  const administrator = await desk.signIn('administrator');
  const login = {
    user: `operator_${randomBytes(5).toString('hex')}`,
    password: randomBytes(12).toString('hex'),
  };
  await expectDone(administrator, 'staff.add', {
    login: login.user,
    person: `Second Operator ${login.user}`,
    roles: ['operator'],
    password: login.password,
  });
  return otherWorkstation(desk, {
    ...change,
    logins: { ...desk.secrets.logins, operator: login },
  });
}

/** A workstation of its own with the same logins, and what is changed for it. */
export async function otherWorkstation(
  desk: Pick<TestDesk, 'folder' | 'secrets'>,
  change: Partial<DemoSecrets>,
): Promise<{ readonly folder: string; signIn(pace?: Pace): Promise<Console> }> {
  const folder = await mkdtemp(path.join(desk.folder, 'workstation-'));
  await writeDemoSecrets(folder, { ...desk.secrets, ...change });
  return {
    folder,
    async signIn(pace) {
      const console = plainConsole({ profileFolder: folder, demoFolder: folder }, pace);
      await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
      return console;
    },
  };
}

/** Runs or resumes a plan and gives how the job ended. */
export async function run(
  console: Console,
  planId: number,
): Promise<{
  readonly state: string;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}> {
  const { jobId } = await expectDone(console, 'erasure.run', { planId });
  const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
  return job;
}

/** What must hold of a finished run however it got there. */
export async function expectEndedRight(
  desk: Pick<TestDesk, 'superuser' | 'signIn'> & { readonly bucket: Pick<ObjectStore, 'list'> | null },
  victim: Victim,
  planId: number,
): Promise<void> {
  await desk.superuser(async ({ query }) => {
    const { rows: left } = await query(
      `select 'users' from users where id = $1 union all select 'workspaces' from workspaces where owner_id = $1
       union all select 'messages' from messages where workspace_id = $2 union all select 'views' from page_views where user_id = $1
       union all select 'sessions' from dashboard_sessions where user_id = $1 union all select 'contacts' from contacts where workspace_id = $2`,
      [victim.id, victim.workspace],
    );
    expect(left).toEqual([]);
    // The journal says what the entries of the batches say, and the certificate what the journal says.
    const { rows: steps } = await query<{
      collection: string;
      action: string;
      planned: number;
      done: number;
      told: number;
    }>(
      `select l.collection, l.action, l.planned::int as planned, t.done::int as done,
         coalesce((select sum((d.text::json ->> 'rows')::int) from privacy_console.entry e join privacy_console.detail d on d.entry = e.number
           where e.action = 'erasure.batch' and e.outcome = 'done' and (d.text::json ->> 'run')::bigint = r.id and (d.text::json ->> 'step')::int = t.step), 0)::int as told
       from privacy_console.run r join privacy_console.run_step t on t.run = r.id join privacy_console.plan_line l on l.plan = r.plan and l.step = t.step
       where r.plan = $1 order by t.step`,
      [planId],
    );
    for (const { action, done, told, collection } of steps)
      if (action !== 'objects') expect([collection, action, told]).toEqual([collection, action, done]);
    const { rows: certificates } = await query<{ text: string }>(
      'select text from privacy_console.certificate where plan = $1',
      [planId],
    );
    expect(certificates).toHaveLength(1);
    const told = JSON.parse(certificates[0]?.text ?? '{}') as { steps: { done: number; left: number }[] };
    expect(told.steps.map((step) => [step.done, step.left])).toEqual(steps.map(({ done }) => [done, 0]));
  });
  expect((await desk.bucket?.list())?.filter(({ key }) => key.includes(victim.workspace))).toEqual([]);
  const auditor = await desk.signIn('auditor');
  const { jobId } = await expectDone(auditor, 'audit.verify', {});
  const { job } = await expectDone(auditor, 'jobs.wait', { id: jobId });
  expect(job.result).toMatchObject({ intact: true, fault: null });
}
