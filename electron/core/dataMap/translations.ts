import { titleOf } from './compile.ts';
import { categoriesOf } from './explain/words.ts';
import type { DataMap } from './map.ts';
import { printable } from './mapText.ts';

/** What a person reads of the map in their package, as the map says it; a name or an address needs no translation. */
export function textsOf(map: DataMap): ReadonlySet<string> {
  const texts: (string | undefined | null)[] = [map.record?.transfers];
  for (const { title, controller, value } of Object.values(map.subjects))
    texts.push(title, controller, value?.title);
  for (const held of Object.values(map.collections)) {
    texts.push(held.title, held.purpose, held.retention, ...(held.recipients ?? []));
    for (const does of Object.values(held.erasure)) if (does.action === 'keep') texts.push(does.ground);
    for (const [name, column] of Object.entries(held.columns)) {
      if (column.never) continue;
      texts.push(column.title ?? titleOf(name), ...categoriesOf(column));
    }
  }
  return new Set(texts.filter((each) => each !== undefined && each !== null));
}

/** What the map's texts are in a language, by the text as it is shown; empty where it says nothing in it. */
export function translationsInto(map: DataMap, language: string): ReadonlyMap<string, string> {
  const translated = map.translations ?? {};
  if (!Object.hasOwn(translated, language)) return new Map();
  return new Map(
    Object.entries(translated[language] ?? {}).map(([text, says]) => [printable(text), printable(says)]),
  );
}
