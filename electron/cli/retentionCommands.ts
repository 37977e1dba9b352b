import path from 'node:path';
import { Option, type Command as Commander } from 'commander';
import type { RetentionPlan } from '#shared/contract/retention.ts';
import { en } from '#shared/strings/en.ts';
import { UsageError, type Command } from './command.ts';
import { wholeNumber } from './numbers.ts';
import type { PasswordInput } from './profileInput.ts';

type Run = (
  work: (command: Command) => Promise<unknown>,
  options?: { readonly as?: 'list'; readonly refused?: (value: never) => boolean },
) => Promise<void>;
type Password = (
  command: Command,
  decision: 'approve' | 'deny',
  options: PasswordInput,
) => Promise<{ password?: string }>;

interface Deciding extends PasswordInput {
  readonly sha256: string;
  readonly reason: string;
}

interface Asking {
  readonly rowsPerRun: number;
  readonly rowsPerRule: number;
  readonly days: number;
  readonly reason: string;
}

interface Flooring extends PasswordInput {
  readonly days: number;
  readonly ground: string;
  readonly reason: string;
}

/** Retention: plan, approval, runs, standing approvals, partitions for their owner, floors, report. */
export function retentionCommands(
  program: Commander,
  run: Run,
  password: Password,
  json: () => boolean,
): void {
  const retention = program
    .command('retention')
    .description('deletes what the data map’s rules let expire, by plan');
  const planned = async (command: Command, planId: number): Promise<unknown> => {
    const { plan } = await command.call('retention.show', { planId });
    return json() ? plan : shown(plan);
  };
  retention
    .command('plan')
    .option('--by-partition', 'leave partitions of which every row is due to their owner', false)
    .description('counts what is due by each rule; another person approves it')
    .action(({ byPartition }: { byPartition: boolean }) =>
      run(async (command) => {
        const { jobId } = await command.call('retention.plan', { byPartition });
        const { result } = await command.finish(jobId);
        return planned(command, Number(result?.['planId']));
      }),
    );
  retention
    .command('show')
    .argument('<plan>', 'its number', wholeNumber)
    .description('what a plan takes, keeps and leaves, rule by rule')
    .action((planId: number) => run((command) => planned(command, planId)));
  retention
    .command('runs')
    .description('lists plans and their runs')
    .action(() =>
      run(async (command) => {
        const { plans } = await command.call('retention.plans', {});
        return json() ? plans : plans.map(inShort);
      }),
    );
  for (const decision of ['approve', 'deny'] as const)
    retention
      .command(decision)
      .argument('<plan>', 'its number', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of the plan you have read')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(decision === 'approve' ? 'approves exactly this plan; never one’s own' : 'denies a plan')
      .action((planId: number, { sha256, reason, ...options }: Deciding) =>
        run(async (command) =>
          command.call('retention.decide', {
            ...{ planId, sha256, decision, reason },
            ...(await password(command, decision, options)),
          }),
        ),
      );
  retention
    .command('run')
    .argument('[plan]', 'an approved plan, or one to resume', wholeNumber)
    .option('--standing', 'count anew and run at once, within the limits of the standing approval', false)
    .addOption(
      new Option(
        '--pace <pace>',
        'large batches, or small ones with pauses as is usual in production',
      ).choices(['fast', 'gentle']),
    )
    .description('runs an approved plan; with --standing for the operating system’s timer')
    .action((planId: number | undefined, options: { standing: boolean; pace?: 'fast' | 'gentle' }) =>
      run(
        async (command) => {
          if ((planId === undefined) !== options.standing)
            throw new UsageError('Name an approved plan, or write --standing; not both.');
          const pace = options.pace === undefined ? {} : { pace: options.pace };
          const { jobId } = options.standing
            ? await command.call('retention.runStanding', pace)
            : await command.call('retention.run', { planId: planId ?? 0, ...pace });
          return (await command.finish(jobId)).result;
        },
        { refused: (value: { complete: boolean }) => !value.complete },
      ),
    );
  retention
    .command('stop')
    .argument('<plan>', 'the plan that is run', wholeNumber)
    .description('stops a run between two batches, whoever runs it; “run” resumes it')
    .action((planId: number) => run((command) => command.call('retention.stop', { planId })));
  standingCommands(retention, run, password);
  partitionCommands(retention, run);
  const floor = retention
    .command('floor')
    .description('how long laws ask data to be kept, off and on visibly')
    .action(() => run(async (command) => (await command.call('retention.rules', {})).floors));
  for (const switched of ['on', 'off'] as const)
    floor
      .command(switched)
      .argument('<jurisdiction>', 'two letters, e.g. IN')
      .requiredOption('--days <number>', 'days from the processing', wholeNumber)
      .requiredOption('--ground <text>', 'the law')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        switched === 'on'
          ? 'keeps everything for at least so long'
          : 'lets the rules’ own days hold; plans made before are void',
      )
      .action((jurisdiction: string, { days, ground, reason, ...options }: Flooring) =>
        run(async (command) =>
          command.call('retention.setFloor', {
            ...{ jurisdiction, ground, days, inForce: switched === 'on', reason },
            ...(await password(command, 'approve', options)),
          }),
        ),
      );
  retention
    .command('media')
    .description('counts files in R2 by age and by what became of what they were sent with')
    .action(() => run(async (command) => (await command.call('retention.media', {})).ages));
  retention
    .command('report')
    .argument('<file>', 'a new JSON file')
    .description('writes rules, floors, approvals, plans, runs and ages of files')
    .action((file: string) =>
      run((command) => command.call('retention.saveReport', { file: path.resolve(file) })),
    );
}

function standingCommands(retention: Commander, run: Run, password: Password): void {
  const standing = retention
    .command('standing')
    .description('standing approvals, for runs by a timer')
    .action(() => run(async (command) => (await command.call('retention.rules', {})).standings));
  standing
    .command('ask')
    .requiredOption('--rows-per-run <number>', 'most rows of one run', wholeNumber)
    .requiredOption('--rows-per-rule <number>', 'most rows of one rule in a run', wholeNumber)
    .requiredOption('--days <number>', 'how long it holds, 90 at most', wholeNumber)
    .requiredOption('--reason <text>')
    .description('asks for one, of the rules as they are; another person approves it')
    .action(({ days, ...asked }: Asking) =>
      run((command) =>
        command.call('retention.askStanding', {
          ...asked,
          // A minute less than the days, which the database counts by its own clock.
          validUntil: new Date(Date.now() + days * 86_400_000 - 60_000).toISOString(),
        }),
      ),
    );
  for (const decision of ['approve', 'deny', 'revoke'] as const)
    standing
      .command(decision)
      .argument('<standing>', 'its number', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of what you have read')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'revoke'
          ? 'ends it at once; also for a run under way'
          : `${decision} one; never one’s own`,
      )
      .action((id: number, { sha256, reason, ...options }: Deciding) =>
        run(async (command) =>
          command.call('retention.decideStanding', {
            ...{ id, sha256, decision, reason },
            ...(await password(command, decision === 'approve' ? 'approve' : 'deny', options)),
          }),
        ),
      );
}

function partitionCommands(retention: Commander, run: Run): void {
  const partition = retention.command('partition').description('partitions of which every row is due');
  partition
    .command('statement')
    .argument('<plan>', 'an approved plan made with --by-partition', wholeNumber)
    .argument('<table>', 'as “show” names it')
    .description('prints what the partition’s owner runs')
    .action((planId: number, table: string) =>
      run((command) => command.call('retention.showPartition', { planId, table })),
    );
  partition
    .command('record')
    .argument('<plan>', 'plan', wholeNumber)
    .argument('<table>', 'as “show” names it')
    .description('records that its owner has run it; refused while the table is there')
    .action((planId: number, table: string) =>
      run((command) => command.call('retention.recordPartition', { planId, table })),
    );
}

function inShort(plan: RetentionPlan): Readonly<Record<string, unknown>> {
  const done = plan.run?.steps.reduce((sum, step) => sum + step.done, 0) ?? null;
  return {
    plan: plan.id,
    state: en.retention.state[plan.state],
    by: plan.madeBy,
    at: plan.madeAt,
    due: plan.lines.reduce((sum, line) => sum + line.planned, 0),
    run: plan.run?.state ?? null,
    done,
    standing: plan.standing,
  };
}

function ruleOf({ kind, collection, rule }: RetentionPlan['lines'][number]): string {
  return kind === 'kept' ? `${collection}, kept by a deletion` : `${collection}.${rule}`;
}

function shown(plan: RetentionPlan): Readonly<Record<string, unknown>> {
  return {
    ...inShort(plan),
    sha256: plan.sha256,
    ...(plan.isOld === null || plan.state === 'done' ? {} : { old: plan.isOld }),
    rules: plan.lines.map((line) => ({
      rule: ruleOf(line),
      what: line.overwrites === null ? 'delete' : `overwrite ${line.overwrites}`,
      due: line.planned,
      held: line.kept,
      referred: line.referred,
      gone: plan.run?.steps.find((step) => step.line === line.line)?.done ?? null,
    })),
    days: plan.lines.flatMap((line) =>
      line.periods.map((each) => ({
        rule: ruleOf(line),
        of: each.period === '' ? null : each.period,
        days: each.days,
        byLaw: each.keptDays > each.days ? each.keptDays : null,
        before: each.cutoff,
        due: each.planned,
        keptByLaw: each.floored,
      })),
    ),
    ...(plan.byPartition
      ? {
          partitions: plan.lines.flatMap((line) =>
            line.partitions.map(({ table, before, rows, recordedAt }) => ({
              table,
              before,
              rows,
              dropped: recordedAt,
            })),
          ),
        }
      : {}),
  };
}
