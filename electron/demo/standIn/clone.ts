/**
 * Values as text between processes and worlds, with the types of the structured clone. One function
 * without outer references, because its source also runs in the page. `functions` carries functions
 * and promises where a bridge can; without it they are refused as a clone refuses them.
 */
export interface CarryFunctions {
  out(value: object): [kind: 'function' | 'promise', id: number] | undefined;
  into(kind: string, id: number): unknown;
}

export interface Clone {
  encode(value: unknown): string;
  decode(text: string): unknown;
}

export function makeClone(functions?: CarryFunctions): Clone {
  // Taken now: a page may replace them later.
  const { stringify, parse } = JSON;
  const { keys, is, defineProperty } = Object;
  const { isArray, from } = Array;
  const isView = ArrayBuffer.isView;
  const text = String;
  const typed: Record<string, new (buffer: ArrayBuffer) => ArrayBufferView> = {
    Uint8Array,
    Uint8ClampedArray,
    Int8Array,
    Uint16Array,
    Int16Array,
    Uint32Array,
    Int32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
  };

  function pack(value: unknown, above: readonly object[]): unknown {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (value === undefined) return ['undefined'];
    if (typeof value === 'number') {
      return value - value === 0 && !is(value, -0) ? value : ['number', is(value, -0) ? '-0' : text(value)];
    }
    if (typeof value === 'bigint') return ['bigint', text(value)];
    if (typeof value === 'symbol') throw new TypeError('DataCloneError: a symbol could not be cloned.');
    const carried = functions?.out(value);
    if (carried) return carried;
    if (typeof value === 'function' || value instanceof Promise) {
      throw new TypeError('DataCloneError: a function or promise could not be cloned.');
    }
    if (above.includes(value)) throw new TypeError('DataCloneError: the stand-in carries no cycles.');
    const inner = [...above, value];
    if (inner.length > 1000) throw new TypeError('DataCloneError: nested deeper than 1000.');
    if (isArray(value)) return ['array', from(value, (item: unknown) => pack(item, inner))];
    if (value instanceof Date) return ['date', pack(value.getTime(), inner)];
    if (value instanceof RegExp) return ['regexp', value.source, value.flags];
    if (value instanceof Error) return ['error', text(value.name), text(value.message)];
    if (value instanceof Map) return ['map', from(value, (pair: unknown) => pack(pair, inner))];
    if (value instanceof Set) return ['set', from(value, (item: unknown) => pack(item, inner))];
    if (value instanceof ArrayBuffer) return ['ArrayBuffer', bytesToText(new Uint8Array(value))];
    if (isView(value)) {
      const kind = value[Symbol.toStringTag as never] as string;
      return [
        kind in typed ? kind : 'Uint8Array',
        bytesToText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)),
      ];
    }
    return ['object', keys(value).map((key) => [key, pack((value as Record<string, unknown>)[key], inner)])];
  }

  function unpack(packed: unknown): unknown {
    if (!isArray(packed)) return packed;
    const [kind, first, second] = packed as [string, unknown, unknown];
    const list = first as unknown[];
    if (kind === 'undefined') return undefined;
    if (kind === 'number') return Number(first);
    if (kind === 'bigint') return BigInt(first as string);
    if (kind === 'array') return list.map(unpack);
    if (kind === 'date') return new Date(unpack(first) as number);
    if (kind === 'regexp') return new RegExp(first as string, second as string);
    if (kind === 'error') return defineProperty(new Error(second as string), 'name', { value: first });
    if (kind === 'map') return new Map(list.map(unpack) as [unknown, unknown][]);
    if (kind === 'set') return new Set(list.map(unpack));
    if (kind === 'ArrayBuffer') return textToBytes(first as string).buffer;
    if (kind === 'function' || kind === 'promise') return functions?.into(kind, first as number);
    const View = typed[kind];
    if (View) return new View(textToBytes(first as string).buffer);
    const object = {};
    for (const [key, value] of first as [string, unknown][]) {
      // Defined, not set: a key named __proto__ stays a key.
      defineProperty(object, key, {
        value: unpack(value),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return object;
  }

  function bytesToText(bytes: Uint8Array): string {
    let binary = '';
    for (let at = 0; at < bytes.length; at += 32_768) {
      binary += String.fromCharCode(...bytes.subarray(at, at + 32_768));
    }
    return btoa(binary);
  }

  function textToBytes(encoded: string): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  }

  return {
    encode: (value) => stringify(pack(value, [])),
    decode: (encoded) => unpack(parse(encoded)),
  };
}
