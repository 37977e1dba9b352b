import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { consoleOrigin } from '#shared/contract/bridge.ts';

/** Privileges of app://: as an https page has them, and never past the content security policy. */
export const appScheme = {
  scheme: 'app',
  privileges: {
    standard: true,
    secure: true,
    supportFetchAPI: true,
    // Without it a page of another origin could read what app:// serves (CVE-2026-70604).
    corsEnabled: true,
    bypassCSP: false,
    allowServiceWorkers: false,
    stream: false,
  },
} as const;

/** Stands in index.html where each answer puts its own nonce for the style blocks of the component library. */
export const noncePlaceholder = '__NONCE__';

interface Asset {
  readonly file: string;
  readonly contentType: string;
}

/** Served files by the path that names them; nothing else exists. */
export type Assets = ReadonlyMap<string, Asset>;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Lists the built page's files once, so that no address is ever turned into a path. Throws when there is no built page or a file of an unknown kind. */
export function listAssets(folder: string): Assets {
  const assets = new Map<string, Asset>();
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        walk(path);
        continue;
      }
      const contentType = contentTypes[extname(entry.name)];
      if (contentType === undefined || !entry.isFile()) {
        throw new Error(`The built page holds ${path}, which the console doesn't know how to serve.`);
      }
      assets.set(path, { file: join(folder, path), contentType });
    }
  };
  if (!existsSync(join(folder, 'index.html'))) throw new Error('The page is not built; run "npm run build".');
  walk('');
  const page = assets.get('/index.html');
  if (page) assets.set('/', page);
  return assets;
}

/** The content security policy of one answer. */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'none'",
    "worker-src 'none'",
    "frame-src 'none'",
    "object-src 'none'",
    "manifest-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Answers requests for app://console/… from the list; anything but an exact GET of a listed path is not found. */
export function serveAssets(assets: Assets): (request: Request) => Promise<Response> {
  return async (request) => {
    const nonce = randomBytes(18).toString('base64url');
    const asset = find(assets, request);
    if (asset === undefined) {
      return new Response('Not found', { status: 404, headers: headers(nonce, 'text/plain; charset=utf-8') });
    }
    const bytes = await readFile(asset.file);
    const body = asset.contentType.startsWith('text/html')
      ? bytes.toString('utf8').replaceAll(noncePlaceholder, nonce)
      : bytes;
    return new Response(body, { status: 200, headers: headers(nonce, asset.contentType) });
  };
}

function find(assets: Assets, request: Request): Asset | undefined {
  // Compared as text: `new URL` would first tidy up dots and case.
  if (request.method !== 'GET' || !request.url.startsWith(`${consoleOrigin}/`)) return undefined;
  const [path = ''] = request.url.slice(consoleOrigin.length).split('#', 1);
  return assets.get(path);
}

function headers(nonce: string, contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'content-security-policy': contentSecurityPolicy(nonce),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': refusedFeatures.map((feature) => `${feature}=()`).join(', '),
  };
}

const refusedFeatures = [
  'accelerometer',
  'autoplay',
  'bluetooth',
  'camera',
  'clipboard-read',
  'clipboard-write',
  'display-capture',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'web-share',
  'window-management',
  'xr-spatial-tracking',
] as const;
