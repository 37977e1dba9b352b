import { parseDocument } from 'yaml';
import { parseMap } from '#core/dataMap/map.ts';

/**
 * Answers everything a draft left open, the way a newcomer might: masks what has no place, rules tables out, names the law.
 * @param elsewhere beginnings of keys in the bucket that are another platform's
 */
export function answered(text: string, elsewhere: readonly string[] = []): string {
  const document = parseDocument(text);
  const map = parseMap(text);
  for (const { table, column, about } of map.undecided ?? []) {
    const found = Object.entries(map.collections).find(([, held]) => held.table === table)?.[0];
    if (about === 'ground') document.setIn(['collections', found, 'erasure', 'ground'], 'Tax act, s. 1');
    else if (about !== undefined && found !== undefined) continue;
    else if (column === undefined) document.setIn(['ignored', table], 'nothing of a person');
    else
      document.setIn(['collections', found, 'columns', column], {
        category: 'user.content.private',
        mask: 'text',
      });
  }
  for (const begins of elsewhere) document.setIn(['ignored', begins], 'of another platform');
  document.set('undecided', []);
  return document.toString();
}
