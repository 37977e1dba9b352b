/** What a corrected value is checked for before it goes anywhere; `typed` leaves it to the column's own type. */
export const correctionFormats = ['email', 'phone', 'name', 'language', 'text', 'typed'] as const;
export type CorrectionFormat = (typeof correctionFormats)[number];

/** What no value may hold: control characters, and what turns the direction of a text. */
const unseen = String.raw`\u007f\u2028-\u202e\u2066-\u2069`;
const control = String.raw`\u0001-\u001f${unseen}`;
/** What neither side of an e-mail address may hold outside its dots. */
const apart = String.raw`\u0001-\u0020\u00a0${unseen}@<>()\[\],;:"\\.`;
const label = String.raw`[^${apart}-](?:[^${apart}]{0,61}[^${apart}-])?`;
const lines = String.raw`^[^\u0001-\u0008\u000b\u000c\u000e-\u001f${unseen}]*$`;

/**
 * Each format as a regular expression that JavaScript (with the flag `u`) and PostgreSQL read alike, and its longest
 * value in characters. Only the form is told: no number is called, no address written to.
 */
export const formatRules = {
  email: {
    pattern: String.raw`^(?=.{1,64}@)[^${apart}]+(?:\.[^${apart}]+)*@(?:${label}\.)+(?![0-9]+$)[^${apart}-][^${apart}]{0,61}[^${apart}-]$`,
    most: 254,
  },
  /** E.164 with its plus sign. */
  phone: { pattern: '^[+][1-9][0-9]{6,14}$', most: 16 },
  name: {
    pattern: String.raw`^[^${control}\u0020\u00a0](?:[^${control}]*[^${control}\u0020\u00a0])?$`,
    most: 200,
  },
  /** A language tag, e.g. `en-IN`. */
  language: { pattern: '^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$', most: 35 },
  text: { pattern: lines, most: 10_000 },
  typed: { pattern: lines, most: 10_000 },
} as const satisfies Readonly<Record<CorrectionFormat, { readonly pattern: string; readonly most: number }>>;

/** Whether a value has the form that is asked of it; the database asks the same. */
export function fitsFormat(format: CorrectionFormat, value: string): boolean {
  const { pattern, most } = formatRules[format];
  return (
    value.isWellFormed() &&
    !value.includes('\0') &&
    [...value].length <= most &&
    new RegExp(pattern, 'u').test(value)
  );
}

/** What a try of a value in its row came to, in a transaction that changed nothing. */
export const correctionVerdicts = ['fits', 'same', 'taken', 'forbidden', 'unfit', 'held'] as const;
export type CorrectionVerdict = (typeof correctionVerdicts)[number];

/** Where else a value stands: `copy` is written too; `lost` rows are no longer found by it, `gained` ones newly are. */
export const correctionRoles = ['copy', 'elsewhere', 'lost', 'gained'] as const;
export type CorrectionRole = (typeof correctionRoles)[number];

export const correctionStates = [
  'proposed',
  'waiting',
  'ready',
  'denied',
  'done',
  'undone',
  'expired',
  'void',
] as const;
export type CorrectionState = (typeof correctionStates)[number];
