import { runProperty } from './property.ts';

/** What can fail in between, and the test that holds what must be true afterwards; each prints how often it came to what. */
const faults = ['badInput/lostConnections.property', 'erasure/faults.property'] as const;

/** Lets each kind of fault happen at so many moments; true when nothing came out wrong. */
export async function runFaults(points: number, seed: number): Promise<boolean> {
  let right = true;
  for (const file of faults) {
    right = (await runProperty(file, { FAULT_POINTS: String(points), FAULT_SEED: String(seed) })) && right;
  }
  return right;
}
