/** One step of a path inside a document: the name of a key, or any key or element. */
export type JsonStep = { readonly key: string } | 'any';

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
