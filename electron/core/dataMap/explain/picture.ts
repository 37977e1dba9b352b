import type { MapPicture } from '#shared/contract/dataMap.ts';
import type { DataMap } from '../map.ts';
import { printable } from '../mapText.ts';
import { graphOf, subjectKinds, nodeOfKind, type MapEdge, type MapGraph } from './graph.ts';
import { explainCollection } from './words.ts';

const nodeWidth = 216;
const smallestHeight = 92;
/** Room between two columns of nodes; labels of paths stand in it. */
const gap = 272;
const rowGap = 24;
const portGap = 20;
const margin = 24;
const longestLabel = 38;

function shortened(text: string, longest = longestLabel): string {
  const letters = [...text];
  return letters.length <= longest ? text : `${letters.slice(0, longest - 1).join('')}…`;
}

/**
 * Nodes in columns by their distance from the subject, those that nothing
 * leads to last; within a column near to what they hang on, so that few lines cross.
 */
function columnsOf(graph: MapGraph): readonly (readonly string[])[] {
  const last = Math.max(0, ...graph.distance.values()) + 1;
  const columns: string[][] = [];
  for (const name of graph.nodes) (columns[graph.distance.get(name) ?? last] ??= []).push(name);
  const filled = columns.filter((column) => column.length > 0);
  const parents = Map.groupBy(graph.edges, (edge) => edge.to);
  for (const [place, column] of filled.entries()) {
    if (place === 0) continue;
    const above = new Map((filled[place - 1] ?? []).map((name, at) => [name, at]));
    const weight = (name: string): number => {
      const places = (parents.get(name) ?? []).flatMap((edge) => above.get(edge.from) ?? []);
      return places.length === 0 ? above.size : places.reduce((sum, at) => sum + at, 0) / places.length;
    };
    const weights = new Map(column.map((name) => [name, weight(name)]));
    column.sort((one, other) => (weights.get(one) ?? 0) - (weights.get(other) ?? 0));
  }
  return filled;
}

/** Lays the map out; pure, and the same for the window and the command line. */
export function pictureOf(map: DataMap): MapPicture {
  const graph = graphOf(map);
  const columns = columnsOf(graph);
  const incoming = Map.groupBy(graph.edges, (edge) => edge.to);
  const heightOf = (name: string): number =>
    Math.max(smallestHeight, ((incoming.get(name)?.length ?? 0) + 1) * portGap);
  const heights = columns.map((column) =>
    column.reduce((sum, name) => sum + heightOf(name) + rowGap, -rowGap),
  );
  const tallest = Math.max(...heights);
  const placed = new Map<string, { x: number; y: number; height: number; column: number }>();
  for (const [at, column] of columns.entries()) {
    let y = margin + (tallest - (heights[at] ?? 0)) / 2;
    for (const name of column) {
      const height = heightOf(name);
      placed.set(name, { x: margin + at * (nodeWidth + gap), y: Math.round(y), height, column: at });
      y += height + rowGap;
    }
  }
  const kinds = new Map(subjectKinds(map).map((kind) => [nodeOfKind(kind), kind]));
  return {
    width: columns.length * (nodeWidth + gap) - gap + 2 * margin,
    height: tallest + 2 * margin,
    nodes: graph.nodes.map((name) => {
      const { x, y, height } = placedAt(placed, name);
      const at = { name, x, y, width: nodeWidth, height, subject: graph.subjects.has(name) };
      if (!Object.hasOwn(map.collections, name)) {
        const kind = kinds.get(name);
        return {
          ...at,
          title: printable(kind?.title ?? name),
          table: '',
          about: printable(kind?.value ?? ''),
          erasure: 'none',
          family: 'other',
        };
      }
      const each = explainCollection(map, name);
      const secrets = each.columns.filter((column) => column.never).length;
      return {
        ...at,
        title: each.title,
        table: each.table,
        about: `${each.columns.length} ${each.columns.length === 1 ? 'column' : 'columns'}${secrets === 0 ? '' : `, ${secrets} secret`}`,
        erasure: each.erasure,
        family: each.family,
      };
    }),
    edges: graph.nodes.flatMap((name) =>
      (incoming.get(name) ?? []).map((edge, place) => drawn(edge, place, placed)),
    ),
  };
}

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly column: number;
}

function placedAt(placed: ReadonlyMap<string, Placed>, name: string): Placed {
  const found = placed.get(name);
  if (found === undefined) throw new Error('a node has no place');
  return found;
}

/** A line into the node's left side; from a node that isn't to its left, round by the left. */
function drawn(
  edge: MapEdge,
  place: number,
  placed: ReadonlyMap<string, Placed>,
): MapPicture['edges'][number] {
  const from = placedAt(placed, edge.from);
  const to = placedAt(placed, edge.to);
  const endY = to.y + (place + 1) * portGap;
  const forward = from.column < to.column;
  const startX = forward ? from.x + nodeWidth : from.x;
  const startY = forward ? from.y + from.height / 2 : from.y + from.height - 8;
  const bend = forward ? gap / 3 : -40;
  const points = [startX, startY, startX + bend, startY, to.x - (forward ? gap / 3 : 40), endY, to.x, endY];
  const [a, b, c, d, e, f, g, h] = points.map(Math.round);
  return {
    from: edge.from,
    to: edge.to,
    number: edge.number,
    says: edge.says,
    label: shortened(`${edge.number === null ? '' : `${edge.number}: `}${edge.says}`),
    detached: edge.detached,
    line: `M ${a} ${b} C ${c} ${d}, ${e} ${f}, ${g} ${h}`,
    labelX: to.x - 10,
    labelY: endY - 4,
  };
}
