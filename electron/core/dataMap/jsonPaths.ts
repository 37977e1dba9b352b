import type { MapColumn, MaskName } from './map.ts';

/** One step of a path inside a document: the name of a key, or any key or element. */
export type JsonStep = { readonly key: string } | 'any';

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

/** How many steps a path may have. */
const longest = 16;

/**
 * Steps of a path as a map spells it: keys joined by dots, e.g.
 * `contact.email`; `*` is any key or element; a key that is empty, `*` itself
 * or holds a dot or a double quote stands in double quotes, those in it doubled.
 * Null when it is spelt otherwise, or no document can hold such a key.
 */
export function jsonSteps(text: string): readonly JsonStep[] | null {
  const steps: JsonStep[] = [];
  const part = /("(?:[^"]|"")*"|[^."]+)(\.|$)/suy;
  let ended = false;
  while (!ended) {
    const found = part.exec(text);
    if (found === null) return null;
    const [, spelt = '', after = ''] = found;
    if (spelt === '*') steps.push('any');
    else steps.push({ key: spelt.startsWith('"') ? spelt.slice(1, -1).replaceAll('""', '"') : spelt });
    ended = after === '';
  }
  const keys = steps.flatMap((step) => (step === 'any' ? [] : [step.key]));
  if (keys.some((key) => !key.isWellFormed() || key.includes('\0'))) return null;
  return steps.length <= longest && jsonPath(steps) === text ? steps : null;
}

/** The one spelling of a path. */
export function jsonPath(steps: readonly JsonStep[]): string {
  return steps
    .map((step) => {
      if (step === 'any') return '*';
      return step.key === '' || step.key === '*' || /[."]/.test(step.key)
        ? `"${step.key.replaceAll('"', '""')}"`
        : step.key;
    })
    .join('.');
}

/** Why two paths can't stand side by side; null when they can. */
export function pathsClash(one: string, other: string): string | null {
  const [first, second] = [jsonSteps(one) ?? [], jsonSteps(other) ?? []];
  for (let place = 0; ; place += 1) {
    const [left, right] = [first[place], second[place]];
    if (left === undefined || right === undefined)
      return 'one is the beginning of the other; name the inner values alone, or the outer one alone';
    if (left === 'any' || right === 'any') {
      if (left === right) continue;
      return 'one says “*” where the other names a key, so a value would have two answers; name each key, or say “*” in both';
    }
    if (left.key !== right.key) return null;
  }
}

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
