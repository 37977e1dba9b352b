/** Drafts and checks one database, told on the input, and tells the times and its own peak memory. */
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Ask } from '#core/dataMap/catalogue.ts';
import { draftText } from '#core/dataMap/draft/document.ts';
import { draftMap } from '#core/dataMap/draft/draftMap.ts';
import { parseMap, type DataMap } from '#core/dataMap/map.ts';
import { answered } from '#tests/core/dataMap/answered.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import type { MeasuredMap } from './map.ts';

const wanted = z
  .object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    login: z.object({ user: z.string(), password: z.string() }),
  })
  .parse(JSON.parse(await text(process.stdin)));

interface Check {
  readonly readAndCheck: (
    ask: Ask,
    map: DataMap,
    options: { readonly count: Ask; readonly compiled: null; readonly signal: AbortSignal },
  ) => Promise<readonly unknown[]>;
}

/** The check, where this program has one. */
async function openCheck(): Promise<Check | null> {
  const file = new URL('../../electron/core/dataMap/check/readAndCheck.ts', import.meta.url);
  return existsSync(file) ? ((await import(file.href)) as Check) : null;
}

const check = await openCheck();
const client = await openBareClient(wanted, wanted.login);
try {
  const ask: Ask = async (statement, values) =>
    (await client.query<Record<string, unknown>>(statement, [...values])).rows;
  const { signal } = new AbortController();
  const start = performance.now();
  const drafted = await draftMap(ask, { subject: null, count: ask, signal });
  const written = draftText(drafted);
  const between = performance.now();
  // What a person does between the two isn't measured.
  const map = parseMap(answered(written));
  const begun = performance.now();
  await check?.readAndCheck(ask, map, { count: ask, compiled: null, signal });
  const columns = drafted.collections.reduce((sum, each) => sum + each.columns.length, 0);
  console.log(
    JSON.stringify({
      tables: drafted.schema.tables.size,
      columns,
      draft: between - start,
      check: check === null ? null : performance.now() - begun,
      // Kilobytes, whatever the system.
      peakMiB: process.resourceUsage().maxRSS / 1024,
    } satisfies MeasuredMap),
  );
} finally {
  await client.end();
}
