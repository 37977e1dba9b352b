import { useEffect, useRef } from 'react';

/** Whether keys belong to what has the focus (a field, a dialog) rather than to the page. */
export function keysAreTaken(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="menu"], [role="listbox"]',
    ) !== null
  );
}

/** What a key press is called in a key map: `Ctrl+Enter`, `?`, `j`. */
function nameOf(event: KeyboardEvent): string {
  const modifier = event.ctrlKey || event.metaKey ? 'Ctrl+' : '';
  return modifier + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

export type KeyMap = Readonly<Record<string, (() => void) | undefined>>;

const sequencePause = 1_000;

/**
 * Listens for keys while the component is there. A name is one key (`j`, `?`, `Ctrl+Enter`) or two
 * after each other (`g d`). Single keys rest while a field or a dialog has the focus; `Ctrl+…` and `F…` don't.
 */
export function useKeys(map: KeyMap): void {
  const current = useRef(map);
  useEffect(() => {
    current.current = map;
  });
  useEffect(() => {
    let first: { readonly key: string; readonly at: number } | undefined;
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      const name = nameOf(event);
      const before =
        first !== undefined && Date.now() - first.at < sequencePause ? `${first.key} ${name}` : null;
      first = undefined;
      if (!/^(Ctrl\+|F[0-9])/.test(name) && keysAreTaken(event.target)) return;
      const action = (before === null ? undefined : current.current[before]) ?? current.current[name];
      if (action) {
        event.preventDefault();
        action();
        return;
      }
      if (Object.keys(current.current).some((key) => key.startsWith(`${name} `))) {
        first = { key: name, at: Date.now() };
      }
    }
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
    };
  }, []);
}
