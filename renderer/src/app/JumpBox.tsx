import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconArrowRight, IconFileText, IconInbox, IconSearch, IconUser } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { permits } from '#shared/domain/roles.ts';
import { en } from '#shared/strings/en.ts';
import { useAccesses } from '../client/accesses.ts';
import { paths } from '../paths.ts';
import { useRead, useWrite } from '../client/queries.ts';
import { handOverSearch } from '../client/searchText.ts';
import { useSession } from '../client/session.ts';
import { mayGo, places } from './places.ts';

const icon = 16;
const shownRequests = 30;

/** The jump box: places, commands, requests, references, entries, and a search for people. */
export function JumpBox(props: {
  readonly onNextDue: () => void;
  readonly onLock: () => void;
  readonly onKeys: () => void;
}): ReactNode {
  const session = useSession();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const trusted = session.trailFault === null;
  const requests = useRead('requests.list', { state: 'open' }, { enabled: trusted });
  const accesses = useAccesses();
  const signOut = useWrite('session.signOut');
  const maySearch = trusted && permits(['viewer', 'operator'], session.roles);
  const query = text.trim();

  function go(path: string): () => void {
    return () => void navigate(path);
  }

  const direct: SpotlightActionData[] = [];
  const reference = /^s-[0-9a-f]{12}$/i.exec(query)?.[0].toUpperCase();
  if (reference !== undefined && maySearch) {
    direct.push({
      id: 'reference',
      label: en.jump.openPerson(reference),
      leftSection: <IconUser size={icon} aria-hidden />,
      onClick: go(paths.person(reference)),
    });
  }
  const asNumber = /^#?([0-9]{1,9})$/.exec(query)?.[1];
  if (asNumber !== undefined) {
    if (trusted) {
      direct.push({
        id: 'request-number',
        label: en.jump.openRequest(Number(asNumber)),
        leftSection: <IconInbox size={icon} aria-hidden />,
        onClick: go(paths.request(Number(asNumber))),
      });
    }
    direct.push({
      id: 'entry-number',
      label: en.jump.openEntry(Number(asNumber)),
      leftSection: <IconFileText size={icon} aria-hidden />,
      onClick: go(paths.entry(Number(asNumber))),
    });
  }
  // Last, so that the name of a place leads there; the name of a person matches nothing else and comes first then.
  const searching: SpotlightActionData[] = [];
  if (query !== '' && maySearch && reference === undefined) {
    searching.push({
      id: 'search',
      label: en.jump.searchFor(query),
      description: en.jump.searchHint,
      leftSection: <IconSearch size={icon} aria-hidden />,
      onClick: () => {
        handOverSearch(query);
        void navigate(paths.search);
      },
    });
  }

  const fixed: SpotlightActionGroupData[] = [
    {
      group: en.jump.people,
      actions: [...accesses.values()].map(({ access }) => ({
        id: access.subject,
        label: access.subject,
        leftSection: <IconUser size={icon} aria-hidden />,
        onClick: go(paths.person(access.subject, access.requestId)),
      })),
    },
    {
      group: en.jump.requests,
      actions: (requests.data?.requests ?? []).slice(0, shownRequests).map((request) => ({
        id: `request-${String(request.id)}`,
        label: `${en.common.request(request.id)} · ${en.request.kind[request.kind]}`,
        description: `${en.request.daysLeft(request.daysLeft)} · ${request.assignee ?? en.request.unassigned}`,
        leftSection: <IconInbox size={icon} aria-hidden />,
        onClick: go(paths.request(request.id)),
      })),
    },
    {
      group: en.jump.places,
      actions: places
        .filter((place) => mayGo(place, session))
        .map((place) => ({
          id: place.id,
          label: en.frame.places[place.id],
          leftSection: <place.icon size={icon} aria-hidden />,
          onClick: go(place.path),
        })),
    },
    {
      group: en.jump.commands,
      actions: [
        ...(trusted ? [{ id: 'next', label: en.jump.nextDue, onClick: props.onNextDue }] : []),
        { id: 'lock', label: en.jump.lock, onClick: props.onLock },
        { id: 'keys', label: en.jump.keys, onClick: props.onKeys },
        {
          id: 'sign-out',
          label: en.jump.signOut,
          onClick: () => {
            signOut.mutate({});
          },
        },
      ].map((action) => ({ ...action, leftSection: <IconArrowRight size={icon} aria-hidden /> })),
    },
  ];

  return (
    <Spotlight
      query={text}
      onQueryChange={setText}
      shortcut={null}
      attributes={{ content: { 'aria-label': en.jump.label } }}
      nothingFound={en.jump.nothing}
      limit={40}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: en.jump.placeholder,
        'aria-label': en.jump.label,
      }}
      actions={[
        ...(direct.length > 0 ? [{ group: en.jump.goTo, actions: direct }] : []),
        ...fixed,
        ...(searching.length > 0 ? [{ group: en.frame.places.search, actions: searching }] : []),
      ]}
      filter={(typed, groups) => {
        const words = typed.trim().toLowerCase();
        if (words === '') return groups;
        const matching = groups.flatMap((group): SpotlightActionGroupData[] => {
          if (!('actions' in group)) return [];
          const actions = group.actions.filter(
            (action) =>
              direct.includes(action) ||
              searching.includes(action) ||
              `${action.label ?? ''} ${action.description ?? ''}`.toLowerCase().includes(words),
          );
          return actions.length > 0 ? [{ group: group.group, actions }] : [];
        });
        return matching;
      }}
    />
  );
}
