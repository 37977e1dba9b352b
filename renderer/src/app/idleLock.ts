import { useEffect, useRef } from 'react';

/** Idle minutes after which the window locks. */
const idleMinutes = 10;

/** Locks when nobody has touched the window for ten minutes. The operating system's own lock is the main side's matter. */
export function useIdleLock(onIdle: () => void): void {
  const current = useRef(onIdle);
  useEffect(() => {
    current.current = onIdle;
  });
  useEffect(() => {
    let last = Date.now();
    function touch(): void {
      last = Date.now();
    }
    const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;
    for (const sign of signs) window.addEventListener(sign, touch, { passive: true });
    // Compared with the clock rather than counted down: a machine that slept has been idle.
    const timer = window.setInterval(() => {
      if (Date.now() - last >= idleMinutes * 60_000) {
        last = Date.now();
        current.current();
      }
    }, 5_000);
    return () => {
      for (const sign of signs) window.removeEventListener(sign, touch);
      window.clearInterval(timer);
    };
  }, []);
}
