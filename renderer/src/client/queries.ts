import {
  keepPreviousData,
  QueryClient,
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import type { InputOf, OperationName, OutputOf } from '#shared/contract/index.ts';
import { call, type CallFailed } from './call.ts';

/** A query key is the operation's name and its input, so that a prefix invalidates a whole operation. */
export function readKey<Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
): readonly [Name, InputOf<Name>] {
  return [name, input];
}

/**
 * The cache of one window. Failures are shown, not retried: the person decides. What comes into view shows its last answer
 * and is read again at once, since it may decide whether an act is possible now.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: 0, gcTime: 60_000, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}

export interface ReadOptions<Output> {
  readonly enabled?: boolean;
  /** Milliseconds between repeated reads, for what other people's consoles change; may depend on the last answer. */
  readonly every?: number | ((answer: Output | undefined) => number);
  /** Keep showing the last answer while another input is being read. */
  readonly keepPrevious?: boolean;
  /** Milliseconds the answer stays in memory once nothing shows it. */
  readonly keepFor?: number;
}

/** Reads an operation and keeps the answer fresh. */
export function useRead<Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
  options: ReadOptions<OutputOf<Name>> = {},
): UseQueryResult<OutputOf<Name>, CallFailed> {
  const { every } = options;
  return useQuery<OutputOf<Name>, CallFailed>({
    queryKey: readKey(name, input),
    queryFn: () => call(name, input),
    enabled: options.enabled ?? true,
    refetchInterval: typeof every === 'function' ? (query) => every(query.state.data) : (every ?? false),
    ...(options.keepPrevious ? { placeholderData: keepPreviousData } : {}),
    ...(options.keepFor === undefined ? {} : { gcTime: options.keepFor }),
  });
}

/** Which reads a write makes stale, by the part of its name before the dot. */
const touches: Readonly<Record<string, readonly string[]>> = {
  profiles: ['profiles'],
  database: ['database', 'map'],
  staff: ['staff', 'keys', 'audit'],
  keys: ['keys', 'audit'],
  map: ['map', 'audit'],
  requests: ['requests', 'corrections', 'audit'],
  subjects: ['subjects.page', 'subjects.show', 'subjects.series', 'audit'],
  corrections: ['corrections', 'subjects.page', 'subjects.show', 'requests', 'audit'],
  delivery: ['custody', 'jobs', 'audit'],
  custody: ['custody', 'audit'],
  copies: ['copies', 'audit'],
  reviews: ['reviews.redactions', 'exports', 'audit'],
  exports: ['exports', 'keys', 'requests', 'jobs', 'audit'],
  erasure: ['erasure', 'holds', 'requests', 'jobs', 'audit'],
  batches: ['batches', 'erasure', 'requests', 'jobs', 'audit'],
  holds: ['holds', 'erasure', 'requests', 'audit'],
  restrictions: ['restrictions', 'erasure', 'audit'],
  retention: ['retention', 'jobs', 'audit'],
  audit: ['audit', 'jobs'],
  jobs: ['jobs'],
  packages: ['jobs'],
};

/** Marks every read stale whose operation begins with one of these names. */
export async function invalidate(client: QueryClient, prefixes: readonly string[]): Promise<void> {
  await client.invalidateQueries({
    predicate: (query) => {
      const name = query.queryKey[0];
      return (
        typeof name === 'string' &&
        prefixes.some((prefix) => name === prefix || name.startsWith(`${prefix}.`))
      );
    },
  });
}

/** Runs an operation that changes something, then refreshes what it touched. */
export function useWrite<Name extends OperationName>(
  name: Name,
  onDone?: (output: OutputOf<Name>, input: InputOf<Name>) => void,
): UseMutationResult<OutputOf<Name>, CallFailed, InputOf<Name>> {
  const client = useQueryClient();
  return useMutation<OutputOf<Name>, CallFailed, InputOf<Name>>({
    mutationFn: (input) => call(name, input),
    onSuccess: (output, input) => {
      void invalidate(client, touches[name.split('.')[0] ?? ''] ?? []);
      onDone?.(output, input);
    },
    onError: ({ code }) => {
      if (code === 'schema_drift') void invalidate(client, ['map.gaps']);
    },
  });
}
