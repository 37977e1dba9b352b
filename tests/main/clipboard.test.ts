import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { guardClipboard } from '../../electron/main/clipboard.ts';

function systemClipboard(): {
  text: string;
  readText(): Promise<string>;
  writeText(text: string): Promise<void>;
  clear(): void;
} {
  return {
    text: '',
    readText() {
      return Promise.resolve(this.text);
    },
    writeText(text) {
      this.text = text;
      return Promise.resolve();
    },
    clear() {
      this.text = '';
    },
  };
}

test('a copied text leaves the clipboard after its time', async () => {
  // Attack: what was copied at noon is pasted from the unattended machine in the evening.
  const system = systemClipboard();
  await guardClipboard(system, 20).writeText('asha@example.in');
  expect(system.text).toBe('asha@example.in');
  await pause(60);
  expect(system.text).toBe('');
});

test('a later copy starts the time again', async () => {
  const system = systemClipboard();
  const guarded = guardClipboard(system, 400);
  await guarded.writeText('first');
  await pause(250);
  await guarded.writeText('second');
  await pause(250);
  expect(system.text).toBe('second');
  await guarded.clearIfUnchanged();
  expect(system.text).toBe('');
});

test('what somebody else copied stays', async () => {
  const system = systemClipboard();
  const guarded = guardClipboard(system);
  await guarded.writeText('asha@example.in');
  await system.writeText('a shopping list');
  await guarded.clearIfUnchanged();
  expect(system.text).toBe('a shopping list');
});

test('nothing is cleared twice', async () => {
  const system = systemClipboard();
  const guarded = guardClipboard(system);
  await guarded.writeText('asha@example.in');
  await guarded.clearIfUnchanged();
  await system.writeText('asha@example.in');
  await guarded.clearIfUnchanged();
  expect(system.text).toBe('asha@example.in');
});
