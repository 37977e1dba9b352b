import { migrations } from '../../database/migrations/index.ts';

/** Names of our own tables and views, beside which a collection's thin view must fit. */
const ours = new Set(
  migrations.flatMap(({ parts }) =>
    parts.flatMap(({ sql }) =>
      [...sql.matchAll(/create (?:table|view|sequence|type|index) privacy_console\.([a-z_]+)/g)].map(
        (match) => match[1] ?? '',
      ),
    ),
  ),
);

const longest = 41;

/** A name for each table's collection: small letters, digits and `_`, each once, none of ours. */
export function collectionNames(tables: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>([...ours, 'constructor']);
  const names = new Map<string, string>();
  const bare = new Map<string, number>();
  const plainOf = (name: string): string => plain(name.slice(name.indexOf('.') + 1));
  for (const each of tables) bare.set(plainOf(each), (bare.get(plainOf(each)) ?? 0) + 1);
  for (const each of tables) {
    const alone = plainOf(each);
    const wanted = (bare.get(alone) ?? 0) > 1 || taken.has(alone) ? plain(each.replace('.', '_')) : alone;
    let name = wanted;
    for (let place = 2; taken.has(name); place++) {
      const ending = `_${place}`;
      name = `${wanted.slice(0, longest - ending.length)}${ending}`;
    }
    taken.add(name);
    names.set(each, name);
  }
  return names;
}

/** Words are kept apart by `_`; what isn't a Latin letter or a digit is left out. */
function plain(name: string): string {
  const snake = /^[a-z][a-z0-9_]*$/.test(name)
    ? name
    : name
        .normalize('NFKD')
        .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1_$2')
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '_')
        .replaceAll(/^_+|_+$/g, '');
  const text = /^[a-z]/.test(snake) ? snake : `t_${snake}`;
  return text.slice(0, longest).replace(/_+$/, '') || 't';
}
