import type { Catalogue, CatalogueColumn } from './catalogue.ts';
import type { Collection, DataMap, SubjectPath } from './map.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/** A variable of a generated function that holds the keys other rows hang on. */
export interface KeyVariable {
  readonly name: string;
  /** Name in a plan's frozen scope, e.g. `workspaces.id`. */
  readonly scope: string;
  readonly type: string;
  readonly select: string;
}

/** How one path narrows a table `t` to the subject's rows. */
export interface PathCondition {
  readonly path: SubjectPath;
  /** Condition on alias `t`. */
  readonly condition: string;
  /** The array variable the path goes through; null when it compares with the subject's key itself. */
  readonly variable: KeyVariable | null;
  /** The compared expression on alias `t`, without the comparison. */
  readonly expression: string;
}

export interface SubjectConditions {
  /** In the order in which they must be assigned. */
  readonly variables: readonly KeyVariable[];
  readonly paths: readonly PathCondition[];
}

/** The column as the live database has it; the map was checked against it before. */
export function columnOf(catalogue: Catalogue, held: Collection, column: string): CatalogueColumn {
  const found = catalogue.tables.get(held.table)?.get(column);
  if (found === undefined) throw new Error(`unchecked map: ${held.table}.${column}`);
  return found;
}

/** Type as written in SQL; its schema is named when it isn't the catalogue's. */
export function typeOf(column: CatalogueColumn): string {
  if (column.typeSchema === 'pg_catalog') return column.type;
  return `${quoteIdentifier(column.typeSchema)}.${quoteIdentifier(column.type.slice(column.typeSchema.length + 1))}`;
}

/** Whether equality on the type is the catalogue's own, exact and immune to other operators. */
export function isBase(column: CatalogueColumn): boolean {
  return column.typeSchema === 'pg_catalog';
}

/** Type of the subject's key. */
export function subjectKeyType(map: DataMap, catalogue: Catalogue): string {
  const holder = collectionNamed(map, map.subject.collection);
  const column = columnOf(catalogue, holder, map.subject.key);
  return isBase(column) ? column.type : 'text';
}

export function collectionNamed(map: DataMap, name: string): Collection {
  const found = map.collections[name];
  if (found === undefined) throw new Error(`unchecked map: ${name}`);
  return found;
}

/** Conditions that narrow `collection` to one subject, whose key is in `v_key`. */
export function subjectConditions(
  map: DataMap,
  catalogue: Catalogue,
  held: Collection,
  options: { readonly leaveOut?: (path: SubjectPath) => boolean } = {},
): SubjectConditions {
  const variables: KeyVariable[] = [];
  const paths = held.subject
    .filter((each) => options.leaveOut?.(each) !== true)
    .map((each) => condition(map, catalogue, held, each, variables, []));
  return { variables, paths };
}

function condition(
  map: DataMap,
  catalogue: Catalogue,
  held: Collection,
  path: SubjectPath,
  variables: KeyVariable[],
  trail: readonly string[],
): PathCondition {
  const column = columnOf(catalogue, held, path.column);
  const raw = `t.${quoteIdentifier(path.column)}`;
  if (path.of === undefined) {
    const expression = isBase(column) ? raw : `${raw}::text`;
    const compared =
      isBase(column) && column.type === subjectKeyType(map, catalogue) ? 'v_key' : 'v_key::text';
    const left = compared === 'v_key' ? expression : `${raw}::text`;
    return { path, condition: `${left} = ${compared}`, variable: null, expression: left };
  }
  const variable = keyVariable(
    map,
    catalogue,
    path.of,
    path.key ?? '',
    path.ignoreCase,
    column,
    variables,
    trail,
  );
  const expression = path.ignoreCase
    ? `lower(${raw}::text)`
    : variable.type === column.type
      ? raw
      : `${raw}::text`;
  return { path, condition: `${expression} = any (${variable.name})`, variable, expression };
}

function keyVariable(
  map: DataMap,
  catalogue: Catalogue,
  parentName: string,
  key: string,
  ignoreCase: boolean,
  child: CatalogueColumn,
  variables: KeyVariable[],
  trail: readonly string[],
): KeyVariable {
  if (trail.includes(parentName)) throw new Error(`the map's paths go round in a circle at ${parentName}`);
  const parent = collectionNamed(map, parentName);
  const column = columnOf(catalogue, parent, key);
  const sameType = !ignoreCase && isBase(column) && isBase(child) && column.type === child.type;
  const name = `v_${parentName}_${key.replaceAll(/[^a-z0-9_]/gi, '_')}${ignoreCase ? '_lower' : sameType ? '' : '_text'}`;
  const known = variables.find((each) => each.name === name);
  if (known !== undefined) return known;
  const conditions = parent.subject.map((each) =>
    condition(map, catalogue, parent, each, variables, [...trail, parentName]),
  );
  const value = ignoreCase
    ? `lower(t.${quoteIdentifier(key)}::text)`
    : sameType
      ? `t.${quoteIdentifier(key)}`
      : `t.${quoteIdentifier(key)}::text`;
  const made: KeyVariable = {
    name,
    scope: `${parentName}.${key}${ignoreCase ? '.lower' : ''}`,
    type: sameType ? column.type : 'text',
    select: `select distinct ${value} from ${quoteTable(parent.table)} t where (${conditions.map((each) => each.condition).join(' or ')}) and t.${quoteIdentifier(key)} is not null`,
  };
  variables.push(made);
  return made;
}

/** `declare` lines for the subject's key and its variables. */
export function declareVariables(
  map: DataMap,
  catalogue: Catalogue,
  variables: readonly KeyVariable[],
): string {
  return [
    `  v_key ${subjectKeyType(map, catalogue)};`,
    ...variables.map((each) => `  ${each.name} ${each.type}[];`),
  ].join('\n');
}

/** Assigns the variables from the live rows. */
export function assignLive(variables: readonly KeyVariable[]): string {
  return variables.map((each) => `  ${each.name} := array(${each.select});`).join('\n');
}

/** Assigns the variables from a plan's frozen scope. */
export function assignFrozen(variables: readonly KeyVariable[]): string {
  return variables
    .map(
      (each) =>
        `  ${each.name} := array(select x.value::${each.type} from jsonb_array_elements_text(coalesce(p_scope -> ${quoteLiteral(each.scope)}, '[]')) x(value));`,
    )
    .join('\n');
}
