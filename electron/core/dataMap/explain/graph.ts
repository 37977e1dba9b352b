import { firstKind, kindsOf, type Collection, type DataMap, type SubjectPath } from '../map.ts';
import { printable } from '../mapText.ts';

/** A kind of people a map is about: the rows of a collection, or a key that other rows carry. */
export interface SubjectKind {
  readonly name: string;
  readonly title: string;
  /** Collection whose rows they are; null when they have no table of their own. */
  readonly collection: string | null;
  readonly key: readonly string[];
  /** What the key is called, of people without a table: e.g. phone number. */
  readonly value: string | null;
}

/** How rows of one node belong to rows of another. */
export interface MapEdge {
  /** The node nearer to the subject. */
  readonly from: string;
  readonly to: string;
  /** Number of the path in its collection, from 1; null for columns that are only set to null at erasure. */
  readonly number: number | null;
  /** The path in words: columns → key. */
  readonly says: string;
  /** Whether erasure sets the columns to null instead of taking the row. */
  readonly detached: boolean;
}

export interface MapGraph {
  /** Collections, and the kinds of subject without one. */
  readonly nodes: readonly string[];
  readonly edges: readonly MapEdge[];
  /** Nodes that are the subjects. */
  readonly subjects: ReadonlySet<string>;
  /** Steps from the nearest subject; a node that none leads to is missing. */
  readonly distance: ReadonlyMap<string, number>;
}

/** The kinds of subject of a map; the only place here that knows how a map names them. */
export function subjectKinds(map: DataMap): readonly SubjectKind[] {
  return kindsOf(map).map(({ kind, subject: { title, collection, key, value } }) => ({
    name: kind,
    title,
    collection,
    key,
    value: value?.title ?? null,
  }));
}

/** The node that stands for a kind of subject. */
export function nodeOfKind(kind: SubjectKind): string {
  return kind.collection ?? `subject ${kind.name}`;
}

function kindOfPath(map: DataMap, path: SubjectPath): SubjectKind {
  const kind = subjectKinds(map).find((each) => each.name === path.kind);
  if (kind === undefined) throw new Error(`unchecked map: no subject ${path.kind}`);
  return kind;
}

function together(names: readonly string[]): string {
  const shown = names.map(printable);
  return shown.length === 1 ? (shown[0] ?? '') : `(${shown.join(', ')})`;
}

function sayKey({ name, title, collection, key, value }: SubjectKind): string {
  return collection === null
    ? `${printable(title)}: ${printable(value ?? name)}`
    : `${collection}.${together(key)}`;
}

/** A path in words: `workspace_id → workspaces.id`; whose it is, where it isn't about the first kind of people. */
export function sayPath(map: DataMap, path: SubjectPath): string {
  const kind = kindOfPath(map, path);
  const to = path.of === undefined ? sayKey(kind) : `${path.of}.${together(path.keys)}`;
  const whose =
    path.of === undefined || kind.name === firstKind(map).kind ? '' : `, of a ${printable(kind.title)}`;
  return `${together(path.columns)} → ${to}${path.ignoreCase ? ', without regard to case' : ''}${whose}`;
}

/** Whether a path only says that the subject's own rows are the subject's. */
export function isSubjectItself(map: DataMap, name: string, path: SubjectPath): boolean {
  const kind = kindOfPath(map, path);
  return (
    path.of === undefined &&
    kind.collection === name &&
    path.columns.length === kind.key.length &&
    path.columns.every((column, place) => kind.key[place] === column)
  );
}

/** Paths that `detach` names, in the form of paths. */
export function detachedPaths(map: DataMap, held: Collection): readonly SubjectPath[] {
  return held.detach.map((each) =>
    typeof each === 'string'
      ? { kind: firstKind(map).kind, columns: [each], of: undefined, keys: [], ignoreCase: false }
      : each,
  );
}

function samePath(one: SubjectPath, other: SubjectPath): boolean {
  return (
    JSON.stringify([one.kind, one.columns, one.of, one.keys]) ===
    JSON.stringify([other.kind, other.columns, other.of, other.keys])
  );
}

/** The map as a graph from its subjects. */
export function graphOf(map: DataMap): MapGraph {
  const kinds = subjectKinds(map);
  const target = (path: SubjectPath): string => path.of ?? nodeOfKind(kindOfPath(map, path));
  const edges = Object.entries(map.collections).flatMap(([name, held]): MapEdge[] => {
    const detached = detachedPaths(map, held);
    const edge = (path: SubjectPath, number: number | null): MapEdge => ({
      from: target(path),
      to: name,
      number,
      says: sayPath(map, path),
      detached: detached.some((each) => samePath(each, path)),
    });
    return [
      ...held.subject.flatMap((path, place) =>
        isSubjectItself(map, name, path) ? [] : [edge(path, place + 1)],
      ),
      ...detached
        .filter((path) => !held.subject.some((each) => samePath(each, path)))
        .map((path) => edge(path, null)),
    ];
  });
  const subjects = new Set(kinds.map(nodeOfKind));
  return {
    nodes: [...new Set([...subjects, ...Object.keys(map.collections)])],
    edges,
    subjects,
    distance: distances(subjects, edges),
  };
}

/** Breadth first over the paths; what is only set to null leads nowhere. */
function distances(subjects: ReadonlySet<string>, edges: readonly MapEdge[]): ReadonlyMap<string, number> {
  const onward = Map.groupBy(
    edges.filter((each) => each.number !== null),
    (each) => each.from,
  );
  const distance = new Map([...subjects].map((name) => [name, 0]));
  let reached: readonly string[] = [...subjects];
  for (let steps = 1; reached.length > 0; steps++) {
    const next = new Set(
      reached
        .flatMap((name) => (onward.get(name) ?? []).map((each) => each.to))
        .filter((name) => !distance.has(name)),
    );
    for (const name of next) distance.set(name, steps);
    reached = [...next];
  }
  return distance;
}
