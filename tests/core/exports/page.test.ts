import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writePackage, type PackageOptions } from '#core/exports/package.ts';
import { findBrowser } from '#demo/browser.ts';
import { collectionOf, columnOf, fileOf, optionsOf } from './sources.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const run = promisify(execFile);
let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-'));
  const found = await findBrowser(resolve(import.meta.dirname, '../../..'));
  browser = await chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.environment },
    // Chromium refuses its sandbox to root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
});

afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

/** Makes the package, unpacks it and gives the folder of the bag. */
async function unpacked(more: Partial<PackageOptions>): Promise<string> {
  const inside = await mkdtemp(join(folder, 'package-'));
  const { file } = await writePackage(optionsOf(inside, more));
  await run('unzip', ['-q', file, '-d', join(inside, 'unpacked')]);
  const [name = ''] = await readdir(join(inside, 'unpacked'));
  return join(inside, 'unpacked', name);
}

interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that were asked for. */
  readonly asked: readonly string[];
  /** What the page's own policy, or the page, complained of. */
  readonly complaints: readonly string[];
}

async function open(bag: string, settings: Parameters<Browser['newContext']>[0] = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  context.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(join(bag, 'data/index.html')).href, { waitUntil: 'load' });
  return { page, context, asked, complaints };
}

/** A picture that a browser can show: one colour, one row of pixels repeated. */
function picture(width: number, height: number, colour: readonly [number, number, number]): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([
    Buffer.from([0]),
    Buffer.from(Array.from({ length: width }, () => colour).flat()),
  ]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const green = picture(40, 30, [20, 140, 90]);

const plain: Partial<PackageOptions> = {
  subjectKind: 'Account holder',
  snapshots: () => [{ number: 1, began: '2026-11-27T04:30:00.000000+00:00' }],
  collections: [
    {
      ...collectionOf('users', [
        { id: 'b1f0', name: 'आशा कुलकर्णी', email: 'asha@example.org', city: 'पुणे', note: null, active: true },
      ]),
      title: 'Account',
      columns: ['id', 'name', 'email', 'city', 'note']
        .map((name) => columnOf(name, 'text'))
        .concat(columnOf('active', 'boolean')),
    },
    {
      ...collectionOf(
        'messages',
        Array.from({ length: 1200 }, (_each, at) => ({
          id: String(at + 1),
          sent: `2026-10-${String((at % 28) + 1).padStart(2, '0')}T09:00:00+00:00`,
          to: '+919800000001',
          body: at === 7 ? 'your needle is in the haystack' : 'Your order has been sent.',
          error: null,
          cost: '0.45',
        })),
      ),
      title: 'Messages',
      columns: [
        columnOf('id', 'integer'),
        columnOf('sent', 'time'),
        columnOf('to', 'text'),
        columnOf('body', 'text'),
        columnOf('error', 'text'),
        columnOf('cost', 'number'),
      ],
    },
    { ...collectionOf('holds', []), title: 'Holds', columns: [columnOf('id', 'integer')] },
  ],
  files: [
    fileOf('workspaces/1/invoice photo.png', green),
    fileOf('workspaces/1/logo.svg', Buffer.from('<svg/>'), { contentType: 'image/svg+xml' }),
    fileOf('workspaces/1/gone.png', green, { open: () => Promise.resolve('gone') }),
  ],
  information: [
    {
      title: 'Messages',
      says: [
        { what: 'purpose', texts: ['to deliver what you send'] },
        { what: 'sources', texts: ['given by the person'] },
      ],
      kept: [{ ground: 'a tax act', years: 8, from: 'Sent' }],
    },
  ],
  processing: () => ({
    leftOut: [{ collection: 'users', column: 'password_hash', because: 'a secret of the platform' }],
  }),
};

test.each([
  ['en', 'Your data', 'The first 500 of 1,200 are shown here.', 'could not be read'],
  ['hi', 'आपका डेटा', '1,200 में से पहले 500 यहाँ दिखाए गए हैं।', 'पढ़ी नहीं जा सकी'],
] as const)('the page in %s is read, searched and printed without a network', async (language, ...texts) => {
  const bag = await unpacked({ ...plain, language });
  const { page, context, asked, complaints } = await open(bag, { colorScheme: 'dark', offline: true });
  const text = await page.locator('body').innerText();
  for (const each of [
    ...texts,
    'आशा कुलकर्णी',
    'invoice photo.png',
    'to deliver what you send',
    'password_hash',
  ])
    expect(text).toContain(each);
  expect(await page.locator('html').getAttribute('lang')).toBe(language);
  // Its own picture is shown, wherever the folder lies.
  await page.locator('img').scrollIntoViewIfNeeded();
  await expect
    .poll(() =>
      page.locator('img').evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    )
    .toBe(40);
  expect(await page.locator('a[href="files/000001.png"]').count()).toBe(1);
  expect(await page.locator('a[href*="svg"]').count()).toBe(0);

  await page.keyboard.press('Control+Home');
  await page.getByRole('searchbox').fill('NEEDLE haystack');
  expect(await page.locator('[data-row]:visible').count()).toBe(1);
  expect(await page.locator('section:visible').count()).toBe(1);
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
  await page.getByRole('searchbox').fill('');
  expect(await page.locator('tbody tr:visible').count()).toBe(503);

  await page.emulateMedia({ media: 'print' });
  expect(await page.getByRole('searchbox').isVisible()).toBe(false);
  expect(await page.locator('tbody tr:visible').count()).toBe(503);
  expect(asked.every((url) => url.startsWith('file:'))).toBe(true);
  expect(complaints).toEqual([]);
  await context.close();
});

test('without scripts it shows the same', async () => {
  const bag = await unpacked(plain);
  const { page, context } = await open(bag, { javaScriptEnabled: false });
  expect(await page.getByRole('searchbox').isVisible()).toBe(false);
  await page.getByText('needle is in the haystack').waitFor();
  await context.close();
});

test('hostile values run nothing, load nothing, turn nothing: in rows, names, titles and texts', async () => {
  // The attack: whoever can write into the platform (a name, a file's name, a message) writes markup that is to run in the page the person opens.
  let called = 0;
  const listener = createServer((_request, response) => {
    called += 1;
    response.end();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const there = `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}`;
  const attacks = [
    `<script>window.ran=1;fetch("${there}/script")</script>`,
    `</script><script>window.ran=2</script>`,
    `</style></title></textarea></table></main><img src="${there}/img" onerror="window.ran=3">`,
    `"><img src=x onerror=window.ran=4>`,
    `' onmouseover='window.ran=5' x='`,
    `<svg onload=window.ran=6><image href="${there}/svg"></svg>`,
    `<iframe srcdoc="<script>parent.ran=7</script>"></iframe><object data="${there}/object"></object>`,
    `<meta http-equiv="refresh" content="0;url=${there}/refresh"><base href="${there}/">`,
    `<link rel=stylesheet href="${there}/css"><style>@import "${there}/import"</style>`,
    `<form action="${there}/form"><button>x</button></form><a href="javascript:window.ran=8">x</a>`,
    `<!--`,
    `&lt;script&gt;window.ran=9&lt;/script&gt;`,
    `=HYPERLINK("${there}/cell","x")`,
    `photo\u202egpj.exe\u2066\u200f`,
    `{{constructor.constructor("window.ran=10")()}} \${window.ran=11}`,
  ];
  const rows = attacks.map((attack, at) => ({
    id: at,
    [attacks[0] ?? '']: attack,
    nested: { [attack]: [attack] },
  }));
  const columns = [columnOf('id', 'integer'), columnOf(attacks[0] ?? '', 'text'), columnOf('nested', 'json')];
  const bag = await unpacked({
    subjectKind: attacks.join(' '),
    controller: attacks.join(' '),
    collections: [
      { ...collectionOf('one', rows.slice(0, 1)), title: attacks[2] ?? '', columns },
      {
        ...collectionOf('all', rows),
        title: attacks[1] ?? '',
        columns: columns.map((each) => ({ ...each, title: attacks[3] ?? '' })),
      },
      { ...collectionOf('none', []), title: attacks.join(' ') },
      collectionOf('bare', rows),
    ],
    files: attacks.map((attack) => fileOf(`x/${attack.replaceAll('/', '\u2215')}`, green)),
    information: attacks.map((title) => ({
      title,
      says: [{ what: 'purpose' as const, texts: [title] }],
      kept: [{ ground: title, years: 1, from: title }],
    })),
    translations: new Map(attacks.map((text) => [text, `${text}${text}`])),
    processing: () => ({
      leftOut: attacks.map((each) => ({ collection: each, column: each, because: each })),
    }),
  });
  const { page, context, asked, complaints } = await open(bag);
  for (const cell of await page.locator('td, dd, a').all())
    await cell.hover({ force: true, timeout: 500 }).catch(() => undefined);
  await page.getByRole('searchbox').fill('HYPERLINK');
  await page.getByRole('searchbox').fill('');
  expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
  expect(await page.locator('iframe, object, form, svg, base, link, meta[http-equiv=refresh]').count()).toBe(
    0,
  );
  expect(await page.locator('script').count()).toBe(1);
  expect(await page.locator('[onerror], [onload], [onmouseover], a[href^="javascript"]').count()).toBe(0);
  // Shown as it is written, what turns the writing by its number.
  const text = await page.locator('body').innerText();
  expect(text).toContain(attacks[0]);
  expect(text).toContain('photoU+202Egpj.exe');
  expect(text).not.toMatch(/[\u202e\u2066\u200f]/);
  expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
  expect(complaints).toEqual([]);
  await context.close();

  // Should markup get through all the same, the page's policy lets nothing of it run or load. (It has no say in where a page is led on to.)
  const through = attacks.filter((each) => !each.includes('refresh') && each !== '<!--').join('\n');
  const file = join(bag, 'data/index.html');
  const html = await readFile(file, 'utf8');
  await writeFile(
    file,
    html.replace('</main>', () => `${through}</main>`),
  );
  const broken = await open(bag);
  await broken.page.waitForTimeout(500);
  expect(await broken.page.evaluate(() => (globalThis as { ran?: number }).ran)).toBeUndefined();
  expect(broken.complaints.some((each) => each.includes('Content Security Policy'))).toBe(true);
  expect(called).toBe(0);
  await broken.context.close();
  listener.close();
});

test('of a large account it shows the beginning and says where the rest is, however long a row is', async () => {
  const long = { id: 1, body: 'x'.repeat(700 * 1024) };
  const bag = await unpacked({
    collections: [
      {
        ...collectionOf('long', [long, long]),
        columns: [columnOf('id', 'integer'), columnOf('body', 'text')],
      },
      ...Array.from({ length: 12 }, (_each, at) =>
        collectionOf(
          `many${String(at)}`,
          Array.from({ length: 600 }, (_row, row) => ({ row, body: 'y'.repeat(3_000) })),
        ),
      ),
    ],
  });
  const html = await readFile(join(bag, 'data/index.html'), 'utf8');
  expect(html.length).toBeLessThan(6 * 1024 * 1024);
  expect(html).toContain('The first 0 of 2 are shown here.');
  expect(html).toContain('records/many11.jsonl');
});

test('what the map says is in the page’s language where the map has it, and marked as English where not', async () => {
  const translations = new Map([
    ['Messages', 'संदेश'],
    ['Body', 'पाठ'],
    ['to deliver what you send', 'जो आप भेजते हैं उसे पहुँचाने के लिए'],
    ['a tax act', 'एक कर अधिनियम'],
  ]);
  const bag = await unpacked({ ...plain, language: 'hi', translations });
  const { page, context } = await open(bag, {});
  const table = page.getByRole('group', { name: 'संदेश' });
  expect(await table.getByRole('columnheader', { name: 'पाठ' }).count()).toBe(1);
  const section = page.locator('section', { hasText: 'यह जानकारी क्यों रखी जाती है' });
  const text = await section.innerText();
  for (const each of ['जो आप भेजते हैं उसे पहुँचाने के लिए', 'व्यक्ति ने स्वयं दी', 'एक कर अधिनियम; “Sent” से 8 वर्ष'])
    expect(text).toContain(each);
  // A reader that speaks must not read English as Hindi.
  expect(await table.locator('th [lang=en]').allInnerTexts()).toEqual(['Id', 'Sent', 'To', 'Cost']);
  expect(await page.getByRole('heading', { name: 'संदेश' }).first().locator('[lang=en]').count()).toBe(0);
  await context.close();
  // In English nothing is marked, and nothing translated.
  const english = await readFile(
    join(await unpacked({ ...plain, name: 'english' }), 'data/index.html'),
    'utf8',
  );
  expect(english).not.toContain('lang="en">Body');
  expect(english).toContain('a tax act');
});
