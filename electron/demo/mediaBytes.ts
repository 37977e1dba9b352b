import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

/** A made-up file that really opens as what it says it is. */
export interface MediaBytes {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Numbers that depend on nothing but the arguments (mulberry32): plenty for pictures, and fast. */
function noise(seed: number, number: number): (below: number) => number {
  let state = createHash('sha256').update(`${seed}:${number}`).digest().readUInt32BE(0);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A mosaic of coloured squares, 64 by 64 pixels. */
function png(draw: (below: number) => number): Buffer {
  const side = 64;
  const colours = Array.from({ length: 64 }, () => [draw(256), draw(256), draw(256)] as const);
  const raw = Buffer.alloc(side * (1 + side * 3));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const colour = colours[(y >> 3) * 8 + (x >> 3)] ?? [0, 0, 0];
      // A little grain keeps the file at some kilobytes, as photographs are.
      const grain = draw(16);
      for (let part = 0; part < 3; part += 1) {
        raw[y * (1 + side * 3) + 1 + x * 3 + part] = Math.min(255, (colour[part] ?? 0) + grain);
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', new Uint8Array()),
  ]);
}

function segment(marker: number, data: readonly number[]): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, Buffer.from(data)]);
}

/** A grey mosaic, 128 by 128 pixels: baseline JPEG whose blocks have a mean and no detail, so two tiny code tables do. */
function jpeg(draw: (below: number) => number): Buffer {
  const blocks = 16;
  let bits = '';
  let previous = 0;
  for (let block = 0; block < blocks * blocks; block += 1) {
    const mean = draw(200) - 100;
    const difference = mean - previous;
    previous = mean;
    const size = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
    bits += size.toString(2).padStart(4, '0');
    if (size > 0) {
      const value = difference > 0 ? difference : difference + (1 << size) - 1;
      bits += value.toString(2).padStart(size, '0');
    }
    bits += '0';
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const scan: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8), 2);
    scan.push(byte);
    if (byte === 0xff) scan.push(0);
  }
  const side = blocks * 8;
  const fourBitCodes = [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const oneBitCode = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...Array.from({ length: 64 }, () => 8)]),
    segment(0xc0, [8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0]),
    segment(0xc4, [0x00, ...fourBitCodes, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    segment(0xc4, [0x10, ...oneBitCode, 0]),
    segment(0xda, [1, 1, 0x00, 0, 63, 0]),
    Buffer.from(scan),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function pdf(title: string): Buffer {
  const drawing = `BT /F1 18 Tf 40 160 Td (${title}) Tj ET\n40 140 240 2 re f`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 320 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets: number[] = [];
  objects.forEach((object, index) => {
    offsets.push(text.length);
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

/** The file number `number` of a seed: by turns a picture, a document, a text, a photograph. */
export function mediaBytes(seed: number, number: number): MediaBytes {
  const draw = noise(seed, number);
  switch (number % 5) {
    case 0:
    case 3:
      return { contentType: 'image/png', bytes: png(draw) };
    case 1:
      return { contentType: 'application/pdf', bytes: pdf(`Price list ${draw(100_000)}`) };
    case 2:
      return { contentType: 'image/jpeg', bytes: jpeg(draw) };
    default: {
      const lines = Array.from(
        { length: 20 + draw(40) },
        (_, line) => `${line + 1}. धन्यवाद! Order ${draw(1_000_000)}`,
      );
      return { contentType: 'text/plain; charset=utf-8', bytes: Buffer.from(`${lines.join('\n')}\n`) };
    }
  }
}

/** A contact list of more than 16 MB, the size from which uploads and downloads go in parts. */
export function largeMediaBytes(seed: number): MediaBytes {
  const draw = noise(seed, -1);
  const first = draw(1_000_000);
  const note = 'Met at the fair; wants the catalogue in Marathi. '.repeat(20);
  const line = (number: number): string =>
    `${String(first + number).padStart(9, '0')},Contact ${number},"${note}"\n`;
  const lines = Array.from({ length: 18_000 }, (_, number) => line(number));
  return { contentType: 'text/csv', bytes: Buffer.from(`number,name,note\n${lines.join('')}`) };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
