import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchLocks } from '../../electron/main/locks.ts';

class Power extends EventEmitter {
  idle = 0;
  getSystemIdleTime(): number {
    return this.idle;
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('ten idle minutes lock once', () => {
  // Attack: the operator walks away and the console stays open.
  const power = new Power();
  let locked = 0;
  const stop = watchLocks(power, () => (locked += 1));
  power.idle = 599;
  vi.advanceTimersByTime(60_000);
  expect(locked).toBe(0);
  power.idle = 600;
  vi.advanceTimersByTime(60_000);
  expect(locked).toBe(1);
  power.idle = 0;
  vi.advanceTimersByTime(60_000);
  power.idle = 700;
  vi.advanceTimersByTime(60_000);
  expect(locked).toBe(2);
  stop();
});

test.for(['lock-screen', 'suspend', 'shutdown'])('%s of the operating system locks', (event) => {
  const power = new Power();
  let locked = 0;
  const stop = watchLocks(power, () => (locked += 1));
  power.emit(event);
  expect(locked).toBe(1);
  stop();
  power.emit(event);
  expect(locked).toBe(1);
});
