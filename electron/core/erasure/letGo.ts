import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds until what holds a deletion up is asked again. */
const heldMs = 2_000;

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
