import type { MaskName } from './map.ts';

/**
 * Masks as SQL expressions, written into the reading functions: a function of
 * their own would be called, with its pinned settings, for every cell. They
 * show enough to tell two people apart and too little to write to either. No
 * regular-expression escapes: string settings of a session can't change what
 * they mean.
 */
const masks = {
  text: (p) => `case when ${p} = '' then '' when ${p} is not null then '•••' end`,
  name: (p) => `${initial(p, 1)} || ${furtherInitial(p, 2)} || ${furtherInitial(p, 3)}`,
  email: (p) =>
    `case when position('@' in ${p}) < 2 then '•••' else left(${p}, 1) || '•••@' || left(split_part(${p}, '@', 2), 1) || '•••' || ` +
    `case when position('.' in split_part(${p}, '@', 2)) > 0 then '.' || split_part(split_part(${p}, '@', 2), '.', -1) else '' end end`,
  phone: (p) =>
    `case when length(${p}) < 7 then '•••' else left(${p}, 3) || ' ••••• ••' || right(${p}, 3) end`,
  address: (p) =>
    `case when position('.' in ${p}) > 0 then left(split_part(${p}, '.', 1), 3) || '.' || left(split_part(${p}, '.', 2), 3) || '.•.•' ` +
    `when position(':' in ${p}) > 0 then left(split_part(${p}, ':', 1), 4) || ':•••' when ${p} is not null then '•••' end`,
  number: (p) => `case when ${p} is not null then '•••' end`,
} as const satisfies Record<MaskName, (expression: string) => string>;

function initial(p: string, word: number): string {
  return `left(split_part(btrim(${p}), ' ', ${word}), 1) || '•••'`;
}

function furtherInitial(p: string, word: number): string {
  return `case when split_part(btrim(${p}), ' ', ${word}) <> '' then ' ' || ${initial(p, word)} else '' end`;
}

/** SQL expression that masks the text expression `expression`; null stays null. */
export function maskOf(mask: MaskName, expression: string): string {
  return `(${masks[mask](expression)})`;
}
