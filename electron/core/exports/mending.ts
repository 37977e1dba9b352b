/** Resolves when what failed can be begun anew; rejects with what ends the work where it can't. */
export type Mend = (error: unknown, signal: AbortSignal) => Promise<void>;

/** Begins anew as often as what stopped it can be mended. */
export async function mended<Value>(
  work: () => Promise<Value>,
  mend: Mend | undefined,
  signal: AbortSignal,
): Promise<Value> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (mend === undefined || signal.aborted) throw error;
      await mend(error, signal);
    }
  }
}
