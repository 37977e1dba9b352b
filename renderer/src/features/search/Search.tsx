import { Button, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import type { OutputOf } from '#shared/contract/index.ts';
import type { SearchHit } from '#shared/contract/subjects.ts';
import { en } from '#shared/strings/en.ts';
import { holdAccess } from '../../client/accesses.ts';
import { call, type CallFailed } from '../../client/call.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { heldSearch, holdSearch, takeSearch, type HeldSearch } from '../../client/searchText.ts';
import { useMay } from '../../client/session.ts';
import { Empty, FailureNote, Page, Panel, Reference, Waiting } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { formatPhone } from '../../components/format.ts';
import { WhyPicker, whyInput, type Why } from '../../components/WhyPicker.tsx';
import styles from './search.module.css';

/** Milliseconds of rest after which a text is searched without Enter. */
const pause = 400;
/** Shorter texts wait for Enter: each search is recorded and counts against the hour's budget. */
const shortestPaused = 3;
const longest = 20_000;

/** What was asked last; its turn tells it apart from an earlier search for the same text, so that Enter searches anew. */
type Asked = NonNullable<HeldSearch['asked']>;
/** Milliseconds for which hits outlive the screen, so that coming back from a person shows them again. */
const keepHits = 600_000;

/** Up to three names; of somebody known in other people's workspaces, in how many. */
function workspacesOf({ workspaces, tenants }: SearchHit): string {
  const names = workspaces.join(', ') || en.common.nothing;
  return tenants === null ? names : en.search.tenants(tenants, names);
}

/** One box for people; masked hits with why each matched. */
export function Search(): ReactNode {
  const [parameters] = useSearchParams();
  const fromRequest = Number(parameters.get('request') ?? '') || null;
  const navigate = useNavigate();
  const works = useMay(['operator']);
  const box = useRef<HTMLInputElement>(null);
  const [start] = useState(() => {
    const handed = takeSearch();
    const held = heldSearch();
    const same =
      held !== null && handed === null && (fromRequest === null || held.why.requestId === fromRequest);
    return {
      text: handed ?? (same ? held.text : ''),
      why: held !== null && (fromRequest === null || same) ? held.why : null,
      asked: same ? held.asked : null,
    };
  });
  const [text, setText] = useState(start.text);
  const [why, setWhy] = useState<Why>(start.why ?? { by: 'request', requestId: fromRequest, reason: '' });
  const [asked, setAsked] = useState<Asked | null>(start.asked);
  useEffect(() => {
    holdSearch({ text, why, asked });
  }, [text, why, asked]);
  const requests = useRead('requests.list', { state: 'open' });
  const open = useMemo(() => requests.data?.requests ?? [], [requests.data]);
  const current = why.by === 'request' ? open.find((request) => request.id === why.requestId) : undefined;

  const found = useQuery<OutputOf<'search.run'>, CallFailed>({
    queryKey: ['search.run', asked],
    queryFn: () => {
      if (!asked) throw new Error('A search ran without a text.');
      return call('search.run', { text: asked.text, ...asked.why });
    },
    enabled: asked !== null,
    // A search that was recorded is not run again by itself.
    staleTime: Infinity,
    gcTime: keepHits,
  });

  const given = whyInput(why);
  const wanted = text.trim();

  function run(): void {
    if (wanted === '' || given === null || text.length > longest) return;
    setAsked((before) => ({ text: wanted, why: given, turn: (before?.turn ?? 0) + 1 }));
  }

  const runRef = useRef(run);
  useEffect(() => {
    runRef.current = run;
  });
  const reasonKey = given === null ? '' : JSON.stringify(given);
  useEffect(() => {
    // A blank changes nothing to search for, but somebody is still typing.
    const rested = text.trim();
    if (rested.length < shortestPaused || rested === asked?.text || reasonKey === '') return;
    const timer = window.setTimeout(() => {
      runRef.current();
    }, pause);
    return () => {
      window.clearTimeout(timer);
    };
  }, [text, asked?.text, reasonKey]);

  useEffect(() => {
    box.current?.focus();
  }, []);

  const link = useWrite('requests.link', ({ request, entry }) => {
    tell(en.request.linked, entry);
    void navigate(paths.request(request.id));
  });
  const opening = useWrite('subjects.open', ({ access }, input) => {
    holdAccess(access, input.reason ?? null);
    void navigate(paths.person(access.subject, access.requestId));
  });

  function openHit(hit: SearchHit): void {
    if (given === null) return;
    opening.mutate({ subject: hit.subject, ...given });
  }

  const linkable = works && current !== undefined && current.subject === null ? current : undefined;
  const columns = useMemo((): readonly DataColumn<SearchHit>[] => {
    const shown: DataColumn<SearchHit>[] = [
      {
        id: 'name',
        title: en.search.columns.name,
        width: 'minmax(140px, 1.3fr)',
        cell: (hit) => <CellText>{hit.name ?? en.common.nothing}</CellText>,
      },
      {
        id: 'kind',
        title: en.search.columns.kind,
        width: 'minmax(136px, 0.7fr)',
        cell: (hit) => <span title={hit.controller ?? undefined}>{hit.kindTitle}</span>,
      },
      {
        id: 'email',
        title: en.search.columns.email,
        width: 'minmax(140px, 1.3fr)',
        cell: (hit) => <CellText>{hit.email ?? en.common.nothing}</CellText>,
      },
      {
        id: 'phone',
        title: en.search.columns.phone,
        width: 'minmax(128px, 0.8fr)',
        cell: (hit) => <CellText>{hit.phone === null ? en.common.nothing : formatPhone(hit.phone)}</CellText>,
      },
      {
        id: 'workspaces',
        title: en.search.columns.workspaces,
        width: 'minmax(120px, 1fr)',
        cell: (hit) => <CellText dim>{workspacesOf(hit)}</CellText>,
      },
      {
        id: 'matched',
        title: en.search.columns.matched,
        width: 'minmax(224px, 1.4fr)',
        cell: (hit) => (
          <span className={styles['badges']}>
            {hit.matched.map((match) => (
              <span
                key={`${match.field} ${match.how}`}
                className={`${styles['badge'] ?? ''} ${match.how === 'exact' || match.how === 'identifier' ? (styles['exact'] ?? '') : ''}`}
              >
                {match.how === 'identifier'
                  ? en.search.how.identifier
                  : `${en.search.field[match.field] ?? match.field} ${en.search.how[match.how]}`}
              </span>
            ))}
          </span>
        ),
      },
      {
        id: 'reference',
        title: en.search.columns.reference,
        width: '136px',
        cell: (hit) => <Reference text={hit.subject} />,
      },
    ];
    if (linkable) {
      shown.push({
        id: 'link',
        title: en.search.linkIt,
        width: '80px',
        cell: (hit) => (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={`${en.search.link(linkable.id)}: ${hit.subject}`}
            title={en.search.link(linkable.id)}
            onClick={(event) => {
              event.stopPropagation();
              link.mutate({ id: linkable.id, subject: hit.subject });
            }}
          >
            {en.search.linkIt}
          </Button>
        ),
      });
    }
    return shown;
  }, [linkable, link]);

  const tooLong = text.length > longest;
  return (
    <Page title={en.search.title} lead={en.search.hint}>
      <div className={styles['box']} role="search">
        <TextInput
          ref={box}
          size="md"
          type="search"
          aria-label={en.search.label}
          placeholder={en.search.placeholder}
          leftSection={<IconSearch size={18} aria-hidden />}
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') run();
            if (event.key === 'ArrowDown') {
              document.querySelector<HTMLElement>('#hits [role="grid"]')?.focus();
              event.preventDefault();
            }
            if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        <div className={styles['reason']}>
          <WhyPicker why={why} requests={open} onChange={setWhy} />
          {current ? <Link to={paths.request(current.id)}>{en.common.request(current.id)}</Link> : null}
        </div>
      </div>
      {link.error ? <FailureNote failure={link.error} /> : null}
      {opening.error ? <FailureNote failure={opening.error} /> : null}
      <Panel flush className={styles['grow'] ?? ''} label={en.search.title}>
        <div id="hits" style={{ display: 'contents' }}>
          <Hits
            found={found}
            asked={asked !== null}
            tooLong={tooLong}
            needsWhy={wanted !== '' && given === null}
            columns={columns}
            onOpen={openHit}
          />
        </div>
      </Panel>
      <div className={styles['meta']} role="status">
        {found.isFetching ? (
          <span>{en.search.running}</span>
        ) : found.data && asked ? (
          <>
            <span>{en.search.results(found.data.hits.length, found.data.more)}</span>
            {found.data.more ? <span>{en.search.moreHint}</span> : null}
            <Link to={paths.entry(found.data.entry)}>{en.search.recorded(found.data.entry)}</Link>
          </>
        ) : null}
      </div>
    </Page>
  );
}

function Hits(props: {
  readonly found: {
    readonly data: OutputOf<'search.run'> | undefined;
    readonly error: CallFailed | null;
    readonly isFetching: boolean;
    readonly refetch: () => unknown;
  };
  readonly asked: boolean;
  readonly tooLong: boolean;
  readonly needsWhy: boolean;
  readonly columns: readonly DataColumn<SearchHit>[];
  readonly onOpen: (hit: SearchHit) => void;
}): ReactNode {
  const { found } = props;
  if (props.tooLong) return <Empty centre title={en.search.tooLongTitle} text={en.search.tooLongText} />;
  if (props.needsWhy) return <Empty centre title={en.search.needWhy} text={en.why.needed} />;
  if (!props.asked) return <Empty centre title={en.search.idleTitle} text={en.search.idleText} />;
  // A newer search cancels the older one on the server; its end is not the person's failure.
  if (found.error && found.error.code !== 'cancelled') {
    return (
      <div style={{ padding: 16 }}>
        <FailureNote failure={found.error} onRetry={() => void found.refetch()} />
      </div>
    );
  }
  if (!found.data) return <Waiting rows={8} />;
  if (found.data.hits.length === 0)
    return <Empty centre title={en.search.noneTitle} text={en.search.noneText} />;
  return (
    <DataTable
      label={en.search.title}
      columns={props.columns}
      rows={found.data.hits}
      rowKey={(hit) => hit.subject}
      rowHeight={40}
      takesKeys
      onOpen={props.onOpen}
    />
  );
}
