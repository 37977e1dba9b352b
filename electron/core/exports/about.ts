import { z } from 'zod';
import type { PackageAbout } from '#shared/contract/exports.ts';

/** Longest text shown of what a package says of itself, in characters, and most parts of a list. */
const longest = 500;
const most = 10_000;

/** A text of a package nobody vouches for, without what could steer a terminal or turn the direction of writing. */
const text = z.string().transform((value) =>
  value
    .slice(0, longest)
    .replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, ' ')
    .trim(),
);
const perhaps = text.nullable().catch(null);
const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(z.unknown())
    .catch([])
    .transform((items) =>
      items.slice(0, most).flatMap((each) => {
        const read = item.safeParse(each);
        return read.success ? [read.data] : [];
      }),
    );

/** What the package shows of `data/processing.json`; of what isn't as it should be nothing. */
const processingShape = z.object({
  finished: perhaps,
  profile: perhaps,
  thirdParties: z
    .object({ shown: z.boolean(), because: perhaps.optional() })
    .nullable()
    .catch(null)
    .default(null),
  range: z.object({ since: perhaps, until: perhaps }).nullable().catch(null).default(null),
  leftOut: listOf(z.object({ collection: perhaps, column: perhaps, because: text })).default([]),
  collections: listOf(z.object({ name: text, rows: z.number().int().nonnegative() })).default([]),
});

/** What a package says of itself, harmless to show; believed no further than its check. */
export function aboutPackage(
  info: ReadonlyMap<string, string>,
  processing: string | undefined,
): PackageAbout {
  const told = processingShape.safeParse(fieldsOf(parsed(processing ?? '')) ?? {});
  const { finished, thirdParties, ...rest } = told.success
    ? told.data
    : processingShape.parse({ finished: null, profile: null });
  const named = (label: string): string | null => perhaps.parse(info.get(label) ?? null);
  return {
    packageId: named('External-Identifier'),
    requestNumber: named('Request-Number'),
    subjectReference: named('Subject-Reference'),
    subjectKind: named('Subject-Kind'),
    controller: named('Controller'),
    program: named('Bag-Software-Agent'),
    made: finished ?? named('Bagging-Date'),
    ...rest,
    showsOthers: thirdParties?.shown ?? null,
    showsOthersBecause: thirdParties?.because ?? null,
    keptBack: countOf(info.get('Redaction-Count')),
    objects: { inIt: countOf(info.get('File-Count')), missing: countOf(info.get('Files-Missing')) },
  };
}

function countOf(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** The labels of `bag-info.txt` and what they say. */
export function bagInfo(content: string): ReadonlyMap<string, string> {
  return new Map(
    linesOf(content).flatMap((line): (readonly [string, string])[] => {
      const match = /^([A-Za-z-]{1,40}): (.*)$/.exec(line);
      return match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]];
    }),
  );
}

/** Lines of a text, without empty ones. */
export function linesOf(content: string): readonly string[] {
  return content.split('\n').filter((line) => line !== '');
}

/** What a text is as JSON; null also when it is none. */
export function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}

/** The fields of an object or list; null for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}

/** A name from a package nobody vouches for, in printable ASCII. */
export function shown(name: string): string {
  return name.slice(0, 300).replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
