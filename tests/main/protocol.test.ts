import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appScheme, listAssets, noncePlaceholder, serveAssets } from '../../electron/main/protocol.ts';

let folder: string;
let serve: (request: Request) => Promise<Response>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'protocol-test-'));
  await mkdir(join(folder, 'page/assets'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), 'secret');
  await writeFile(join(folder, 'page/index.html'), `<meta name="style-nonce" content="${noncePlaceholder}">`);
  await writeFile(join(folder, 'page/assets/index.js'), 'script');
  serve = serveAssets(listAssets(join(folder, 'page')));
  // Put there after the list was made.
  await writeFile(join(folder, 'page/assets/planted.js'), 'planted');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** As Electron would hand it over: `new Request` would tidy the address first. */
function raw(url: string, method = 'GET'): Request {
  return { url, method } as Request;
}

test.for([
  'app://console/',
  'app://console/index.html',
  'app://console/assets/index.js',
  'app://console/#/desk',
])('serves %s', async (url) => {
  expect((await serve(raw(url))).status).toBe(200);
});

// Attack: an address is turned into the path of another file, or a file is planted beside the page's own.
test.for([
  'app://console/../secret.js',
  'app://console/%2e%2e/secret.js',
  'app://console/..%2fsecret.js',
  'app://console/..%5csecret.js',
  'app://console/assets/../../secret.js',
  'app://console/assets/planted.js',
  'app://console/assets',
  'app://console/assets/',
  'app://console/assets/index.js%00',
  'app://console/assets/index.js\0.html',
  'app://console/assets/index.js?query',
  'app://console/assets/INDEX.js',
  'app://console//assets/index.js',
  'app://console\\assets\\index.js',
  'app://console/C:/Windows/win.ini',
  'app://console//server/share/file.js',
  'app://console/__proto__',
  'app://console/constructor',
  'app://console.evil.example/index.html',
  'app://other/index.html',
  'app://user@console/index.html',
  'app://console:80/index.html',
  'file:///etc/passwd',
])('does not serve %s', async (url) => {
  const response = await serve(raw(url));
  expect(response.status).toBe(404);
  expect(await response.text()).toBe('Not found');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test.for(['POST', 'HEAD', 'OPTIONS', 'get'])('does not serve by %s', async (method) => {
  expect((await serve(raw('app://console/', method))).status).toBe(404);
});

test('each answer has its own nonce, in policy and page alike', async () => {
  const nonces = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    const response = await serve(raw('app://console/'));
    const nonce = /'nonce-([\w-]+)'/.exec(response.headers.get('content-security-policy') ?? '')?.[1] ?? '';
    expect(await response.text()).toContain(`content="${nonce}"`);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(3);
});

test('the policy allows no inline script, no code from text and no connection', async () => {
  const response = await serve(raw('app://console/'));
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("connect-src 'none'");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('cache-control')).toBe('no-store');
});

test('the scheme stands under the policy and the rules of origins', () => {
  expect(appScheme.privileges).toMatchObject({
    corsEnabled: true,
    bypassCSP: false,
    standard: true,
    secure: true,
  });
});

test('a page that is not built is named', () => {
  expect(() => listAssets(join(folder, 'nowhere'))).toThrow('npm run build');
});
