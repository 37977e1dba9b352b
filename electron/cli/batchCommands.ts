import path from 'node:path';
import { stdin } from 'node:process';
import { Option, type Command as Commander } from 'commander';
import type { InputOf, OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { UsageError, type Command } from './command.ts';
import { readAll } from './input.ts';
import { wholeNumber } from './numbers.ts';
import type { PasswordInput } from './profileInput.ts';
import type { Layout } from './print.ts';

type Run = (
  work: (command: Command) => Promise<unknown>,
  options?: { readonly as?: Layout; readonly refused?: (value: never) => boolean },
) => Promise<void>;

type ListSource = Extract<InputOf<'batches.begin'>['from'], { source: 'csv' }>;

interface MatchOptions {
  readonly by: ListSource['form'];
  readonly kind?: string;
  readonly column?: string;
  readonly reason: string;
}

/** Batches of deletions: closed accounts, or a list of identifiers; one plan, one approval, one report. */
export function batchCommands(
  program: Commander,
  run: Run,
  password: (
    command: Command,
    decision: 'approve' | 'deny',
    options: PasswordInput,
  ) => Promise<{ password?: string }>,
  json: () => boolean,
): void {
  const closed = program.command('closed').description('closed accounts that are to be erased');
  closed
    .command('list')
    .option('--after <reference>', 'goes on behind this one')
    .addOption(new Option('--limit <number>', 'how many').argParser(wholeNumber).default(50))
    .description('lists them, the most urgent first, without names; fails while one is late')
    .action((options: { after?: string; limit: number }) =>
      run(
        async (command) => {
          const { accounts } = await command.call('batches.closed', options);
          return json() ? accounts : accounts.map(accountLine);
        },
        {
          as: 'list',
          refused: (accounts: readonly { readonly daysLeft?: number; readonly due?: string }[]) =>
            accounts.some((each) => (each.daysLeft ?? 0) < 0),
        },
      ),
    );
  closed
    .command('count')
    .description('how many wait to be erased, and how many are late; fails while one is')
    .action(() =>
      run((command) => command.call('batches.closedCounts', {}), {
        refused: ({ late }: { late: number }) => late > 0,
      }),
    );
  closed
    .command('plan')
    .argument('[reference...]', 'these alone; else everybody who is due')
    .addOption(
      new Option('--within <days>', 'everybody due within so many days').argParser(wholeNumber).default(0),
    )
    .requiredOption('--reason <text>', 'stands in the report; nothing about a person')
    .description('begins a batch of closed accounts and plans it; deletes nothing')
    .action((references: string[], { within, reason }: { within: number; reason: string }) =>
      run(async (command) => {
        const subjects = references.length > 0 ? references : await dueWithin(command, within);
        if (subjects.length === 0) throw new UsageError('No closed account is due; say --within DAYS.');
        const { batch } = await command.call('batches.begin', {
          reason,
          from: { source: 'closed', subjects },
        });
        return planned(command, batch.id);
      }),
    );
  const bulk = program
    .command('bulk')
    .description('many deletions at once: one plan, one approval, one report');
  bulk
    .command('match')
    .argument('<file>', 'one identifier on each line, or a table as CSV; - reads standard input')
    .addOption(
      new Option('--by <form>', 'what the identifiers are')
        .choices(['email', 'phone', 'id'])
        .makeOptionMandatory(),
    )
    .option('--column <name>', 'the column, where there are several')
    .option('--kind <kind>', 'the kind of people, as the data map calls it; its first one when left out')
    .requiredOption('--reason <text>', 'stands in the report; nothing about a person')
    .description('begins a batch and says of each line whether somebody was found; the list is kept nowhere')
    .action((file: string, { by, reason, ...options }: MatchOptions) =>
      run(async (command) => {
        const { batch } = await command.call('batches.begin', {
          reason,
          from: {
            source: 'csv',
            form: by,
            ...options,
            ...(file === '-' ? { text: await readAll(stdin) } : { file: path.resolve(file) }),
          },
        });
        const { items } = await command.call('batches.items', { id: batch.id });
        return json()
          ? { batch, items }
          : { batch: batch.id, ...batch.states, lines: items.map((each) => itemLine(each)) };
      }),
    );
  bulk
    .command('plan')
    .argument('<batch>', 'its number', wholeNumber)
    .description('plans everybody who was found; deletes nothing')
    .action((id: number) => run((command) => planned(command, id)));
  bulk
    .command('list')
    .option('--waiting', 'only those that wait for approval', false)
    .description('lists batches')
    .action(({ waiting }: { waiting: boolean }) =>
      run(async (command) => {
        const { batches } = await command.call('batches.list', { waiting });
        return json()
          ? batches
          : batches.map(({ id, state, source, by, at, sha256, states }) => ({
              batch: id,
              state,
              from: source,
              by,
              at,
              lines: Object.values(states).reduce((sum, each) => sum + each, 0),
              sha256,
            }));
      }),
    );
  bulk
    .command('show')
    .argument('<batch>', 'its number', wholeNumber)
    .option('--aside', 'only lines nobody is erased by, each with its reason', false)
    .description('shows the sums of all plans, and what came of each line')
    .action((id: number, { aside }: { aside: boolean }) =>
      run(async (command) => {
        const { batch } = await command.call('batches.show', { id });
        const { items } = await command.call('batches.items', {
          id,
          ...(aside ? { states: [...asideStates] } : {}),
        });
        return json() ? { batch, items } : { ...shown(batch), lines: items.map((each) => itemLine(each)) };
      }),
    );
  for (const decision of ['approve', 'deny'] as const) {
    bulk
      .command(decision)
      .argument('<batch>', 'its number', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of the batch as read')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve' ? 'approves exactly this batch; never one’s own' : 'denies this batch',
      )
      .action(
        (id: number, { sha256, reason, ...options }: { sha256: string; reason: string } & PasswordInput) =>
          run(async (command) => {
            const { batch } = await command.call('batches.decide', {
              ...{ id, sha256, decision, reason },
              ...(await password(command, decision, options)),
            });
            return json() ? batch : shown(batch);
          }),
      );
  }
  bulk
    .command('run')
    .argument('<batch>', 'its number', wholeNumber)
    .addOption(
      new Option('--pace <pace>', 'large steps, or small ones with pauses as is usual in production').choices(
        ['fast', 'gentle'],
      ),
    )
    .description('runs an approved batch, or goes on with one; fails while somebody is left')
    .action((id: number, options: { pace?: 'fast' | 'gentle' }) =>
      run(
        async (command) => {
          const { jobId } = await command.call('batches.run', { id, ...options });
          const { result } = await command.finish(jobId);
          const { batch } = await command.call('batches.show', { id });
          return { ...result, states: batch.states, waiting: batch.waiting, report: batch.report };
        },
        {
          refused: (value: { state?: string; left?: number; waiting: number }) =>
            value.state !== 'done' && (value.left ?? 0) > value.waiting,
        },
      ),
    );
  bulk
    .command('task')
    .argument('<batch>', 'its number', wholeNumber)
    .argument('<task>', 'name of the task, as “bulk show” tells it')
    .requiredOption('--evidence <text>', 'what shows that it was done; nothing about a person')
    .description('records that what deletions ask of people was done for everybody of a batch')
    .action((id: number, task: string, { evidence }: { evidence: string }) =>
      run(async (command) => {
        const { batch } = await command.call('batches.doTask', { id, task, evidence });
        return json() ? batch : shown(batch);
      }),
    );
  bulk
    .command('call-off')
    .argument('<batch>', 'its number', wholeNumber)
    .requiredOption('--reason <text>')
    .description('begins nobody else; what is done stays done')
    .action((id: number, { reason }: { reason: string }) =>
      run(async (command) => {
        const { batch } = await command.call('batches.callOff', { id, reason });
        return json() ? batch : shown(batch);
      }),
    );
  bulk
    .command('report')
    .argument('<batch>', 'its number', wholeNumber)
    .option('--save <file>', 'writes it to a new file: .html to print, .csv as a table, else its exact text')
    .description('prints the report of a batch that has ended')
    .action((id: number, { save }: { save?: string }) =>
      run(async (command) => {
        if (save !== undefined) return command.call('batches.saveReport', { id, file: path.resolve(save) });
        const report = await command.call('batches.report', { id });
        return json() ? report : { sha256: report.sha256, ...report.says };
      }),
    );
}

/** Goes on with every batch in which somebody's wait is over. */
export async function runDueBatches(command: Command): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { batches } = await command.call('batches.list', {});
  const ended = [];
  for (const { id, state, dueAt } of batches) {
    if (state !== 'running' || dueAt === null || Date.parse(dueAt) > Date.now()) continue;
    const { jobId } = await command.call('batches.run', { id });
    const { result } = await command.finish(jobId);
    ended.push({ batch: id, ...result, complete: result?.['state'] === 'done' });
  }
  return ended;
}

/** References of everybody whose account is due within so many days, as many as a batch holds. */
async function dueWithin(command: Command, days: number): Promise<string[]> {
  const due: string[] = [];
  let after: string | null = null;
  do {
    const page: OutputOf<'batches.closed'> = await command.call('batches.closed', {
      limit: 100,
      ...(after === null ? {} : { after }),
    });
    const here = page.accounts.filter((each) => each.daysLeft <= days);
    due.push(...here.filter(isFree).map((each) => each.subject));
    // They come in the order in which they are due.
    after = here.length < page.accounts.length || due.length >= 1_000 ? null : page.next;
  } while (after !== null);
  return due.slice(0, 1_000);
}

type Account = OutputOf<'batches.closed'>['accounts'][number];
type Shown = OutputOf<'batches.show'>['batch'];
type Item = OutputOf<'batches.items'>['items'][number];

function isFree({ plan, batch, hold, restriction }: Account): boolean {
  return plan === null && batch === null && hold === null && restriction === null;
}

async function planned(command: Command, id: number): Promise<unknown> {
  const { jobId } = await command.call('batches.plan', { id });
  await command.finish(jobId);
  const { batch } = await command.call('batches.show', { id });
  return shown(batch);
}

const words = en.batches;
/** Lines by which nobody is erased. */
const asideStates: readonly Item['state'][] = ['not_found', 'ambiguous', 'duplicate', 'set_aside'];

function accountLine(each: Account): Readonly<Record<string, unknown>> {
  return {
    account: each.subject,
    due: each.daysLeft < 0 ? words.closed.late(-each.daysLeft) : words.closed.left(each.daysLeft),
    daysLeft: each.daysLeft,
    closed: each.closedAt,
    stands: [
      ...(each.hold === null ? [] : [words.closed.hold(each.hold)]),
      ...(each.restriction === null ? [] : [words.closed.restriction(each.restriction)]),
      ...(each.batch === null ? [] : [words.closed.batch(each.batch)]),
      ...(each.plan === null ? [] : [words.closed.plan(each.plan.state)]),
      ...(each.request === null ? [] : [words.closed.request(each.request.id)]),
    ].join(', '),
    kept: each.kept
      .map(({ title, because, until }) => words.closed.keptPart(title, because, until?.slice(0, 10) ?? null))
      .join('; '),
  };
}

function shown(batch: Shown): Readonly<Record<string, unknown>> {
  return {
    batch: batch.id,
    state: batch.state,
    from: batch.source,
    reason: batch.reason,
    by: batch.by,
    sha256: batch.sha256,
    approversNeeded: batch.approversNeeded,
    approvals: batch.approvals.map(({ by, decision }) => `${by}: ${decision}`).join(', '),
    ...batch.states,
    tasks: batch.tasks,
    totals: batch.lines.map(({ collection, action, rows, atMost, because, until }) => ({
      what: collection,
      action,
      rows,
      atMost,
      because,
      until,
    })),
  };
}

function itemLine({ line, state, because, subject, request, rows }: Item): Readonly<Record<string, unknown>> {
  return { line, state: words.itemState[state], person: subject, request, rows, because };
}
