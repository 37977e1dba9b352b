import type { ReactNode } from 'react';
import { useWrite } from '../../client/queries.ts';
import { FailureNote } from '../../components/Basics.tsx';
import { ProfileFields, type ListedProfile } from '../../components/ProfileFields.tsx';

/** Adds or changes a profile; `onDone` is told its name, or null when it was left. */
export function ProfileForm(props: {
  readonly existing: ListedProfile | null;
  readonly onDone: (name: string | null) => void;
}): ReactNode {
  const save = useWrite('profiles.save', (_, input) => {
    props.onDone(input.profile.name);
  });
  return (
    <ProfileFields
      existing={props.existing}
      busy={save.isPending}
      onSave={(input) => {
        save.mutate(input);
      }}
      onCancel={() => {
        props.onDone(null);
      }}
    >
      {save.error ? <FailureNote failure={save.error} /> : null}
    </ProfileFields>
  );
}
