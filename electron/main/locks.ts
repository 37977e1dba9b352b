/** After how much idleness the console locks, in seconds. */
export const idleLimit = 600;
const pollEvery = 5_000;

interface PowerSource {
  getSystemIdleTime(): number;
  on(event: 'lock-screen' | 'suspend' | 'shutdown', listener: () => void): unknown;
  off(event: 'lock-screen' | 'suspend' | 'shutdown', listener: () => void): unknown;
}

/**
 * Locks after ten idle minutes, when the operating system locks its screen, and when it goes to sleep.
 * Linux tells of no locked screen, so there idleness and sleep alone lock.
 *
 * @returns a function that stops watching
 */
export function watchLocks(power: PowerSource, lock: () => void): () => void {
  let wasIdle = false;
  const timer = setInterval(() => {
    const isIdle = power.getSystemIdleTime() >= idleLimit;
    if (isIdle && !wasIdle) lock();
    wasIdle = isIdle;
  }, pollEvery);
  timer.unref();
  power.on('lock-screen', lock);
  power.on('suspend', lock);
  power.on('shutdown', lock);
  return () => {
    clearInterval(timer);
    power.off('lock-screen', lock);
    power.off('suspend', lock);
    power.off('shutdown', lock);
  };
}
