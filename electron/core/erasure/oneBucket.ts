import type { Desk } from '#core/connections/index.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';

/**
 * Works at a desk that opens the bucket once for each use, however often it is asked for: an opening reads the keychain
 * and makes its connections anew, which for one small person takes longer than what is asked then.
 */
export async function withOneBucket<Result>(at: Desk, work: (at: Desk) => Promise<Result>): Promise<Result> {
  const opened = new Map<Parameters<Desk['openBucket']>[0], Promise<ObjectStore>>();
  try {
    return await work({
      ...at,
      async openBucket(use) {
        const store = opened.get(use) ?? at.openBucket(use);
        opened.set(use, store);
        return { ...(await store), close: () => undefined };
      },
    });
  } finally {
    for (const store of await Promise.allSettled(opened.values()))
      if (store.status === 'fulfilled') store.value.close();
  }
}
