/** One side of a comparison: does its work once. */
export type Side = (round: number) => Promise<unknown>;

/** Milliseconds a call takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Measures the sides in turns, so that what else the machine does falls on
 * each of them; the first `warmUp` rounds don't count. Every round has its own
 * number, by which a side picks what it works on. What `before` does isn't measured.
 */
export async function inTurns<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  rounds: number,
  warmUp: number,
  before: (round: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < warmUp + rounds; round += 1) {
    // Who goes first finds colder caches; it is another one each time.
    const order = names.map((_, place) => names[(place + round) % names.length] as Name);
    await before(round);
    for (const name of order) {
      const took = await timed(() => sides[name](round));
      if (round >= warmUp) samples[name].push(took);
    }
  }
  return samples;
}
