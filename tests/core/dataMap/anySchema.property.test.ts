/**
 * On platforms of any shape, what is exported of a person is what a walk of the
 * rows in memory finds, and a deletion takes exactly that: every other row
 * stays byte for byte, no constraint breaks, and what can't be done within the
 * plan is refused. Another seed: MAP_SEED; more cases: MAP_CASES; one case, as
 * a failure names it, with its tables and map: MAP_RECIPE; a smaller
 * one that fails too: MAP_SHRINK=1.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { caseOf, mapOf, platformSql, recipes, type Recipe } from './anySchema.ts';
import { runCase, type Outcome, type Sessions } from './anySchemaRun.ts';

const cases = Number(process.env['MAP_CASES'] ?? 300);
const seed = Number(process.env['MAP_SEED'] ?? randomInt(2 ** 31));

let desk: TestDesk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(async () => desk[Symbol.asyncDispose]());

async function openSessions(): Promise<Sessions> {
  const superuser = await desk.bareSuperuser();
  return { superuser, operator: await desk.bare('operator'), approver: await desk.bare('approver') };
}

async function closeSessions({ superuser, operator, approver }: Sessions): Promise<void> {
  for (const session of [superuser, operator, approver]) await session.end();
}

/** Cases a session sees: it goes through all plans it ever made at each change of the catalogue. */
const casesOfSession = 5;

const one = process.env['MAP_RECIPE'];

test(
  `${one === undefined ? cases : 'one'} of the platforms of any shape are exported and erased as the walk in memory says`,
  { timeout: 1_800_000 },
  async () => {
    let sessions = await openSessions();
    if (one !== undefined) {
      const recipe = JSON.parse(one) as Recipe;
      const made = caseOf(recipe, 0);
      console.log(platformSql(made), JSON.stringify(mapOf(made), null, 1));
      console.log(await runCase(sessions, recipe, 0));
      return;
    }
    const outcomes = new Map<Outcome, number>();
    let number = 0;
    console.log(`MAP_SEED=${seed}`);
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        number += 1;
        if (number % casesOfSession === 0) {
          await closeSessions(sessions);
          sessions = await openSessions();
        }
        const outcome = await runCase(sessions, recipe, number);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      // A smaller case takes minutes to find; asked for, it is worth them.
      { numRuns: cases, seed, endOnFailure: process.env['MAP_SHRINK'] === undefined },
    );
    console.log([...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', '));
    // Otherwise the cases would tell little of what a deletion does.
    expect(outcomes.get('erased') ?? 0).toBeGreaterThan(cases / 2);
  },
);
