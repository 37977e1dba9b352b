import { jsonSteps, type JsonStep } from './jsonPaths.ts';
import type { MapColumn, MaskName } from './map.ts';

/** What may be said of the value at the end of a path. */
export type JsonEnd =
  | { readonly kind: 'never' }
  | { readonly kind: 'shown' }
  | { readonly kind: 'masked'; readonly mask: MaskName }
  | { readonly kind: 'set'; readonly value: string | null };

/**
 * Paths into a document as a tree. Lists are walked through without a step of
 * their own, so that one value or several of it are covered alike.
 */
export type JsonRule =
  | JsonEnd
  | { readonly kind: 'keys'; readonly keys: ReadonlyMap<string, JsonRule> }
  | { readonly kind: 'any'; readonly rule: JsonRule };

/** What is shown in place of a value that isn't. */
export const withheld = '•••';

/** The tree of checked paths; undefined when there is none. */
export function ruleOf(ends: readonly (readonly [string, JsonEnd])[]): JsonRule | undefined {
  const grown = (branches: readonly (readonly [readonly JsonStep[], JsonEnd])[]): JsonRule | undefined => {
    const [first] = branches;
    if (first === undefined) return undefined;
    const [step] = first[0];
    if (step === undefined) return first[1];
    const further = (of: typeof branches): JsonRule | undefined =>
      grown(of.map(([steps, end]) => [steps.slice(1), end] as const));
    if (step === 'any') {
      const rule = further(branches);
      return rule === undefined ? undefined : { kind: 'any', rule };
    }
    const byKey = new Map<string, (readonly [readonly JsonStep[], JsonEnd])[]>();
    for (const branch of branches) {
      const [at] = branch[0];
      if (at === undefined || at === 'any') throw new Error('unchecked map: paths that clash');
      byKey.set(at.key, [...(byKey.get(at.key) ?? []), branch]);
    }
    const keys = new Map<string, JsonRule>();
    for (const [key, of] of byKey) {
      const rule = further(of);
      if (rule !== undefined) keys.set(key, rule);
    }
    return { kind: 'keys', keys };
  };
  return grown(
    ends.map(([path, end]) => {
      const steps = jsonSteps(path);
      if (steps === null) throw new Error('unchecked map: a path inside a document');
      return [steps, end] as const;
    }),
  );
}

/** What is shown of a document, by the column's paths. */
export function shownRule(mapped: MapColumn): JsonRule | undefined {
  return ruleOf(
    Object.entries(mapped.paths ?? {}).map(([path, inner]) => [
      path,
      inner.never
        ? { kind: 'never' }
        : inner.mask === undefined
          ? { kind: 'shown' }
          : { kind: 'masked', mask: inner.mask },
    ]),
  );
}

/** What is left out of a document wherever its exact values go; undefined when nothing is. */
export function neverRule(mapped: MapColumn): JsonRule | undefined {
  return ruleOf(
    Object.entries(mapped.paths ?? {})
      .filter(([, inner]) => inner.never)
      .map(([path]) => [path, { kind: 'never' }]),
  );
}

/** The tree as JSON text; written by hand, since an object of JavaScript can't hold every key. */
export function ruleText(rule: JsonRule): string {
  switch (rule.kind) {
    case 'never':
      return '{"never":true}';
    case 'shown':
      return '{"shown":true}';
    case 'masked':
      return `{"mask":${JSON.stringify(rule.mask)}}`;
    case 'set':
      return `{"set":${JSON.stringify(rule.value)}}`;
    case 'any':
      return `{"any":${ruleText(rule.rule)}}`;
    case 'keys':
      return `{"keys":{${[...rule.keys].map(([key, of]) => `${JSON.stringify(key)}:${ruleText(of)}`).join(',')}}}`;
  }
}
