import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { mapInForce, type MapInForce } from '#core/subjects/index.ts';
import { sql } from '#core/database/sql.ts';
import { dotText, svgText } from '#core/dataMap/explain/drawing.ts';
import { inventoryOf, inventoryText } from '#core/dataMap/explain/inventory.ts';
import { pictureOf } from '#core/dataMap/explain/picture.ts';
import { explainCollection, mapInWords } from '#core/dataMap/explain/words.ts';
import { importFides } from '#core/dataMap/fides/read.ts';
import { exportFides } from '#core/dataMap/fides/write.ts';
import { kindsOf, mapFromCanonical, mapHash, parseMap, type DataMap } from '#core/dataMap/map.ts';
import { printable } from '#core/dataMap/mapText.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';

type Names = 'map.explain' | 'map.inventory' | 'map.saveInventory' | 'map.importFides' | 'map.exportFides';

/** The canonical form of a map is sorted by name; what was described at the install has the order its author gave. */
function inOrder(map: DataMap, { collections }: MapInForce): DataMap {
  const places = new Map(
    collections.map((each) => [
      each.name,
      new Map(
        [...each.columns.map((column) => column.name), ...each.never].map((name, place) => [name, place]),
      ),
    ]),
  );
  const names = [...places.keys()];
  const sorted = <Value>(held: Readonly<Record<string, Value>>, placeOf: (name: string) => number) =>
    Object.fromEntries(Object.entries(held).sort(([one], [other]) => placeOf(one) - placeOf(other)));
  return {
    ...map,
    collections: sorted(
      Object.fromEntries(
        Object.entries(map.collections).map(([name, held]) => [
          name,
          { ...held, columns: sorted(held.columns, (column) => places.get(name)?.get(column) ?? 0) },
        ]),
      ),
      (name) => names.indexOf(name),
    ),
  };
}

/** Says what a map means: to people, to a regulator, to Fides. */
export function explanationOperations(desk: () => Desk): SomeHandlers<Names> {
  const inForce = async (): Promise<DataMap> => {
    const { database } = desk();
    const { text } = await database.row(
      sql`select text from privacy_console.installed_map()`,
      z.object({ text: z.string() }),
    );
    return inOrder(mapFromCanonical(text), await mapInForce(database));
  };
  const wanted = async (
    given: { readonly file: string; readonly text: string } | undefined,
  ): Promise<DataMap> => (given === undefined ? inForce() : parseMap(given.text, given.file));
  return {
    'map.explain': async ({ map: given, drawn }) => {
      const map = await wanted(given);
      const hash = mapHash(map);
      const picture = pictureOf(map);
      const title = `Data map ${hash.slice(0, 12)}, ${printable(map.policy)}`;
      const draw = {
        text: () => mapInWords(map, hash),
        dot: () => dotText(picture, title),
        svg: () => svgText(picture, title),
      } as const;
      return {
        hash,
        policy: printable(map.policy),
        subjects: kindsOf(map).map(({ kind, subject, collections }) => ({
          kind,
          title: printable(subject.title),
          controller: subject.controller === null ? null : printable(subject.controller),
          collections: Object.keys(collections).length,
        })),
        collections: Object.keys(map.collections).map((name) => explainCollection(map, name)),
        picture,
        drawn: drawn === undefined ? null : draw[drawn](),
      };
    },
    'map.inventory': async ({ map: given, format }) => {
      const map = await wanted(given);
      const inventory = inventoryOf(map);
      return {
        record: [...inventory.record],
        entries: [...inventory.entries],
        notes: [...inventory.notes],
        text: format === undefined ? null : inventoryText(inventory, map.policy, format),
      };
    },
    'map.importFides': ({ files, schema }) => {
      const { notes, undecided, ...imported } = importFides(files, schema);
      return Promise.resolve({ ...imported, notes: [...notes], undecided: [...undecided] });
    },
    'map.exportFides': async ({ map: given }) => {
      const { text, notes } = exportFides(await wanted(given));
      return { text, notes: [...notes] };
    },
    'map.saveInventory': async ({ format, file }) => {
      const map = await inForce();
      const inventory = inventoryOf(map);
      // Never over another file.
      await writeFile(file, inventoryText(inventory, map.policy, format), { flag: 'wx', mode: 0o600 }).catch(
        (error: unknown) => {
          const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
          throw new ExpectedError(
            'disk',
            taken
              ? 'There is already a file of that name; choose another.'
              : 'The file can’t be written there; choose a folder that exists and that you may write to.',
          );
        },
      );
      return { file, notes: [...inventory.notes] };
    },
  };
}
