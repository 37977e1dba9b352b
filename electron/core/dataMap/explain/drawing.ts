import type { ExplainedCollection, MapPicture } from '#shared/contract/dataMap.ts';
import { printable } from '../mapText.ts';
import { familyNames } from './words.ts';

/** Words of the picture's legend; colours alone tell nothing to who can't see them. */
const erasureWords = {
  delete: 'deleted',
  anonymise: 'overwritten',
  keep: 'kept by law',
  none: 'left as it is',
} as const satisfies Record<ExplainedCollection['erasure'], string>;

const xmlMarks: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for XML: marks escaped, and no character that XML can't hold. */
function xml(text: string): string {
  return printable(text)
    .toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"']/g, (mark) => xmlMarks[mark] ?? '');
}

function cut(text: string, longest: number): string {
  const letters = [...text];
  return letters.length <= longest ? text : `${letters.slice(0, longest - 1).join('')}…`;
}

const style = `
svg { background: #ffffff; font: 12px system-ui, sans-serif; }
text { fill: #1b2126; } .dim { fill: #55606a; } .label { font-size: 11px; fill: #3d4750; stroke: #ffffff; stroke-width: 3px; paint-order: stroke; }
.line { fill: none; stroke: #7a858f; } .detached { stroke-dasharray: 5 4; }
.box { fill: #ffffff; stroke: #55606a; } .subject { stroke-width: 3px; }
.family-official { fill: #fbe3e4; } .family-contact { fill: #fdeccf; } .family-content { fill: #e6e2f8; }
.family-behaviour { fill: #dcecfa; } .family-account { fill: #dff2e6; } .family-other { fill: #eceff1; }
.erasure-delete { fill: #b3261e; } .erasure-anonymise { fill: #9a5b00; } .erasure-keep { fill: #2b4fb0; } .erasure-none { fill: #55606a; }
@media (prefers-color-scheme: dark) {
svg { background: #15191c; } text { fill: #e8ecef; } .dim { fill: #a4afb8; } .label { fill: #c4ccd3; stroke: #15191c; }
.line { stroke: #87939d; } .box { stroke: #8f9aa4; }
.family-official { fill: #4a2024; } .family-contact { fill: #46340f; } .family-content { fill: #302a52; }
.family-behaviour { fill: #183449; } .family-account { fill: #173a27; } .family-other { fill: #2a3035; }
.erasure-delete { fill: #ff8a80; } .erasure-anonymise { fill: #ffb95c; } .erasure-keep { fill: #9db4ff; } .erasure-none { fill: #a4afb8; }
}`;

const legendHeight = 76;

/** The picture as an SVG file that needs nothing else. */
export function svgText(picture: MapPicture, title: string): string {
  const width = Math.max(picture.width, 720);
  const height = picture.height + legendHeight;
  const lines = picture.edges.map(
    (edge) =>
      `<g><title>${xml(edge.says)}</title><path class="line${edge.detached ? ' detached' : ''}" d="${edge.line}" marker-end="url(#end)"/></g>`,
  );
  const labels = picture.edges.map(
    (edge) =>
      `<text class="label" x="${edge.labelX}" y="${edge.labelY}" text-anchor="end"><title>${xml(edge.says)}</title>${xml(edge.label)}</text>`,
  );
  const nodes = picture.nodes.map(
    (
      node,
    ) => `<g><title>${xml(`${node.title}, ${node.table}`)}</title><rect class="box family-${xml(node.family)}${node.subject ? ' subject' : ''}" x="${node.x}" y="${node.y}" width="${node.width}" height="${node.height}" rx="6"/>
<rect class="erasure-${node.erasure}" x="${node.x}" y="${node.y}" width="6" height="${node.height}" rx="3"/>
<text x="${node.x + 16}" y="${node.y + 22}" font-weight="600">${xml(cut(node.title, 28))}</text>
<text class="dim" x="${node.x + 16}" y="${node.y + 40}">${xml(cut(node.table, 32))}</text>
<text class="dim" x="${node.x + 16}" y="${node.y + 58}">${xml(whatOf(node, ' · '))}</text>
<text class="dim" x="${node.x + 16}" y="${node.y + 76}">${xml(cut(node.about, 32))}</text></g>`,
  );
  const legendY = picture.height + 12;
  const families = familyNames.map(
    (name, place) =>
      `<rect class="box family-${name}" x="${24 + place * 108}" y="${legendY}" width="16" height="14" rx="3"/><text x="${46 + place * 108}" y="${legendY + 12}">${name}</text>`,
  );
  const actions = Object.entries(erasureWords).map(
    ([action, says], place) =>
      `<rect class="erasure-${action}" x="${24 + place * 140}" y="${legendY + 26}" width="6" height="14" rx="3"/><text x="${38 + place * 140}" y="${legendY + 38}">${says}</text>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${xml(title)}">
<style>${style}</style>
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="#7a858f"/></marker></defs>
<title>${xml(title)}</title>
${[...lines, ...nodes, ...labels, ...families, ...actions].join('\n')}
<text class="dim" x="24" y="${legendY + 58}">Arrows go from what a row belongs to, to the row; numbered lines are paths: columns → key. Broken lines are set to null at erasure.</text>
</svg>
`;
}

/** Text within DOT's double quotes; there a backslash begins what Graphviz reads as its own. */
function dot(text: string): string {
  return `"${printable(text).toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

const dotColours: Readonly<Record<string, string>> = {
  official: '#fbe3e4',
  contact: '#fdeccf',
  content: '#e6e2f8',
  behaviour: '#dcecfa',
  account: '#dff2e6',
  other: '#eceff1',
};
const dotBorders = {
  delete: '#b3261e',
  anonymise: '#9a5b00',
  keep: '#2b4fb0',
  none: '#55606a',
} as const satisfies Record<ExplainedCollection['erasure'], string>;

/** What a table holds and what becomes of it; of a kind of person without a table, that it has none. */
function whatOf(node: MapPicture['nodes'][number], between: string): string {
  return node.table === '' ? 'no table of its own' : `${node.family}${between}${erasureWords[node.erasure]}`;
}

/** The graph in Graphviz' language. */
export function dotText(picture: MapPicture, title: string): string {
  const line = (parts: readonly string[]): string => parts.join('\\n');
  const nodes = picture.nodes.map((node) => {
    const label = line(
      [node.title, node.table, whatOf(node, ', '), node.about]
        .filter((part) => part !== '')
        .map((part) => dot(part).slice(1, -1)),
    );
    return `  ${dot(node.name)} [label="${label}", fillcolor="${dotColours[node.family] ?? '#eceff1'}", color="${dotBorders[node.erasure]}"${node.subject ? ', penwidth=3' : ''}];`;
  });
  const edges = picture.edges.map(
    (edge) =>
      `  ${dot(edge.from)} -> ${dot(edge.to)} [label=${dot(edge.label)}, tooltip=${dot(edge.says)}${edge.detached ? ', style=dashed' : ''}];`,
  );
  return `digraph map {
  graph [rankdir=LR, label=${dot(title)}];
  node [shape=box, style="filled,rounded", fontname="sans-serif"];
${[...nodes, ...edges].join('\n')}
}
`;
}
