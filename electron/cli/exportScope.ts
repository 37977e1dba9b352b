import { Option, type Command as Commander } from 'commander';
import type { InputOf } from '#shared/contract/index.ts';
import { exportProfiles, type ExportProfile } from '#shared/domain/exportProfiles.ts';
import { UsageError } from './command.ts';

/** What an export, or its review, is to hold. */
export interface ScopeOptions {
  readonly as?: ExportProfile;
  readonly without?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly showOthers: boolean;
  readonly reason?: string;
}

export function withScope(command: Commander): Commander {
  return command
    .addOption(
      new Option(
        '--as <profile>',
        'access: a copy of all, others’ data masked; portability: nothing derived, nothing of others; case: all, with the person’s entries of the trail; custom: see --without; by the kind of the request when it isn’t said',
      ).choices(exportProfiles),
    )
    .option('--without <name...>', 'of a custom package: a collection, or collection.column, that stays out')
    .option('--since <time>', 'of a custom package: rows from then on, by the first time they are ordered by')
    .option('--until <time>', 'of a custom package: rows before then')
    .option('--show-others', 'leaves what is about other people as it is; needs --reason', false)
    .option('--reason <text>', 'why a custom package, or why others are shown');
}

export function scopeFrom(
  options: ScopeOptions,
): Pick<InputOf<'exports.start'>, 'profile' | 'choice' | 'showOthers' | 'reason'> {
  return {
    showOthers: options.showOthers,
    ...(options.as === undefined ? {} : { profile: options.as }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...choiceOf(options),
  };
}

/** What is chosen of a custom package; nothing when no option chooses. */
function choiceOf({ without, since, until }: ScopeOptions): Pick<InputOf<'exports.start'>, 'choice'> {
  if (without === undefined && since === undefined && until === undefined) return {};
  const time = (text: string | undefined, option: string): string | undefined => {
    if (text === undefined) return undefined;
    const instant = new Date(text);
    if (Number.isNaN(instant.getTime()))
      throw new UsageError(`${option} is no time; write it like 2026-01-31 or 2026-01-31T12:00:00+05:30.`);
    return instant.toISOString();
  };
  const [from, to] = [time(since, '--since'), time(until, '--until')];
  return {
    choice: {
      without: (without ?? []).filter((name) => !name.includes('.')),
      withoutColumns: (without ?? []).filter((name) => name.includes('.')),
      ...(from === undefined ? {} : { since: from }),
      ...(to === undefined ? {} : { until: to }),
    },
  };
}
