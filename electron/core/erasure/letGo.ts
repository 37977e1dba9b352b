import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds until what holds a deletion up is asked again. */
const heldMs = 2_000;

/** How rows are deleted. */
export interface Pace {
  /** Rows a batch deletes; its locks last as long. */
  readonly rows: number;
  /** How long it rests after each batch, in times of what the batch took. */
  readonly rest: number;
}

/** One batch at that pace: asked for again while deletions are held up, with the rest that follows what it took. */
export async function atPace<Answer extends { readonly rows: number; readonly held?: string | undefined }>(
  pace: Pace,
  held: (why: string) => void,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let took = 0;
  const batch = await untilLetGo(held, signal, async () => {
    const since = performance.now();
    const answer = await ask();
    took = performance.now() - since;
    return answer;
  });
  if (pace.rest > 0 && batch.rows > 0)
    await wait(took * pace.rest, undefined, { signal }).catch(() => undefined);
  return batch;
}

/** Asks again, with what it waits for told, until deletions are not held up any more. */
export async function untilLetGo<Answer extends { readonly held?: string | undefined }>(
  held: (why: string) => void,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer.held === undefined) return answer;
    held(answer.held);
    await wait(heldMs, undefined, { signal }).catch(() => undefined);
  }
}
