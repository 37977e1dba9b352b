/** Runs one approved deletion as told on the input, and tells how long it took and this process's own peak memory. */
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { expectDone, plainConsole } from '#demo/staff.ts';
import type { MeasuredErasure } from './erase.ts';

const wanted = z
  .object({
    places: z.object({ profileFolder: z.string(), demoFolder: z.string() }),
    planId: z.number(),
    pace: z.enum(['fast', 'gentle']),
    /** Milliseconds after which it is stopped; null to let it end. */
    stopAfter: z.number().nullable(),
  })
  .parse(JSON.parse(await text(process.stdin)));

const console_ = plainConsole(wanted.places);
await expectDone(console_, 'session.signIn', { profile: 'demo:operator' });
await expectDone(console_, 'erasure.show', { planId: wanted.planId });
globalThis.gc?.();
const idle = process.memoryUsage.rss();
let peak = idle;
const watching = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const start = performance.now();
const { jobId } = await expectDone(console_, 'erasure.run', { planId: wanted.planId, pace: wanted.pace });
if (wanted.stopAfter !== null) {
  await wait(wanted.stopAfter);
  await expectDone(console_, 'jobs.cancel', { id: jobId });
}
const { job } = await expectDone(console_, 'jobs.wait', { id: jobId });
const took = performance.now() - start;
clearInterval(watching);
const { left, objectsLeft, finds } = job.result ?? {};
// That somebody else's text names the person is for people to judge, and no more to be deleted.
const complete =
  job.result?.['complete'] === true ||
  (left === 0 && objectsLeft === 0 && typeof finds === 'number' && finds > 0);
if (wanted.stopAfter === null && !complete)
  throw new Error(`The deletion did not end: ${job.failure?.message ?? JSON.stringify(job.result)}`);
const answer: MeasuredErasure = { took, complete, overIdleMiB: (peak - idle) / 2 ** 20 };
console.log(JSON.stringify(answer));
process.exit();
