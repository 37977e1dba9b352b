import type { ErasureCertificate } from '#shared/contract/erasure.ts';
import { escaped } from '#shared/domain/escaped.ts';
import { en } from '#shared/strings/en.ts';
import { documentText, type CertificateDocument } from './document.ts';

const words = en.deletion.certificate;
const { again } = en.deletion;

/** Between these stands the document that the page was made from. */
const holder = { start: '<script type="application/json" id="certificate">\n', end: '</script>' } as const;

/**
 * A certificate to read and to print: one HTML file without a network or scripts that run, with the signed document
 * in it. It is made from the document alone, so that who checks it makes it again and sees whether anything else was changed.
 */
export function certificatePage(document: CertificateDocument, says: ErasureCertificate): string {
  const went = says.steps.filter((step) => step.planned > 0 || step.done > 0 || step.left > 0);
  const facts: readonly (readonly [string, string])[] = [
    [words.what, words.ground(says.requestId)],
    [en.deletion.person, says.subject],
    [words.kind, says.kind],
    ...(says.controller === null ? [] : [[words.controller, says.controller] as const]),
    [words.started, says.started],
    [words.finished, says.finished],
    [words.planned, says.planned],
    [words.approved, says.approved.join(', ')],
    [words.ran, says.ran],
    [words.plan, says.plan],
    [words.map, says.map],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>${escaped(`${words.title} ${says.subject}`)}</title>
<style>
body { font: 11pt/1.45 system-ui, sans-serif; color: #000; background: #fff; max-width: 180mm; margin: 10mm auto; padding: 0 4mm; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 6mm 0 2mm; } .company { margin: 0; color: #444; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0; } dt { color: #444; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid #888; padding: 1.5mm 2mm; text-align: start; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: end; white-space: nowrap; } code { font-family: ui-monospace, monospace; font-size: 9.5pt; }
tr { break-inside: avoid; } li { margin: 1mm 0; }
</style>
</head>
<body>
<p class="company">${escaped(en.company)}</p>
<h1>${escaped(words.title)}</h1>
<p>${escaped(words.text(says.subject))}</p>
<dl>${facts.map(([what, text]) => `<dt>${escaped(what)}</dt><dd>${escaped(text)}</dd>`).join('')}</dl>
<h2>${escaped(again.outcomes)}</h2>
${tableOf(
  [
    again.outcomeColumns.what,
    again.outcomeColumns.where,
    again.outcomeColumns.outcome,
    again.outcomeColumns.because,
    again.outcomeColumns.until,
    again.outcomeColumns.rows,
  ],
  says.outcomes.map((each) => [
    each.title,
    each.where,
    again.outcome[each.outcome],
    each.because ?? en.common.nothing,
    each.until ?? en.common.nothing,
    each.rows,
  ]),
)}
<h2>${escaped(words.went)}</h2>
${tableOf(
  [
    words.wentColumns.what,
    words.wentColumns.where,
    words.wentColumns.how,
    words.wentColumns.planned,
    words.wentColumns.done,
    words.wentColumns.left,
  ],
  went.map((step) => [
    step.title,
    step.where,
    en.deletion.action[step.action],
    step.planned,
    step.done,
    step.left,
  ]),
)}
<p>${escaped(words.uploads(says.uploads))}</p>
${
  says.tasks.length === 0
    ? ''
    : `<h2>${escaped(words.tasks)}</h2>
${tableOf(
  [words.tasksColumns.what, words.tasksColumns.owner, words.tasksColumns.done, words.tasksColumns.entry],
  says.tasks.map((task) => [
    task.title,
    `${task.owner} (${task.by})`,
    task.done,
    en.common.entry(task.entry),
  ]),
)}
`
}<h2>${escaped(words.kept)}</h2>
${
  says.kept.length === 0
    ? `<p>${escaped(words.nothingKept)}</p>`
    : tableOf(
        [
          words.wentColumns.what,
          words.wentColumns.where,
          words.keptColumns.because,
          words.keptColumns.until,
          words.keptColumns.rows,
        ],
        says.kept.map((line) => [
          line.title,
          line.where,
          line.because ?? en.common.nothing,
          line.until ?? en.common.nothing,
          line.rows,
        ]),
      )
}
${
  says.finds.length === 0
    ? ''
    : `<h2>${escaped(again.title)}</h2>
<ul>${says.finds.map((find) => `<li>${escaped(`${again.place(find.title, find.column)}: ${again.says(find)}`)}</li>`).join('')}</ul>
`
}<h2>${escaped(words.entries)}</h2>
<p>${says.entries.join(', ')}. ${escaped(words.entriesHint)}</p>
<h2>${escaped(words.remains)}</h2>
<ul>${[...words.remainingFacts(says.remains, (date) => date), ...words.remaining].map((sentence) => `<li>${escaped(sentence)}</li>`).join('')}</ul>
<h2>${escaped(words.toCheck)}</h2>
<p>${escaped(words.howToCheck)}</p>
${holder.start}${documentText(document).replaceAll('<', '\\u003c')}${holder.end}
</body>
</html>
`;
}

/** The document in a page, or the text itself where it is no page. */
export function documentIn(file: string): string {
  const start = file.indexOf(holder.start);
  const end = file.indexOf(holder.end, start);
  return start < 0 || end < 0 ? file : file.slice(start + holder.start.length, end);
}

/** Whether a file is such a page, rather than the document alone. */
export function isPage(file: string): boolean {
  return file.startsWith('<!doctype html>');
}

function tableOf(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (tag: 'th' | 'td', content: string | number, asNumber: boolean): string =>
    `<${tag}${asNumber ? ' class="number"' : ''}>${escaped(typeof content === 'number' ? content.toLocaleString('en-IN') : content)}</${tag}>`;
  const isNumber = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  return `<table><thead><tr>${head.map((each, column) => cell('th', each, isNumber[column] ?? false)).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((each, column) => cell('td', each, isNumber[column] ?? false)).join('')}</tr>`).join('\n')}</tbody></table>`;
}
