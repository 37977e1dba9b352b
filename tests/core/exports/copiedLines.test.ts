import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newCopiedLines, type Place } from '#core/exports/copiedLines.ts';

/** PostgreSQL's binary format of rows of one text, put together from its description. */
function copied(texts: readonly string[]): Buffer {
  const rows = texts.map((text) => {
    const bytes = Buffer.from(text, 'utf8');
    const head = Buffer.alloc(6);
    head.writeInt16BE(1, 0);
    head.writeInt32BE(bytes.byteLength, 2);
    return Buffer.concat([head, bytes]);
  });
  return Buffer.concat([
    Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex'),
    ...rows,
    Buffer.from('ffff', 'hex'),
  ]);
}

function* cutInto(bytes: Uint8Array, pieces: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieces) yield bytes.subarray(at, at + pieces);
}

async function read(
  windows: readonly (readonly string[])[],
  cut: number,
  blockBytes: number,
): Promise<{
  readonly text: string;
  readonly places: readonly (Place | null)[];
  readonly sizes: readonly number[];
}> {
  const lines = newCopiedLines(() => new Uint8Array(blockBytes));
  const blocks: Uint8Array[] = [];
  const places: (Place | null)[] = [];
  for (const texts of windows) {
    const window = lines.window(streamOf(copied(texts), cut));
    let next = await window.next();
    for (; next.done !== true; next = await window.next()) blocks.push(next.value);
    places.push(next.value);
  }
  const sizes = blocks.map(({ byteLength }) => byteLength);
  blocks.push(lines.rest());
  return { text: Buffer.concat(blocks).toString('utf8'), places, sizes };
}

async function* streamOf(bytes: Uint8Array, cut: number): AsyncGenerator<Uint8Array> {
  for (const piece of cutInto(bytes, cut)) yield await Promise.resolve(piece);
}

const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify({ a: text }));
const texts = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 5 });

test('lines come out of the copy as they are, wherever it is cut, in blocks that go on over windows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(texts, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 64 }),
      async (windows, cut, blockBytes) => {
        const told = windows.map((each, at) => (at < windows.length - 1 ? [String(each.length), ''] : null));
        const { text, places, sizes } = await read(
          windows.map((each, at) => [
            ...each.map((lines) => lines.join('\n')),
            JSON.stringify([each.flat().length, told[at]]),
          ]),
          cut,
          blockBytes,
        );
        expect(text).toBe(
          windows
            .flat(2)
            .map((each) => `${each}\n`)
            .join(''),
        );
        expect(places).toEqual(told);
        expect(sizes.every((each) => each === blockBytes)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test('a copy that ends anywhere before its end is refused, as is one with another count or more after its last text', async () => {
  const whole = copied(['{"a":1}\n{"a":2}', '[2,null]']);
  for (let end = 0; end < whole.byteLength; end += 1) {
    const window = newCopiedLines(() => new Uint8Array(64)).window(streamOf(whole.subarray(0, end), 7));
    await expect(window.next(), String(end)).rejects.toThrow();
  }
  await expect(read([['{"a":1}', '[2,null]']], 7, 64)).rejects.toThrow('2 rows, 1 came');
  await expect(read([['[0,null]', '{"a":1}']], 7, 64)).rejects.toThrow('something else');
  await expect(read([['{"a":1}']], 7, 64)).rejects.toThrow('something else');
});
