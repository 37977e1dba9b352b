/** Does something with each, so many at the same time; answers in their order. The first failure is thrown once what has begun has ended. */
export async function atOnce<Each, Answer>(
  all: readonly Each[],
  places: number,
  work: (each: Each) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  let stopped = false;
  const one = async (): Promise<void> => {
    while (!stopped && next < all.length) {
      const place = next;
      next += 1;
      try {
        answers[place] = await work(all[place] as Each);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(places, all.length) }, one));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return answers;
}
