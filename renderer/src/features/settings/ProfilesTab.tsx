import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { Dim, Empty, FailureNote, Loaded, Panel } from '../../components/Basics.tsx';
import { ConnectionTest } from '../../components/ConnectionTest.tsx';
import { ProfileFields, type ListedProfile } from '../../components/ProfileFields.tsx';
import styles from './settings.module.css';

/** The profiles of this workstation. */
export function ProfilesTab(): ReactNode {
  const read = useRead('profiles.list', {});
  const [editing, setEditing] = useState<ListedProfile | 'new' | null>(null);
  const save = useWrite('profiles.save', () => {
    setEditing(null);
  });
  if (editing !== null) {
    return (
      <ProfileFields
        existing={editing === 'new' ? null : editing}
        busy={save.isPending}
        onSave={(input) => {
          save.mutate(input);
        }}
        onCancel={() => {
          setEditing(null);
        }}
      >
        {save.error ? <FailureNote failure={save.error} /> : null}
      </ProfileFields>
    );
  }
  return (
    <Panel
      title={en.settings.tabs.profiles}
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
      <Loaded read={read} rows={4}>
        {({ profiles }) =>
          profiles.length === 0 ? (
            <Empty title={en.signIn.noProfiles} text={en.signIn.noProfilesHint} />
          ) : (
            profiles.map((profile) => (
              <OneProfile
                key={profile.name}
                profile={profile}
                onEdit={() => {
                  setEditing(profile);
                }}
              />
            ))
          )
        }
      </Loaded>
    </Panel>
  );
}

function OneProfile(props: { readonly profile: ListedProfile; readonly onEdit: () => void }): ReactNode {
  const { profile } = props;
  const [confirming, setConfirming] = useState(false);
  const test = useWrite('profiles.test');
  const remove = useWrite('profiles.remove');
  const demo = profile.name.startsWith('demo:');
  return (
    <div>
      <div className={styles['profile']}>
        <strong>{profile.name}</strong>
        <span>
          {en.environment[profile.environment]}{' '}
          <Dim>{en.signIn.address(profile.user, profile.host, profile.port, profile.database)}</Dim>
        </span>
        <span className={styles['buttons']}>
          <Button
            variant="default"
            loading={test.isPending}
            onClick={() => {
              test.mutate({ name: profile.name });
            }}
          >
            {en.signIn.test}
          </Button>
          {demo ? null : confirming ? (
            <>
              <Button
                title={en.signIn.removeProfileHint}
                loading={remove.isPending}
                onClick={() => {
                  remove.mutate({ name: profile.name });
                }}
              >
                {en.common.confirm(en.common.remove)}
              </Button>
              <Button
                variant="default"
                autoFocus
                onClick={() => {
                  setConfirming(false);
                }}
              >
                {en.common.cancel}
              </Button>
            </>
          ) : (
            <>
              <Button variant="default" onClick={props.onEdit}>
                {en.signIn.edit}
              </Button>
              <Button
                variant="default"
                onClick={() => {
                  setConfirming(true);
                }}
              >
                {en.common.remove}
              </Button>
            </>
          )}
        </span>
      </div>
      {test.error || remove.error || test.data ? (
        <div style={{ padding: '8px 16px' }}>
          {test.error ? <FailureNote failure={test.error} /> : null}
          {remove.error ? <FailureNote failure={remove.error} /> : null}
          {test.data ? <ConnectionTest steps={test.data.steps} /> : null}
        </div>
      ) : null}
    </div>
  );
}
