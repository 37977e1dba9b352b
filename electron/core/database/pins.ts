/**
 * Settings that every definer function of ours pins, because a caller could
 * otherwise use them to leak (debug output, string escapes, row security that
 * hides silently) or to change what a value's text looks like.
 */
export const pins = [
  'set search_path = pg_catalog, pg_temp',
  'set client_min_messages = warning',
  'set debug_print_parse = off',
  'set debug_print_rewritten = off',
  'set debug_print_plan = off',
  'set plan_cache_mode = force_generic_plan',
  'set standard_conforming_strings = on',
  'set transform_null_equals = off',
  'set row_security = off',
  'set jit = off',
  "set timezone = 'UTC'",
  "set datestyle = 'ISO, YMD'",
  "set intervalstyle = 'iso_8601'",
  'set bytea_output = hex',
  'set extra_float_digits = 1',
].join(' ');

/** Further pins of functions that page or search: without them the planner sorts or scans whole tables. */
export const planPins = [
  'set enable_seqscan = off',
  'set enable_hashjoin = off',
  'set enable_mergejoin = off',
].join(' ');

/** The start of each definer function's body: no raw variable in an error's detail, columns win over variables. */
export const bodyPins = '#print_strict_params off\n#variable_conflict use_column';

/**
 * The same over the platform's tables, whose columns are always written with
 * their alias: a bare name is ours there, even if the platform has a column
 * called `v_key`, which would otherwise make every row everybody's.
 */
const platformBodyPins = '#print_strict_params off\n#variable_conflict use_variable';

/** Text as a dollar-quoted string whose mark isn't in it: names of the platform's may hold anything, a mark too. */
export function dollarQuoted(text: string): string {
  let mark = '$function$';
  while (text.includes(mark)) mark = `${mark.slice(0, -1)}_$`;
  return `${mark}${text}${mark}`;
}

/** SQL for a function of ours that runs with its owner's rights. */
export function definer(
  signature: string,
  returns: string,
  body: string,
  options: {
    readonly declare?: string;
    readonly pins?: string;
    /** Whether it names the platform's columns. */
    readonly overPlatform?: boolean;
  } = {},
): string {
  return (
    `create function privacy_console.${signature} returns ${returns}\n` +
    `language plpgsql volatile security definer ${pins}${options.pins ? ` ${options.pins}` : ''}\n` +
    `as ${dollarQuoted(`\n${options.overPlatform === true ? platformBodyPins : bodyPins}\n${options.declare ? `declare\n${options.declare}\n` : ''}begin\n${body}\nend\n`)};\n`
  );
}

/**
 * SQL for a step of our own functions: runs with the rights and the settings of
 * the one that calls it. Nobody is granted it; called directly it could do no
 * more than its caller.
 */
export function step(
  signature: string,
  returns: string,
  body: string,
  options: { readonly declare?: string } = {},
): string {
  return (
    `create function privacy_console.${signature} returns ${returns}\n` +
    `language plpgsql volatile security invoker\n` +
    `as ${dollarQuoted(`\n${bodyPins}\n${options.declare ? `declare\n${options.declare}\n` : ''}begin\n${body}\nend\n`)};\n`
  );
}
