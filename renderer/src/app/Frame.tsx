import { Menu, Modal, Popover, useMantineColorScheme } from '@mantine/core';
import { spotlight } from '@mantine/spotlight';
import {
  IconChevronDown,
  IconDeviceDesktop,
  IconKeyboard,
  IconLock,
  IconLogout,
  IconMoon,
  IconSearch,
  IconShieldLock,
  IconStack2,
  IconSun,
} from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, Navigate, NavLink, Outlet, useLocation, useNavigate } from 'react-router';
import type { Session } from '#shared/contract/connections.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { permits } from '#shared/domain/roles.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { call } from '../client/call.ts';
import { paths } from '../paths.ts';
import { useRead, useWrite } from '../client/queries.ts';
import { useSession } from '../client/session.ts';
import { tellFailure } from '../client/notices.tsx';
import { Dim, Note } from '../components/Basics.tsx';
import { JobLine, percentOf } from '../components/JobLine.tsx';
import { useKeys } from '../components/keys.ts';
import { CrashScreen } from './CrashScreen.tsx';
import { JumpBox } from './JumpBox.tsx';
import { Notices } from './Notices.tsx';
import { useExpireCopies } from './expireCopies.ts';
import { useIdleLock } from './idleLock.ts';
import { mayGo, places, type Place } from './places.ts';
import styles from './app.module.css';

/** Milliseconds between looks at what other people's consoles have changed. */
const lookAgain = 30_000;

/** The frame around every screen: environment and person on top, places at the left. */
export function Frame(): ReactNode {
  const session = useSession();
  const navigate = useNavigate();
  const location = useLocation();
  const [keysShown, setKeysShown] = useState(false);
  const lock = useWrite('session.lock');
  const trusted = session.trailFault === null;
  const requests = useRead('requests.list', { state: 'open' }, { every: lookAgain, enabled: trusted });
  const holds = useRead('holds.list', {}, { every: 30_000 });
  const awaiting = useRead('erasure.list', { awaiting: true }, { every: lookAgain, enabled: trusted });
  const corrections = useRead('corrections.list', { waiting: true }, { every: lookAgain, enabled: trusted });
  const batches = useRead('batches.list', { waiting: true }, { every: lookAgain, enabled: trusted });
  const changes = useRead('map.changes', {}, { every: lookAgain, enabled: trusted });
  const retention = useRead('retention.plans', { waiting: true }, { every: lookAgain, enabled: trusted });
  const refresh = awaiting.refetch;
  useEffect(() => {
    // What a step just taken has changed for the badge, without waiting for the next look.
    if (trusted) void refresh({ cancelRefetch: false });
  }, [location.pathname, refresh, trusted]);
  useExpireCopies();
  useIdleLock(() => {
    lock.mutate({});
  });
  const mine = (requests.data?.requests ?? []).filter((request) => request.mine);

  function nextDue(): void {
    const next = [...mine].sort((a, b) => a.daysLeft - b.daysLeft || a.id - b.id);
    const shown = /^\/requests\/([0-9]+)/.exec(location.pathname)?.[1];
    const index = next.findIndex((request) => String(request.id) === shown);
    const target = next[(index + 1) % Math.max(1, next.length)];
    void navigate(target ? paths.request(target.id) : paths.requests);
  }

  const maySearch = permits(['viewer', 'operator'], session.roles);
  useKeys({
    '?': () => {
      setKeysShown(true);
    },
    '/': maySearch
      ? () => {
          void navigate(paths.search);
        }
      : undefined,
    'g d': () => void navigate(paths.desk),
    'g r': () => void navigate(paths.requests),
    'g s': maySearch ? () => void navigate(paths.search) : undefined,
    'g a': () => void navigate(paths.approvals),
    'g t': () => void navigate(paths.trail),
    n: nextDue,
    'Ctrl+l': () => {
      lock.mutate({});
    },
    'Ctrl+k': () => {
      spotlight.toggle();
    },
    Escape: () => {
      if (location.pathname !== '/' && window.history.length > 1) void navigate(-1);
    },
  });

  useEffect(() => {
    if (lock.error) tellFailure(lock.error);
  }, [lock.error]);

  const late = mine.some((request) => request.daysLeft < 0);
  const inForce = (holds.data?.holds ?? []).filter((hold) => hold.liftedAt === null);
  const due = inForce.filter((hold) => hold.due).length;
  const waiting =
    (awaiting.data?.plans.length ?? 0) +
    (corrections.data?.corrections.length ?? 0) +
    (retention.data?.plans.length ?? 0) +
    (batches.data?.batches.length ?? 0) +
    inForce.filter((hold) => hold.lift?.state === 'asked').length +
    (changes.data?.changes ?? []).filter((change) => change.state === 'waiting').length;
  return (
    <div className={styles['frame']}>
      <a
        className={styles['skip']}
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {en.common.skipToContent}
      </a>
      <header className={`${styles['bar'] ?? ''} ${styles[session.environment] ?? ''}`}>
        <div className={styles['brand']}>
          <IconShieldLock size={20} aria-hidden />
          {en.productShort}
        </div>
        <div className={styles['environment']} title={en.frame.connectedTo(session.database, session.host)}>
          {en.environment[session.environment]}
        </div>
        <div className={styles['spring']} />
        <button type="button" className={styles['jump']} onClick={spotlight.open}>
          <IconSearch size={16} aria-hidden />
          <span className={styles['jumpText']}>{en.frame.jump}</span>
          <kbd className={styles['key']}>Ctrl K</kbd>
        </button>
        <div className={styles['spring']} />
        <RunningJobs />
        <Who
          onKeys={() => {
            setKeysShown(true);
          }}
        />
        <button
          type="button"
          className={styles['barButton']}
          aria-label={en.frame.lock}
          title={`${en.frame.lock} (Ctrl L)`}
          onClick={() => {
            lock.mutate({});
          }}
        >
          <IconLock size={18} aria-hidden />
        </button>
      </header>
      <nav className={styles['rail']} aria-label={en.frame.placesLabel}>
        {places
          .filter((place) => mayGo(place, session))
          .map((place) => (
            <NavLink
              key={place.id}
              to={place.path}
              end={place.id === 'desk'}
              className={({ isActive }) =>
                `${styles['place'] ?? ''} ${isHere(place.id, isActive, location.pathname) ? (styles['here'] ?? '') : ''}`
              }
            >
              <place.icon size={18} stroke={1.7} aria-hidden />
              {en.frame.places[place.id]}
              {place.id === 'desk' && mine.length > 0 ? (
                <span className={`${styles['badge'] ?? ''} ${late ? (styles['badgeLate'] ?? '') : ''}`}>
                  {mine.length}
                </span>
              ) : null}
              {place.id === 'holds' && due > 0 ? (
                <span className={`${styles['badge'] ?? ''} ${styles['badgeLate'] ?? ''}`}>{due}</span>
              ) : null}
              {place.id === 'approvals' && waiting > 0 ? (
                <span className={styles['badge']}>{waiting}</span>
              ) : null}
            </NavLink>
          ))}
        <div className={styles['railEnd']}>
          <SignOut />
        </div>
      </nav>
      <Notices />
      <main id="main" className={styles['main']} tabIndex={-1}>
        {session.trailFault === null ? null : (
          <div className={styles['fault']} role="alert">
            <Note tone="bad">
              <strong>{en.frame.trailFault(session.trailFault.number)}</strong> {session.trailFault.says}{' '}
              {en.frame.trailFaultHint}
            </Note>
          </div>
        )}
        <RestoredNote session={session} />
        <div className={styles['screen']}>
          <CrashScreen resetOn={location.key}>
            {trusted || /^\/(trail|settings)/.test(location.pathname) ? (
              <Outlet />
            ) : (
              // Addresses that are typed all have the same key; two after one another must both lead back.
              <Navigate key={`${location.key} ${location.pathname}`} to={paths.trail} replace />
            )}
          </CrashScreen>
        </div>
      </main>
      <JumpBox
        onNextDue={nextDue}
        onLock={() => {
          lock.mutate({});
        }}
        onKeys={() => {
          setKeysShown(true);
        }}
      />
      <KeyList
        opened={keysShown}
        onClose={() => {
          setKeysShown(false);
        }}
      />
    </div>
  );
}

/** A request's export and deletion belong to their own places in the rail. */
function isHere(place: Place['id'], isActive: boolean, path: string): boolean {
  const part = /^\/requests\/[0-9]+\/(export|deletion)$/.exec(path)?.[1];
  return part === undefined ? isActive : place === part;
}

function SignOut(): ReactNode {
  const signOut = useWrite('session.signOut');
  return (
    <button
      type="button"
      className={styles['place']}
      onClick={() => {
        signOut.mutate({});
      }}
    >
      <IconLogout size={18} stroke={1.7} aria-hidden />
      {en.frame.places.signIn}
    </button>
  );
}

function RunningJobs(): ReactNode {
  const jobs = useRead('jobs.list', {});
  const all: readonly Job[] = jobs.data?.jobs ?? [];
  const running = all.filter(isUnderWay);
  const first = running[0];
  const percent = first ? percentOf(first) : null;
  function cancel(id: string): void {
    void call('jobs.cancel', { id }).catch(() => undefined);
  }
  return (
    <Popover position="bottom-end" width={432} shadow="md" trapFocus>
      <Popover.Target>
        <button type="button" className={styles['barButton']}>
          <IconStack2 size={18} aria-hidden />
          <span aria-live="polite">
            {running.length === 0
              ? en.frame.noJobs
              : `${en.frame.jobs(running.length)}${running.length === 1 && percent !== null ? ` · ${String(percent)}%` : ''}`}
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={styles['jobs']} role="group" aria-label={en.frame.jobsTitle} tabIndex={0}>
          {all.length === 0 ? (
            <Dim>{en.frame.noJobsYet}</Dim>
          ) : (
            all.map((job) => <JobLine key={job.id} job={job} onCancel={cancel} />)
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Who(props: { readonly onKeys: () => void }): ReactNode {
  const session = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const roles = session.roles.map((role) => en.role[role]).join(', ');
  const tick = <span aria-hidden>✓</span>;
  return (
    <Menu
      position="bottom-end"
      width={260}
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <button type="button" className={styles['barButton']}>
          {en.frame.signedInAs(session.person, roles)}
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label component="div">
          <strong>{session.person}</strong>
          <br />
          <Dim>{session.login}</Dim>
          <br />
          <Dim>{en.frame.connectedTo(session.database, session.host)}</Dim>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{en.frame.theme}</Menu.Label>
        <Menu.Item
          leftSection={<IconDeviceDesktop size={16} aria-hidden />}
          rightSection={colorScheme === 'auto' ? tick : null}
          onClick={() => {
            setColorScheme('auto');
          }}
        >
          {en.frame.themeSystem}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconSun size={16} aria-hidden />}
          rightSection={colorScheme === 'light' ? tick : null}
          onClick={() => {
            setColorScheme('light');
          }}
        >
          {en.frame.themeLight}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconMoon size={16} aria-hidden />}
          rightSection={colorScheme === 'dark' ? tick : null}
          onClick={() => {
            setColorScheme('dark');
          }}
        >
          {en.frame.themeDark}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={props.onKeys}>
          {en.frame.keys}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function KeyList(props: { readonly opened: boolean; readonly onClose: () => void }): ReactNode {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={en.keys.title}
      size={960}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <div className={styles['keys']}>
        {en.keys.groups.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl className={styles['keyList']}>
              {group.keys.map(([key, what]) => (
                <KeyPair key={key} name={key} what={what} />
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p style={{ marginTop: 16 }}>
        <Dim>{en.keys.note}</Dim>
      </p>
    </Modal>
  );
}

function KeyPair(props: { readonly name: string; readonly what: string }): ReactNode {
  return (
    <>
      <dt>
        <kbd className={styles['key']}>{props.name}</kbd>
      </dt>
      <dd>{props.what}</dd>
    </>
  );
}

/** For how long it is said on every screen that the database was restored from a backup; the trail's screen goes on saying it. */
const restoredFor = 30 * 24 * 3_600_000;

/** That this console goes on with a shorter trail than the one before, and on whose word. */
function RestoredNote(props: { readonly session: Session }): ReactNode {
  const { trailFault, restored } = props.session;
  const [now] = useState(Date.now);
  if (trailFault !== null || restored === null || now - Date.parse(restored.at) > restoredFor) return null;
  return (
    <div className={styles['fault']}>
      <Note tone="warn">
        {en.frame.restored(restored.declaredBy, restored.confirmedBy, restored.lost)} {en.frame.restoredHint}{' '}
        <Link to={paths.trail}>{en.frame.places.trail}</Link>
      </Note>
    </div>
  );
}
