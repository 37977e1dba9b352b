import { describe, expect, test } from 'vitest';
import type { Result } from '#shared/contract/result.ts';
import { longestInput, serveIpc, type IpcEvent } from '../../electron/main/serveIpc.ts';

const own = { id: 7 };
const mainFrame = { origin: 'app://console', parent: null, detached: false };

function serve(windowContents: () => number | undefined = () => own.id): {
  call(event: IpcEvent, ...sent: unknown[]): Promise<unknown>;
  dispatched: [string, unknown][];
} {
  const dispatched: [string, unknown][] = [];
  let listener: (event: IpcEvent, ...sent: unknown[]) => Promise<unknown> = () =>
    Promise.reject(new Error('unserved'));
  const dispatch = (name: string, input: unknown): Promise<Result<unknown>> => {
    dispatched.push([name, input]);
    return Promise.resolve({ ok: true, value: 'answer' });
  };
  serveIpc({ handle: (_channel, given) => (listener = given) }, dispatch, windowContents);
  return { call: (event, ...sent) => listener(event, ...sent), dispatched };
}

describe('who may call', () => {
  test('the main frame of the window', async () => {
    const { call, dispatched } = serve();
    expect(await call({ sender: own, senderFrame: mainFrame }, 'audit.list', '{"page":1}')).toEqual({
      ok: true,
      value: 'answer',
    });
    expect(dispatched).toEqual([['audit.list', { page: 1 }]]);
  });

  // Attack: a message comes from a frame, another window, another origin, or a frame that has gone.
  test.for<[string, IpcEvent]>([
    ['no frame', { sender: own, senderFrame: null }],
    ['a detached frame', { sender: own, senderFrame: { ...mainFrame, detached: true } }],
    ['a frame in the page', { sender: own, senderFrame: { ...mainFrame, parent: mainFrame } }],
    ['another window', { sender: { id: 8 }, senderFrame: mainFrame }],
    ['a page without origin', { sender: own, senderFrame: { ...mainFrame, origin: 'null' } }],
    ['a file', { sender: own, senderFrame: { ...mainFrame, origin: 'file://' } }],
    ['a longer host', { sender: own, senderFrame: { ...mainFrame, origin: 'app://console.evil.example' } }],
    ['another scheme', { sender: own, senderFrame: { ...mainFrame, origin: 'https://console' } }],
    ['another case', { sender: own, senderFrame: { ...mainFrame, origin: 'APP://console' } }],
  ])('not %s', async ([, event]) => {
    const { call, dispatched } = serve();
    await expect(call(event, 'audit.list', '{}')).rejects.toThrow('may not call');
    expect(dispatched).toEqual([]);
  });

  test('nobody while there is no window', async () => {
    const { call } = serve(() => undefined);
    await expect(call({ sender: own, senderFrame: mainFrame }, 'audit.list', '{}')).rejects.toThrow(
      'may not call',
    );
  });

  test('the frame is read before anything is awaited', async () => {
    // Attack: the frame navigates away while the call waits; Electron's senderFrame is null from then on.
    const { call } = serve();
    let reads = 0;
    const event = {
      sender: own,
      get senderFrame() {
        reads += 1;
        return mainFrame;
      },
    };
    const answer = call(event, 'audit.list', '{}');
    expect(reads).toBe(1);
    await answer;
    expect(reads).toBe(1);
  });
});

// Attack: a page that got around the preload sends what the preload never would.
test.for<[string, unknown[]]>([
  ['nothing', []],
  ['no input', ['audit.list']],
  ['one too many', ['audit.list', '{}', '{}']],
  ['an object for a name', [{ toString: () => 'audit.list' }, '{}']],
  ['an object for input', ['audit.list', {}]],
  ['no JSON', ['audit.list', '{']],
  ['too much', ['audit.list', JSON.stringify('x'.repeat(longestInput))]],
  ['a long name', ['x'.repeat(101), '{}']],
])('a malformed call is refused: %s', async ([, sent]) => {
  const { call, dispatched } = serve();
  expect(await call({ sender: own, senderFrame: mainFrame }, ...sent)).toMatchObject({
    ok: false,
    failure: { code: 'invalid_input' },
  });
  expect(dispatched).toEqual([]);
});
