import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { cancelled } from '#core/kernel/errors.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { compiledAcross } from '#core/subjects/index.ts';
import type { MappedSubject } from '#shared/contract/dataMap.ts';
import { redactedObjects, type Redaction } from './redactions.ts';
import { namesEveryObject, type ExportScope } from './scope.ts';

/** An object of R2 that belongs into a package, or was kept out of it. */
export interface HeldObject {
  readonly key: string;
  readonly contentType: string;
  /** The row that names it, with what it says; null for one found under the person's prefix alone. */
  readonly row: { readonly collection: string; readonly id: string } | null;
  readonly rowBytes: number | null;
  readonly rowSha256: string | null;
  /** ETag under which it was listed; null where no list has it. */
  readonly listedEtag: string | null;
  readonly redaction: Redaction | null;
}

const objectRow = z.object({
  collection: z.string(),
  rowKey: z.string(),
  key: z.string(),
  contentType: z.string().nullable(),
  bytes: z.coerce.number().nullable(),
  sha256: z.string().nullable(),
});

/**
 * First the objects that rows name, in no order, then those that lie under the person's prefixes without a row.
 * `rowsRead` is called when the database isn't needed any more.
 */
export async function* heldObjects(
  from: {
    readonly reader: Reader;
    readonly store: Pick<ObjectStore, 'list'>;
    readonly subject: MappedSubject;
    readonly access: number;
    readonly scope: ExportScope;
    readonly redactions: readonly Redaction[];
  },
  rowsRead: () => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<HeldObject> {
  const { reader, store, subject, access, scope } = from;
  const redacted = redactedObjects(from.redactions);
  const prefixes = await reader.rows(
    {
      text: `select p as prefix from ${compiledAcross('object_prefixes', subject)}($1::bigint) p`,
      values: [access],
    },
    z.object({ prefix: z.string() }),
    { signal },
  );
  const named = await reader.rows(
    {
      text: `select collection, row_key as "rowKey", key, content_type as "contentType", bytes, sha256 from ${compiledAcross('object_rows', subject)}($1::bigint)`,
      values: [access],
    },
    objectRow,
    { signal },
  );
  await rowsRead();
  const listed = new Map<string, string>();
  for (const { prefix } of namesEveryObject(scope) ? prefixes : []) {
    for await (const object of store.list(prefix, { signal })) listed.set(object.key, object.etag);
  }
  for (const each of named) {
    if (signal.aborted) throw cancelled('The export');
    const row = { collection: each.collection, id: each.rowKey };
    const listedEtag = listed.get(each.key) ?? null;
    listed.delete(each.key);
    yield {
      key: each.key,
      contentType: each.contentType ?? 'application/octet-stream',
      row,
      rowBytes: each.bytes,
      rowSha256: each.sha256,
      listedEtag,
      redaction: redacted(each.key, row),
    };
  }
  for (const [key, etag] of listed) {
    yield {
      key,
      contentType: 'application/octet-stream',
      row: null,
      rowBytes: null,
      rowSha256: null,
      listedEtag: etag,
      redaction: redacted(key, null),
    };
  }
}
