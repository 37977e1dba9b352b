/** Numbers from 0 up to 1, the same for the same seed. */
export function lots(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
