/**
 * A draft of a platform of any shape, answered as a newcomer might, is a map
 * the database can be compiled for, and leaves out no table whose rows foreign
 * keys lead from to the people. The same platforms each time; others:
 * MAP_SEED; more: MAP_CASES; one, as a failure names it: MAP_RECIPE.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkAgainstCatalogue, readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { draftText } from '#core/dataMap/draft/document.ts';
import { draftMap } from '#core/dataMap/draft/draftMap.ts';
import { parseMap, type DataMap } from '#core/dataMap/map.ts';
import { quoteIdentifier, tableName } from '#core/dataMap/quote.ts';
import { openForeignDatabase, type ForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { answered } from './answered.ts';
import { caseOf, platformSql, recipes, type Case, type Recipe } from './anySchema.ts';

const cases = Number(process.env['MAP_CASES'] ?? 40);
const seed = Number(process.env['MAP_SEED'] ?? 20261128);
const one = process.env['MAP_RECIPE'];

/** Tables of which foreign keys lead to the people, over tables whose rows can be told apart. */
function leading({ tables }: Case): readonly string[] {
  const found = new Set([0]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [at, { told, links }] of tables.entries())
      if (told && links.some((link) => link.declared !== null && found.has(link.target))) found.add(at);
  }
  return tables.flatMap((table, at) => (found.has(at) ? [tableName(table.schema, table.name)] : []));
}

async function drafted(database: ForeignDatabase, made: Case): Promise<DataMap> {
  const [people] = made.tables;
  const subject = people === undefined ? null : tableName(people.schema, people.name);
  await database.superuser(({ query }) => query(platformSql(made)));
  try {
    return await database.asking(async (ask) => {
      const { signal } = new AbortController();
      const map = parseMap(answered(draftText(await draftMap(ask, { subject, count: null, signal }))));
      const catalogue = await readCatalogue(ask, map);
      checkAgainstCatalogue(map, catalogue);
      compileMap(map, catalogue);
      return map;
    });
  } finally {
    for (const schema of made.schemas)
      await database.superuser(({ query }) => query(`drop schema ${quoteIdentifier(schema)} cascade`));
  }
}

/** Cases that once came out wrong, each with what was wrong. */
const known: readonly (readonly [string, Recipe])[] = [
  [
    'a column named like whose row it is, whose values tell nothing',
    { seed: 240255710, tables: [1090433254, 41190823] },
  ],
  [
    'two tables that refer to each other, only one of them to people',
    { seed: 2147483644, tables: [1961479837, 1155754272, 428237861] },
  ],
];

test(
  `drafts of ${one === undefined ? cases : 'one'} of the platforms of any shape can be answered and compiled, and leave nothing out`,
  { timeout: Math.max(300_000, cases * 3_000) },
  async () => {
    await using database = await openForeignDatabase('');
    await database.superuser(({ query }) => query('create extension citext'));
    let number = 0;
    let composite = 0;
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const made = caseOf(recipe, (number += 1));
        const { collections } = await drafted(database, made);
        const held = Object.values(collections);
        expect(held.map((each) => each.table)).toEqual(expect.arrayContaining([...leading(made)]));
        composite += held.flatMap((each) => each.subject).filter((path) => path.columns.length > 1).length;
      }),
      {
        numRuns: one === undefined ? cases : 1,
        seed,
        endOnFailure: true,
        examples: one === undefined ? known.map(([, recipe]) => [recipe]) : [[JSON.parse(one) as Recipe]],
      },
    );
    // Otherwise the cases would tell little of keys of several columns.
    if (one === undefined) expect(composite).toBeGreaterThan(cases / 2);
  },
);
