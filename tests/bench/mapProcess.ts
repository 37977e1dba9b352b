/** Drafts one database, or checks or compiles a map of it, told on the input, and tells the time and its own peak memory. */
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { readCatalogue, type Ask } from '#core/dataMap/catalogue.ts';
import { readAndCheck } from '#core/dataMap/check/readAndCheck.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { draftText } from '#core/dataMap/draft/document.ts';
import { draftMap } from '#core/dataMap/draft/draftMap.ts';
import { mapFromCanonical } from '#core/dataMap/map.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import type { MeasuredMap, Work } from './map.ts';

const wanted = z
  .object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    work: z.enum(['draft', 'check', 'compile'] satisfies readonly Work[]),
    /** The map to check or compile, as it is kept in the database; empty for a draft. */
    map: z.string(),
    login: z.object({ user: z.string(), password: z.string() }),
  })
  .parse(JSON.parse(await text(process.stdin)));

const client = await openBareClient(wanted, wanted.login);
try {
  const ask: Ask = async (statement, values) =>
    (await client.query<Record<string, unknown>>(statement, [...values])).rows;
  const { signal } = new AbortController();
  const { work, map } = wanted;
  const does = {
    draft: () => drafting(ask, signal),
    check: () => checking(ask, map, signal),
    compile: () => compiling(ask, map),
  } satisfies Record<Work, () => Promise<MeasuredMap>>;
  console.log(JSON.stringify(await does[work]()));
} finally {
  await client.end();
}

async function drafting(ask: Ask, signal: AbortSignal): Promise<MeasuredMap> {
  const start = performance.now();
  const drafted = await draftMap(ask, { subject: null, count: ask, signal });
  const written = draftText(drafted);
  return {
    took: performance.now() - start,
    peakMiB: peakMiB(),
    columns: drafted.collections.reduce((sum, each) => sum + each.columns.length, 0),
    text: written,
  };
}

async function checking(ask: Ask, text: string, signal: AbortSignal): Promise<MeasuredMap> {
  const start = performance.now();
  const map = mapFromCanonical(text);
  await readAndCheck(ask, map, { count: ask, compiled: null, signal });
  return { took: performance.now() - start, peakMiB: peakMiB(), columns: 0, text: null };
}

async function compiling(ask: Ask, text: string): Promise<MeasuredMap> {
  const start = performance.now();
  const map = mapFromCanonical(text);
  compileMap(map, await readCatalogue(ask, map));
  return { took: performance.now() - start, peakMiB: peakMiB(), columns: 0, text: null };
}

/** Of this process since it began; the system counts kilobytes. */
function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}
