import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { openMapText, printable, type MapPlaces, type Place } from '../mapText.ts';

/** A Fides dataset file, and how errors name it. */
export interface FidesFile {
  readonly file: string;
  readonly text: string;
}

const fidesKey = z.string().min(1).max(200);
/** What becomes a name in the database. */
const name = z.string().min(1).max(63);
const categories = z.array(z.string().min(1).max(200)).max(100).nullish();

const reference = z.looseObject({
  dataset: fidesKey,
  field: z.string().min(1).max(1_000),
  direction: z.enum(['from', 'to']).nullish(),
});

const override = z
  .looseObject({
    strategy: z.string().max(100),
    configuration: z.record(z.string(), z.unknown()).nullish(),
  })
  .nullish();

const fieldMeta = z
  .looseObject({
    references: z.array(reference).max(100).nullish(),
    identity: z.string().max(100).nullish(),
    primary_key: z.boolean().nullish(),
    data_type: z.string().max(100).nullish(),
    length: z.number().nullish(),
    read_only: z.boolean().nullish(),
    masking_strategy_override: override,
  })
  .nullish();
export type FidesFieldMeta = NonNullable<z.output<typeof fieldMeta>>;
export type FidesReference = z.output<typeof reference>;

/** A column, or with `fields` an object within one. */
export interface FidesField {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly data_categories?: string[] | null | undefined;
  readonly fides_meta?: FidesFieldMeta | null | undefined;
  readonly fidesops_meta?: FidesFieldMeta | null | undefined;
  readonly fields?: FidesField[] | null | undefined;
  readonly [other: string]: unknown;
}

const field: z.ZodType<FidesField> = z.lazy(() =>
  z.looseObject({
    name,
    description: z.string().nullish(),
    data_categories: categories,
    fides_meta: fieldMeta,
    fidesops_meta: fieldMeta,
    fields: z.array(field).max(2_000).nullish(),
  }),
);

const collectionMeta = z
  .looseObject({
    skip_processing: z.boolean().nullish(),
    masking_strategy_override: override,
  })
  .nullish();

const collection = z.looseObject({
  name,
  description: z.string().nullish(),
  data_categories: categories,
  retention: z.string().nullish(),
  fides_meta: collectionMeta,
  fidesops_meta: collectionMeta,
  fields: z.array(field).max(2_000),
});
export type FidesCollection = z.output<typeof collection>;

const datasetMeta = z
  .looseObject({ namespace: z.looseObject({ schema: name.nullish() }).nullish() })
  .nullish();

const dataset = z.looseObject({
  fides_key: fidesKey,
  name: z.string().nullish(),
  description: z.string().nullish(),
  data_categories: categories,
  fides_meta: datasetMeta,
  fidesops_meta: datasetMeta,
  collections: z.array(collection).max(5_000),
});
export type FidesDataset = z.output<typeof dataset>;

/** A dataset, and where it stands in its file. */
export interface OpenedDataset {
  readonly dataset: FidesDataset;
  readonly file: string;
  readonly place: Place;
  readonly places: MapPlaces;
}

/** The fields that may be written at a place, for the error that says what to write instead; those not known are kept, not refused. */
const noFields = (): readonly string[] => [];

/**
 * Reads the datasets of a file: a list under `dataset`, a bare list, or one dataset by itself.
 * @throws ExpectedError `invalid_input` with file, line and column of the first thing that is wrong
 */
export function openDatasets({ file, text }: FidesFile): readonly OpenedDataset[] {
  const { value, places } = openMapText(text, file, 'The dataset');
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const held = isObject && 'dataset' in value ? value.dataset : value;
  const above: Place = isObject && 'dataset' in value ? ['dataset'] : [];
  const alone = isObject && !('dataset' in value);
  if (alone && !('fides_key' in value))
    throw places.wrong([], 'it has no “dataset”; write dataset: and below it a list of datasets');
  const list: unknown = alone ? [held] : held;
  if (!Array.isArray(list))
    throw places.wrong(above, '“dataset” must be a list; write each dataset as - fides_key: NAME');
  return list.map((each: unknown, number): OpenedDataset => {
    const place: Place = alone ? [] : [...above, number];
    const parsed = dataset.safeParse(each);
    if (!parsed.success)
      throw places.firstOf(
        parsed.error.issues.map((issue) => ({ ...issue, path: [...place, ...issue.path] })),
        noFields,
      );
    return { dataset: parsed.data, file: printable(file), place, places };
  });
}

/** Two things of one name can't be told apart by what refers to them. */
export function refuseTwins(opened: readonly OpenedDataset[]): void {
  const keys = new Set<string>();
  for (const { dataset: held, places, place } of opened) {
    if (keys.has(held.fides_key))
      throw places.wrong(
        [...place, 'fides_key'],
        `there are two datasets ${held.fides_key}; give each its own fides_key`,
      );
    keys.add(held.fides_key);
    const names = new Set<string>();
    for (const [number, each] of held.collections.entries()) {
      const at: Place = [...place, 'collections', number];
      if (names.has(each.name))
        throw places.wrong([...at, 'name'], `there are two collections ${each.name}; join them`);
      names.add(each.name);
      const fields = new Set<string>();
      for (const [order, one] of each.fields.entries()) {
        if (fields.has(one.name))
          throw places.wrong(
            [...at, 'fields', order, 'name'],
            `${each.name} has two fields ${one.name}; join them`,
          );
        fields.add(one.name);
      }
    }
  }
  if (opened.length === 0)
    throw new ExpectedError('invalid_input', 'The files hold no dataset; name Fides dataset files.');
}
