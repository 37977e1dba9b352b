import { Button, PasswordInput } from '@mantine/core';
import { IconPackage, IconPlayerPlay, IconPlus, IconShieldLock } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { Empty, FailureNote, Loaded, Panel } from '../../components/Basics.tsx';
import { ConnectionTest } from '../../components/ConnectionTest.tsx';
import { ProfileForm } from './ProfileForm.tsx';
import styles from './signIn.module.css';

type ListedProfile = OutputOf<'profiles.list'>['profiles'][number];

/** The first screen: choose or add a profile, test it, sign in; or try the demo. */
export function SignIn(props: { readonly onCheckPackage: () => void }): ReactNode {
  const profiles = useRead('profiles.list', {}, { every: 5_000 });
  const about = useRead('about.show', {});
  const [chosen, setChosen] = useState<string | null>(null);
  const [editing, setEditing] = useState<ListedProfile | 'new' | null>(null);
  const own = (profiles.data?.profiles ?? []).filter((profile) => !profile.name.startsWith('demo:'));
  const demo = (profiles.data?.profiles ?? []).filter((profile) => profile.name.startsWith('demo:'));
  const current = own.find((profile) => profile.name === chosen) ?? own[0];
  // Whoever signs in next begins at their desk, not where the one before them was.
  useEffect(() => {
    window.history.replaceState(null, '', '#/');
  }, []);

  return (
    <main className={styles['page']}>
      <div className={styles['intro']}>
        <IconShieldLock size={40} stroke={1.5} className={styles['mark']} aria-hidden />
        <h1 className={styles['title']}>{en.product}</h1>
        <p className={styles['lead']}>{en.signIn.lead}</p>
        <p style={{ marginTop: 24 }}>
          <Button
            variant="default"
            leftSection={<IconPackage size={16} aria-hidden />}
            onClick={props.onCheckPackage}
          >
            {en.packageCheck.title}
          </Button>
        </p>
        <p className={styles['lead']} style={{ marginTop: 24, fontSize: 12 }}>
          {about.data ? `${about.data.version} · ${about.data.workstation}` : ''}
        </p>
      </div>
      <div className={styles['stack']}>
        {editing !== null ? (
          <ProfileForm
            existing={editing === 'new' ? null : editing}
            onDone={(name) => {
              setEditing(null);
              if (name !== null) setChosen(name);
            }}
          />
        ) : (
          <>
            {demo.length > 0 ? <DemoPanel profiles={demo} /> : null}
            <Panel
              title={en.signIn.choose}
              flush
              actions={
                <Button
                  variant="subtle"
                  leftSection={<IconPlus size={16} aria-hidden />}
                  onClick={() => {
                    setEditing('new');
                  }}
                >
                  {en.signIn.add}
                </Button>
              }
            >
              <Loaded read={profiles} rows={2}>
                {() =>
                  own.length === 0 ? (
                    <Empty title={en.signIn.noProfiles} text={en.signIn.noProfilesHint} />
                  ) : (
                    <div role="radiogroup" aria-label={en.signIn.choose}>
                      {own.map((profile) => (
                        <button
                          key={profile.name}
                          type="button"
                          role="radio"
                          aria-checked={profile.name === current?.name}
                          className={`${styles['profile'] ?? ''} ${profile.name === current?.name ? (styles['chosen'] ?? '') : ''}`}
                          onClick={() => {
                            setChosen(profile.name);
                          }}
                        >
                          <span className={styles['name']}>{profile.name}</span>
                          <span className={styles['address']}>
                            {en.signIn.address(profile.user, profile.host, profile.port, profile.database)}
                          </span>
                          <span
                            className={`${styles['environment'] ?? ''} ${styles[profile.environment] ?? ''}`}
                          >
                            {en.environment[profile.environment]}
                          </span>
                        </button>
                      ))}
                    </div>
                  )
                }
              </Loaded>
            </Panel>
            {current ? (
              <ProfileSignIn
                key={current.name}
                profile={current}
                onEdit={() => {
                  setEditing(current);
                }}
              />
            ) : null}
          </>
        )}
      </div>
    </main>
  );
}

function ProfileSignIn(props: { readonly profile: ListedProfile; readonly onEdit: () => void }): ReactNode {
  const { profile } = props;
  const [password, setPassword] = useState('');
  const signIn = useWrite('session.signIn');
  const test = useWrite('profiles.test');
  return (
    <Panel title={profile.name}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          signIn.mutate({ profile: profile.name, ...(password === '' ? {} : { password }) });
        }}
      >
        <PasswordInput
          label={en.signIn.password}
          description={profile.hasPassword ? en.signIn.passwordStored : en.signIn.passwordHint}
          value={password}
          autoComplete="current-password"
          onChange={(event) => {
            setPassword(event.currentTarget.value);
          }}
        />
        {signIn.error ? <FailureNote failure={signIn.error} /> : null}
        <div className={styles['buttons']}>
          <Button type="submit" loading={signIn.isPending} disabled={!profile.hasPassword && password === ''}>
            {en.signIn.signIn}
          </Button>
          <Button
            variant="default"
            loading={test.isPending}
            onClick={() => {
              test.mutate({ name: profile.name });
            }}
          >
            {test.data ? en.signIn.testAgain : en.signIn.test}
          </Button>
          <Button variant="subtle" onClick={props.onEdit}>
            {en.signIn.edit}
          </Button>
        </div>
        {test.error ? <FailureNote failure={test.error} /> : null}
        {test.data ? <ConnectionTest steps={test.data.steps} /> : null}
      </form>
    </Panel>
  );
}

function DemoPanel(props: { readonly profiles: readonly ListedProfile[] }): ReactNode {
  const signIn = useWrite('session.signIn');
  return (
    <Panel title={en.signIn.demoTitle}>
      <div className={styles['form']}>
        <p>{en.signIn.demoText}</p>
        <div className={styles['buttons']}>
          {props.profiles.map((profile) => {
            const role = profile.name.slice('demo:'.length);
            return (
              <Button
                key={profile.name}
                variant={role === 'operator' ? 'filled' : 'default'}
                leftSection={<IconPlayerPlay size={14} aria-hidden />}
                loading={signIn.isPending && signIn.variables.profile === profile.name}
                onClick={() => {
                  signIn.mutate({ profile: profile.name });
                }}
              >
                {en.signIn.demoAs(role)}
              </Button>
            );
          })}
        </div>
        {signIn.error ? <FailureNote failure={signIn.error} /> : null}
      </div>
    </Panel>
  );
}
