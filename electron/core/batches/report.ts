import { escaped } from '#shared/domain/escaped.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { BatchReport } from '#shared/contract/batches.ts';
import { en } from '#shared/strings/en.ts';

const words = en.batches.report;

/** Where the report's own text stands in its page. */
const holder = { start: '<script type="application/json" id="report">\n', end: '</script>' } as const;

type Titles = (collection: string) => string;

/** Titles of collections by the map; what has left it stands under its name. */
export function titlesOf(collections: readonly MappedCollection[]): Titles {
  const titles = new Map(collections.map(({ name, title }) => [name, title]));
  return (name) => (name === 'objects' ? en.deletion.objectsTitle : (titles.get(name) ?? name));
}

/** How many rows came to which end, by kind of data, over everybody of the batch. */
function totalsOf(
  report: BatchReport,
): readonly (readonly [collection: string, outcome: string, rows: number])[] {
  const totals = new Map<string, [string, string, number]>();
  for (const { outcomes } of report.items)
    for (const { collection, outcome, rows } of outcomes) {
      const key = `${collection} ${outcome}`;
      const known = totals.get(key) ?? [collection, outcome, 0];
      known[2] += rows;
      totals.set(key, known);
    }
  return [...totals.values()].sort(([a, b], [c, d]) => a.localeCompare(c) || b.localeCompare(d));
}

const outcomeWords: Readonly<Record<string, string>> = en.deletion.again.outcome;

/** One line of the report in words: what came of it, and what is kept of it, why and until when. */
function saysOf({ because, outcomes }: BatchReport['items'][number], title: Titles): string {
  return [
    ...(because === null ? [] : [because]),
    ...outcomes
      .filter(({ outcome }) => outcome === 'kept')
      .map((each) => words.kept(title(each.collection), each.rows, each.because, each.until)),
  ].join(' ');
}

/**
 * The report to read and to print: one HTML file without a network or scripts that run, with the report's exact text
 * in it.
 */
export function reportPage(text: string, sha256: string, report: BatchReport, title: Titles): string {
  const facts: readonly (readonly [string, string])[] = [
    [words.batch, String(report.batch)],
    [words.source, en.batches.source[report.source]],
    [words.reason, report.reason],
    [words.state, en.batches.state[report.state]],
    [words.began, `${report.began} · ${report.actors.began}`],
    [words.approved, report.actors.approved.join(', ') || en.common.nothing],
    [words.finished, `${report.finished} · ${report.actors.ended}`],
    [words.plan, report.plan ?? en.common.nothing],
    [words.hash, sha256],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>${escaped(words.title(report.batch))}</title>
<style>
body { font: 11pt/1.45 system-ui, sans-serif; color: #000; background: #fff; max-width: 180mm; margin: 10mm auto; padding: 0 4mm; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 6mm 0 2mm; } .company { margin: 0; color: #444; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0; } dt { color: #444; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid #888; padding: 1.5mm 2mm; text-align: start; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: end; white-space: nowrap; } tr { break-inside: avoid; }
</style>
</head>
<body>
<p class="company">${escaped(en.company)}</p>
<h1>${escaped(words.title(report.batch))}</h1>
<p>${escaped(words.text)}</p>
<dl>${facts.map(([what, says]) => `<dt>${escaped(what)}</dt><dd>${escaped(says)}</dd>`).join('')}</dl>
<h2>${escaped(words.people)}</h2>
${table(
  [words.columns.state, words.columns.count],
  Object.entries(report.states).map(([state, count]) => [
    en.batches.itemState[state as keyof typeof en.batches.itemState],
    count,
  ]),
)}
<h2>${escaped(words.totals)}</h2>
${table(
  [words.columns.what, words.columns.outcome, words.columns.rows],
  totalsOf(report).map(([collection, outcome, rows]) => [
    title(collection),
    outcomeWords[outcome] ?? outcome,
    rows,
  ]),
)}
<h2>${escaped(words.lines)}</h2>
${table(
  [words.columns.line, words.columns.state, words.columns.person, words.columns.request, words.columns.says],
  report.items.map((item) => [
    item.line,
    en.batches.itemState[item.state],
    item.subject ?? en.common.nothing,
    item.request === null ? en.common.nothing : String(item.request),
    saysOf(item, title),
  ]),
)}
${holder.start}${text.replaceAll('<', '\\u003c')}
${holder.end}
</body>
</html>
`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (tag: 'th' | 'td', content: string | number, isNumber: boolean): string =>
    `<${tag}${isNumber ? ' class="number"' : ''}>${escaped(typeof content === 'number' ? content.toLocaleString('en-IN') : content)}</${tag}>`;
  const isNumber = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  return `<table><thead><tr>${head.map((each, column) => cell('th', each, isNumber[column] ?? false)).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((each, column) => cell('td', each, isNumber[column] ?? false)).join('')}</tr>`).join('\n')}</tbody></table>`;
}

/** The report's lines as a table (RFC 4180, with a byte order mark, by which spreadsheets know UTF-8). */
export function reportTable(report: BatchReport, title: Titles): string {
  const cell = (text: string): string =>
    `"${(/^[\s]*[=+\-@\t\r|%]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const line = (cells: readonly string[]): string => cells.map(cell).join(',');
  return `\ufeff${[
    line([
      words.columns.line,
      words.columns.state,
      words.columns.person,
      words.columns.request,
      words.columns.certificate,
      words.columns.rows,
      words.columns.says,
    ]),
    ...report.items.map((item) =>
      line([
        String(item.line),
        en.batches.itemState[item.state],
        item.subject ?? '',
        String(item.request ?? ''),
        item.certificate ?? '',
        String(
          item.outcomes.reduce(
            (sum, each) => sum + (['erased', 'anonymised'].includes(each.outcome) ? each.rows : 0),
            0,
          ),
        ),
        saysOf(item, title),
      ]),
    ),
  ].join('\r\n')}\r\n`;
}
