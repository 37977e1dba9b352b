/** An object to put. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** An object as the bucket itself holds it, hashed there. */
export interface FoundObject {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly contentType: string;
}

export type ObjectStoreOrder =
  | {
      readonly order: 'start';
      readonly folder: string;
      readonly bucket: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    }
  | { readonly order: 'put'; readonly objects: readonly StoredObject[] }
  | { readonly order: 'list' };

export type ObjectStoreAnswer =
  | { readonly answer: 'ready'; readonly endpoint: string }
  | { readonly answer: 'done' }
  | { readonly answer: 'listed'; readonly objects: readonly FoundObject[] }
  | { readonly answer: 'failed'; readonly message: string };
