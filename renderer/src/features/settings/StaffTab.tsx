import { Button, Checkbox, Modal, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus } from '@tabler/icons-react';
import { useMemo, useState, type ReactNode } from 'react';
import type { StaffChange, StaffMember } from '#shared/contract/administration.ts';
import { roles, type Role } from '#shared/domain/roles.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay, usePasswordAgain, useSession } from '../../client/session.ts';
import { Empty, FailureNote, Loaded, Moment, Panel, Status } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import { PasswordAgain } from '../../components/PasswordAgain.tsx';
import styles from './settings.module.css';

const words = en.settings.staff;

/** Who works here, with which login and roles. */
export function StaffTab(): ReactNode {
  const admin = useMay(['admin']);
  const read = useRead('staff.list', {});
  const [editing, setEditing] = useState<StaffMember | 'new' | null>(null);
  const [removing, setRemoving] = useState<StaffMember | null>(null);
  const columns = useMemo((): readonly DataColumn<StaffMember>[] => {
    const shown: DataColumn<StaffMember>[] = [
      {
        id: 'login',
        title: words.login,
        width: 'minmax(160px, 1fr)',
        cell: (member) => <CellText>{member.login}</CellText>,
        sort: (member) => member.login,
      },
      {
        id: 'person',
        title: words.person,
        width: 'minmax(160px, 1fr)',
        cell: (member) => <CellText>{member.person}</CellText>,
        sort: (member) => member.person,
      },
      {
        id: 'roles',
        title: words.roles,
        width: 'minmax(200px, 1.2fr)',
        cell: (member) => <CellText>{rolesInWords(member.roles)}</CellText>,
        sort: (member) => member.roles.join(),
      },
      {
        id: 'added',
        title: words.added,
        width: 'minmax(184px, 1fr)',
        cell: (member) => <Moment at={member.addedAt} />,
        sort: (member) => member.addedAt,
      },
      {
        id: 'state',
        title: words.state,
        width: '120px',
        cell: (member) => (
          <Status tone={member.active ? 'good' : 'plain'}>
            {member.active ? words.active : words.removed}
          </Status>
        ),
        sort: (member) => String(member.active),
      },
    ];
    if (admin) {
      shown.push({
        id: 'change',
        title: words.changes,
        width: '248px',
        cell: (member) => (
          <span className={styles['buttons']}>
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`${words.change}: ${member.login}`}
              onClick={() => {
                setEditing(member);
              }}
            >
              {words.change}
            </Button>
            {member.active ? (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`${words.remove}: ${member.login}`}
                onClick={() => {
                  setRemoving(member);
                }}
              >
                {words.remove}
              </Button>
            ) : null}
          </span>
        ),
      });
    }
    return shown;
  }, [admin]);

  return (
    <div className={styles['panels']}>
      <Pending />
      <Panel
        title={en.settings.tabs.staff}
        flush
        actions={
          admin ? (
            <Button
              variant="subtle"
              leftSection={<IconPlus size={16} aria-hidden />}
              onClick={() => {
                setEditing('new');
              }}
            >
              {words.add}
            </Button>
          ) : null
        }
      >
        <Loaded read={read} rows={6}>
          {({ staff }) =>
            staff.length === 0 ? (
              <Empty title={words.empty} />
            ) : (
              <DataTable
                label={en.settings.tabs.staff}
                columns={columns}
                rows={staff}
                rowKey={(member) => member.login}
                rowHeight={40}
                grows
              />
            )
          }
        </Loaded>
        <Modal
          opened={editing !== null}
          onClose={() => {
            setEditing(null);
          }}
          title={editing === 'new' ? words.add : words.change}
          closeButtonProps={{ 'aria-label': en.common.close }}
        >
          {editing === null ? null : (
            <MemberForm
              existing={editing === 'new' ? null : editing}
              onDone={() => {
                setEditing(null);
              }}
            />
          )}
        </Modal>
        <Modal
          opened={removing !== null}
          onClose={() => {
            setRemoving(null);
          }}
          title={words.remove}
          closeButtonProps={{ 'aria-label': en.common.close }}
        >
          {removing === null ? null : (
            <RemoveMember
              member={removing}
              onDone={() => {
                setRemoving(null);
              }}
            />
          )}
        </Modal>
      </Panel>
    </div>
  );
}

/** Who is to get a role that decides, for another person to agree to. */
function Pending(): ReactNode {
  const may = useMay(['admin', 'approver']);
  const session = useSession();
  const read = useRead('staff.changes', {});
  const [deciding, setDeciding] = useState<StaffChange | null>(null);
  const waiting = (read.data?.changes ?? []).filter((each) => each.state === 'asked');
  if (waiting.length === 0) return null;
  const columns: readonly DataColumn<StaffChange>[] = [
    {
      id: 'person',
      title: words.person,
      width: 'minmax(160px, 1fr)',
      cell: (change) => <CellText>{change.person}</CellText>,
    },
    {
      id: 'login',
      title: words.login,
      width: 'minmax(160px, 1fr)',
      cell: (change) => <CellText>{change.login}</CellText>,
    },
    {
      id: 'roles',
      title: words.roles,
      width: 'minmax(200px, 1.2fr)',
      cell: (change) => <CellText>{rolesInWords(change.roles)}</CellText>,
    },
    {
      id: 'by',
      title: words.proposedBy,
      width: 'minmax(120px, 1fr)',
      cell: (change) => <CellText>{change.proposedBy}</CellText>,
    },
    {
      id: 'at',
      title: words.proposed,
      width: '184px',
      cell: (change) => <Moment at={change.proposedAt} />,
    },
    {
      id: 'decide',
      title: words.decide,
      width: '104px',
      cell: (change) =>
        may && change.proposedBy !== session.login && change.person !== session.person ? (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={`${words.decide}: ${change.login}`}
            onClick={() => {
              setDeciding(change);
            }}
          >
            {words.decide}
          </Button>
        ) : null,
    },
  ];
  return (
    <Panel title={words.pending} flush>
      <p className={styles['pending']}>{words.pendingText}</p>
      <DataTable
        label={words.pending}
        columns={columns}
        rows={waiting}
        rowKey={(change) => String(change.id)}
        rowHeight={40}
        grows
      />
      <Modal
        opened={deciding !== null}
        onClose={() => {
          setDeciding(null);
        }}
        title={deciding === null ? '' : words.decideTitle(deciding.person)}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {deciding === null ? null : (
          <DecideChange
            change={deciding}
            onDone={() => {
              setDeciding(null);
            }}
          />
        )}
      </Modal>
    </Panel>
  );
}

function DecideChange(props: { readonly change: StaffChange; readonly onDone: () => void }): ReactNode {
  const { change } = props;
  const password = usePasswordAgain();
  const decide = useWrite('staff.decide', ({ entry }, { decision }) => {
    tell(decision === 'approve' ? words.approved(change.login) : words.denied(change.login), entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        decide.mutate({
          change: change.id,
          decision: 'approve',
          ...password.sent,
        });
      }}
    >
      <p>{words.decideText(change.login, rolesInWords(change.roles))}</p>
      {password.asked ? <PasswordAgain value={password.value} onChange={password.change} /> : null}
      {decide.error ? <FailureNote failure={decide.error} /> : null}
      <div className={styles['end']}>
        <Button
          variant="default"
          loading={decide.isPending && decide.variables.decision === 'deny'}
          onClick={() => {
            decide.mutate({ change: change.id, decision: 'deny' });
          }}
        >
          {words.deny}
        </Button>
        <Button
          type="submit"
          disabled={!password.given}
          loading={decide.isPending && decide.variables.decision === 'approve'}
        >
          {words.approve}
        </Button>
      </div>
    </form>
  );
}

function rolesInWords(held: readonly Role[]): string {
  return held.map((role) => en.role[role]).join(', ');
}

interface Values {
  readonly login: string;
  readonly person: string;
  readonly roles: string[];
  readonly password: string;
}

function MemberForm(props: {
  readonly existing: StaffMember | null;
  readonly onDone: () => void;
}): ReactNode {
  const { existing } = props;
  const form = useForm<Values>({
    initialValues: {
      login: existing?.login ?? '',
      person: existing?.person ?? '',
      roles: [...(existing?.roles ?? [])],
      password: '',
    },
    validate: {
      login: (value) => (/^[a-z_][a-z0-9_]{0,62}$/.test(value) ? null : words.loginRule),
      person: (value) => (value.trim() === '' ? en.signIn.required : null),
      roles: (value) => (value.length === 0 ? words.rolesNeeded : null),
      password: (value) => (value === '' || value.length >= 12 ? null : words.passwordRule),
    },
  });
  const add = useWrite('staff.add', ({ entry, change }, input) => {
    tell(change === null ? words.saved(input.login) : words.waits(input.login), entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={form.onSubmit((values) => {
        add.mutate({
          login: values.login,
          person: values.person.trim(),
          roles: roles.filter((role: Role) => values.roles.includes(role)),
          ...(values.password === '' ? {} : { password: values.password }),
        });
      })}
    >
      <TextInput
        label={words.login}
        disabled={existing !== null}
        data-autofocus
        {...form.getInputProps('login')}
      />
      <TextInput label={words.person} description={words.personHint} {...form.getInputProps('person')} />
      <Checkbox.Group label={words.roles} {...form.getInputProps('roles')}>
        <div className={styles['form']} style={{ gap: 8, marginTop: 4 }}>
          {roles.map((role) => (
            <Checkbox key={role} value={role} label={en.role[role]} description={en.roleHint[role]} />
          ))}
        </div>
      </Checkbox.Group>
      <PasswordInput
        label={words.password}
        description={words.passwordHint}
        autoComplete="new-password"
        {...form.getInputProps('password')}
      />
      {add.error ? <FailureNote failure={add.error} /> : null}
      <div className={styles['end']}>
        <Button variant="default" onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button type="submit" loading={add.isPending}>
          {en.common.save}
        </Button>
      </div>
    </form>
  );
}

function RemoveMember(props: { readonly member: StaffMember; readonly onDone: () => void }): ReactNode {
  const { member } = props;
  const remove = useWrite('staff.remove', ({ entry }) => {
    tell(words.gone(member.login), entry);
    props.onDone();
  });
  return (
    <div className={styles['form']}>
      <p>{words.removeText(member.login)}</p>
      {remove.error ? <FailureNote failure={remove.error} /> : null}
      <div className={styles['end']}>
        <Button variant="default" data-autofocus onClick={props.onDone}>
          {en.common.cancel}
        </Button>
        <Button
          loading={remove.isPending}
          onClick={() => {
            remove.mutate({ login: member.login });
          }}
        >
          {words.remove}
        </Button>
      </div>
    </div>
  );
}
