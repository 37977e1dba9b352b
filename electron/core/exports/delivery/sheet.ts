import encodeQR from 'qr';
import type { PageLanguage } from '#shared/contract/exports.ts';
import { escaped } from '#shared/domain/escaped.ts';
import type { WrittenFile } from './copy.ts';
import { sheetStrings } from './sheetStrings.ts';

export interface SheetContents {
  readonly language: PageLanguage;
  /** As the package has it. */
  readonly packageId: string;
  readonly request: number;
  readonly medium: string;
  /** When the package was made, and when it was written onto the medium; ISO 8601. */
  readonly made: string;
  readonly written: string;
  readonly program: string;
  /** Of the whole package, hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly files: readonly WrittenFile[];
  readonly signer: string | null;
}

/**
 * What goes with a medium on paper: one HTML file, to be printed, without a network, scripts or anything personal. The
 * code holds the SHA-256 as text, so that a telephone can read what the eye compares badly.
 */
export function sheetText(contents: SheetContents): string {
  const say = sheetStrings[contents.language];
  const { files, sha256, signer } = contents;
  const [first] = files;
  const whole = first === undefined ? '' : first.name.replace(/\.\d{3}$/, '');
  const encrypted = whole.endsWith('.age');
  const zip = whole.replace(/\.age$/, '');
  const facts: readonly (readonly [string, string])[] = [
    [say.packageId, contents.packageId],
    [say.request, String(contents.request)],
    [say.medium, contents.medium],
    [say.made, timeText(contents.made, say.locale)],
    [say.written, timeText(contents.written, say.locale)],
    [say.by, contents.program],
    [say.size, say.bytes(new Intl.NumberFormat(say.locale).format(contents.bytes))],
    [say.signer, signer ?? say.unsigned],
  ];
  const steps = [
    ...(files.length > 1 ? [say.join(joinCommand(files, whole), windowsJoin(files, whole))] : []),
    say.compare(`sha256sum ${whole}`, `shasum -a 256 ${whole}`, `certutil -hashfile ${whole} SHA256`),
    ...(encrypted ? [say.decrypt(`age -d -o ${zip} ${whole}`)] : []),
    say.open(zip),
  ];
  return `<!doctype html>
<html lang="${contents.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>${escaped(`${say.title} ${contents.packageId}`)}</title>
<style>
body { font: 11pt/1.4 system-ui, 'Noto Sans Devanagari', sans-serif; color: #000; background: #fff; max-width: 180mm; margin: 10mm auto; padding: 0 4mm; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 6mm 0 2mm; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0; } dt { color: #444; } dd { margin: 0; overflow-wrap: anywhere; }
.sum { display: flex; gap: 8mm; align-items: center; } .sum svg { width: 34mm; height: 34mm; flex: none; }
code { font-family: ui-monospace, monospace; font-size: 10pt; overflow-wrap: anywhere; } .hash { font-size: 12pt; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid #888; padding: 2mm; text-align: start; } td.blank { height: 9mm; }
li { margin: 1mm 0; }
</style>
</head>
<body>
<h1>${escaped(say.title)}</h1>
<p>${escaped(say.lead)}</p>
<dl>${facts.map(([what, text]) => `<dt>${escaped(what)}</dt><dd>${escaped(text)}</dd>`).join('')}</dl>
<h2>${escaped(say.sum)}</h2>
<div class="sum">${encodeQR(sha256, 'svg', { ecc: 'medium' })}<code class="hash">${escaped(sha256.match(/.{1,8}/g)?.join(' ') ?? '')}</code></div>
${
  files.length > 1
    ? `<h2>${escaped(say.volumes)}</h2>\n<ul>${files.map((file) => `<li><code>${escaped(file.name)}</code><br><code>${file.sha256}</code></li>`).join('')}</ul>\n`
    : ''
}<h2>${escaped(say.howTo)}</h2>
<ol>${steps.map((step) => `<li>${step}</li>`).join('')}</ol>
<p>${escaped(encrypted ? say.secret : say.notEncrypted)}</p>
<h2>${escaped(say.handover)}</h2>
<table><thead><tr>${say.handoverColumns.map((each) => `<th>${escaped(each)}</th>`).join('')}</tr></thead>
<tbody>${'<tr><td class="blank"></td><td></td><td></td></tr>'.repeat(3)}</tbody></table>
</body>
</html>
`;
}

function joinCommand(files: readonly WrittenFile[], whole: string): string {
  return `cat ${files.map((file) => file.name).join(' ')} > ${whole}`;
}

function windowsJoin(files: readonly WrittenFile[], whole: string): string {
  return `copy /b ${files.map((file) => file.name).join('+')} ${whole}`;
}

function timeText(time: string, locale: string): string {
  const options = { dateStyle: 'long', timeStyle: 'short', timeZone: 'Asia/Kolkata' } as const;
  return new Intl.DateTimeFormat(locale, options).format(new Date(time));
}
