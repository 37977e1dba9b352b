import { Button, PasswordInput } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { Session } from '#shared/contract/connections.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { FailureNote, Panel } from '../../components/Basics.tsx';
import { JobLine } from '../../components/JobLine.tsx';
import styles from './signIn.module.css';

/** Stands in for the whole window while it is locked. */
export function LockScreen(props: { readonly session: Session | null }): ReactNode {
  const [password, setPassword] = useState('');
  const unlock = useWrite('session.unlock');
  const signOut = useWrite('session.signOut');
  const jobs = useRead('jobs.list', {}, { every: 2_000 });
  const running = (jobs.data?.jobs ?? []).filter(isUnderWay);
  const demo = props.session?.environment === 'demo';
  return (
    <main className={styles['alone']}>
      <Panel>
        <form
          className={styles['form']}
          onSubmit={(event) => {
            event.preventDefault();
            unlock.mutate(password === '' ? {} : { password });
          }}
        >
          <IconLock size={32} stroke={1.5} className={styles['mark']} aria-hidden />
          <h1 className={styles['title']} style={{ margin: 0 }}>
            {en.lock.title}
          </h1>
          {props.session ? <p>{props.session.person}</p> : null}
          <p className={styles['lead']} style={{ fontSize: 13 }}>
            {en.lock.text}
          </p>
          {demo ? (
            <p>{en.lock.demo}</p>
          ) : (
            <PasswordInput
              label={en.lock.password}
              value={password}
              autoComplete="current-password"
              data-autofocus
              onChange={(event) => {
                setPassword(event.currentTarget.value);
              }}
            />
          )}
          {unlock.error ? <FailureNote failure={unlock.error} /> : null}
          <div className={styles['buttons']}>
            <Button
              type="submit"
              autoFocus={demo}
              loading={unlock.isPending}
              disabled={!demo && password === ''}
            >
              {en.lock.unlock}
            </Button>
            <Button
              variant="subtle"
              onClick={() => {
                signOut.mutate({});
              }}
            >
              {en.lock.other}
            </Button>
          </div>
        </form>
      </Panel>
      {running.length > 0 ? (
        <Panel title={en.frame.jobs(running.length)}>
          {running.map((job) => (
            <JobLine key={job.id} job={job} />
          ))}
        </Panel>
      ) : null}
    </main>
  );
}
