import { Button, Checkbox, NumberInput, PasswordInput, Select, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { ReactNode } from 'react';
import type { InputOf, OutputOf } from '#shared/contract/index.ts';
import { ownProfileNamePattern } from '#shared/domain/profiles.ts';
import { en } from '#shared/strings/en.ts';
import { Panel } from './Basics.tsx';
import styles from './form.module.css';

export type ListedProfile = OutputOf<'profiles.list'>['profiles'][number];

interface Values {
  readonly name: string;
  readonly environment: string;
  readonly host: string;
  readonly port: number | string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  readonly tlsName: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly readOnly: boolean;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function needed(value: string): string | null {
  return value.trim() === '' ? en.signIn.required : null;
}

function both(
  rule: string,
  other: (values: Values) => string,
): (value: string, values: Values) => string | null {
  return (value, values) => ((value.trim() === '') === (other(values).trim() === '') ? null : rule);
}

function toInput(values: Values): InputOf<'profiles.save'> {
  const environment =
    values.environment === 'staging' || values.environment === 'demo' ? values.environment : 'production';
  return {
    profile: {
      name: values.name.trim(),
      environment,
      host: values.host.trim(),
      port: Number(values.port),
      database: values.database.trim(),
      user: values.user.trim(),
      caCertificate: values.ca.trim() === '' ? null : values.ca,
      tlsServerName: values.tlsName.trim() === '' ? null : values.tlsName.trim(),
      r2:
        values.endpoint.trim() === ''
          ? null
          : { endpoint: values.endpoint.trim(), bucket: values.bucket.trim() },
    },
    ...(values.password === '' ? {} : { password: values.password }),
    ...(values.accessKeyId === ''
      ? {}
      : {
          objectStoreKeys: {
            accessKeyId: values.accessKeyId,
            secretAccessKey: values.secretAccessKey,
            readOnly: values.readOnly,
          },
        }),
  };
}

/** The fields of a profile. Secrets go in and never come back: an empty field keeps what the keychain has. */
export function ProfileFields(props: {
  readonly existing: ListedProfile | null;
  readonly busy: boolean;
  readonly onSave: (input: InputOf<'profiles.save'>) => void;
  readonly onCancel: () => void;
  readonly children?: ReactNode;
}): ReactNode {
  const { existing } = props;
  const form = useForm<Values>({
    initialValues: {
      name: existing?.name ?? '',
      environment: existing?.environment ?? 'production',
      host: existing?.host ?? '',
      port: existing?.port ?? 5432,
      database: existing?.database ?? '',
      user: existing?.user ?? '',
      password: '',
      ca: existing?.caCertificate ?? '',
      tlsName: existing?.tlsServerName ?? '',
      endpoint: existing?.r2?.endpoint ?? '',
      bucket: existing?.r2?.bucket ?? '',
      readOnly: false,
      accessKeyId: '',
      secretAccessKey: '',
    },
    validate: {
      name: (value) => (ownProfileNamePattern.test(value.trim()) ? null : en.signIn.nameRule),
      host: needed,
      port: (value) => (Number(value) >= 1 && Number(value) <= 65_535 ? null : en.signIn.portRule),
      database: needed,
      user: needed,
      endpoint: both(en.signIn.bothNeeded, (values) => values.bucket),
      bucket: both(en.signIn.bothNeeded, (values) => values.endpoint),
      accessKeyId: both(en.signIn.bothKeys, (values) => values.secretAccessKey),
      secretAccessKey: both(en.signIn.bothKeys, (values) => values.accessKeyId),
    },
  });
  return (
    <Panel title={existing ? existing.name : en.signIn.add}>
      <form
        className={styles['form']}
        onSubmit={form.onSubmit((values) => {
          props.onSave(toInput(values));
        })}
      >
        <div className={styles['pair']}>
          <TextInput
            label={en.signIn.name}
            description={en.signIn.nameHint}
            disabled={existing !== null}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <Select
            label={en.signIn.environment}
            description={' '}
            allowDeselect={false}
            data={[
              { value: 'production', label: en.environment.production },
              { value: 'staging', label: en.environment.staging },
            ]}
            {...form.getInputProps('environment')}
          />
        </div>
        <div className={styles['wide']}>
          <TextInput label={en.signIn.host} {...form.getInputProps('host')} />
          <NumberInput label={en.signIn.port} hideControls {...form.getInputProps('port')} />
        </div>
        <div className={styles['pair']}>
          <TextInput label={en.signIn.database} {...form.getInputProps('database')} />
          <TextInput label={en.signIn.user} {...form.getInputProps('user')} />
        </div>
        <PasswordInput
          label={en.signIn.password}
          autoComplete="off"
          {...(existing?.hasPassword ? { placeholder: en.signIn.secretKept } : {})}
          {...form.getInputProps('password')}
        />
        <Textarea
          label={en.signIn.ca}
          description={en.signIn.caHint}
          autosize
          minRows={2}
          maxRows={4}
          {...form.getInputProps('ca')}
        />
        <TextInput
          label={en.signIn.tlsName}
          description={en.signIn.tlsNameHint}
          {...form.getInputProps('tlsName')}
        />
        <div className={styles['wide']}>
          <TextInput
            label={en.signIn.endpoint}
            description={en.signIn.bucketHint}
            {...form.getInputProps('endpoint')}
          />
          <TextInput label={en.signIn.bucket} description={' '} {...form.getInputProps('bucket')} />
        </div>
        <div className={styles['pair']}>
          <PasswordInput
            label={en.signIn.accessKeyId}
            autoComplete="off"
            {...(existing?.hasObjectStoreKeys ? { placeholder: en.signIn.secretKept } : {})}
            {...form.getInputProps('accessKeyId')}
          />
          <PasswordInput
            label={en.signIn.secretAccessKey}
            autoComplete="off"
            {...(existing?.hasObjectStoreKeys ? { placeholder: en.signIn.secretKept } : {})}
            {...form.getInputProps('secretAccessKey')}
          />
        </div>
        <Checkbox label={en.signIn.readOnly} {...form.getInputProps('readOnly', { type: 'checkbox' })} />
        {props.children}
        <div className={styles['buttons']}>
          <Button type="submit" loading={props.busy}>
            {en.common.save}
          </Button>
          <Button variant="default" onClick={props.onCancel}>
            {en.common.cancel}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
