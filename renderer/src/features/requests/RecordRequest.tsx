import { Button, Modal, Radio, Textarea, TextInput } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useForm } from '@mantine/form';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { requestKinds, type RequestKind } from '#shared/domain/requests.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { paths } from '../../paths.ts';
import { useWrite } from '../../client/queries.ts';
import { FailureNote } from '../../components/Basics.tsx';
import { today } from '../../components/format.ts';
import styles from './requests.module.css';

interface Values {
  readonly kind: RequestKind;
  readonly receivedOn: string | null;
  readonly message: string;
  readonly subject: string;
}

/** Records a request that reached support@; the clock starts on the day it was received. */
export function RecordRequest(props: { readonly opened: boolean; readonly onClose: () => void }): ReactNode {
  const navigate = useNavigate();
  const form = useForm<Values>({
    initialValues: { kind: 'access', receivedOn: today(), message: '', subject: '' },
    validate: {
      receivedOn: (value) => (value !== null && value <= today() ? null : en.request.receivedRule),
      subject: (value) =>
        value.trim() === '' || /^S-[0-9A-F]{12}$/.test(value.trim()) ? null : en.request.subjectRule,
    },
  });
  const open = useWrite('requests.open', ({ request, entry }) => {
    tell(en.request.recorded(request.id), entry);
    form.reset();
    props.onClose();
    void navigate(paths.request(request.id));
  });
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={en.request.recordTitle}
      size={560}
      closeButtonProps={{ 'aria-label': en.common.close }}
    >
      <form
        className={styles['form']}
        onSubmit={form.onSubmit((values) => {
          const subject = values.subject.trim();
          open.mutate({
            kind: values.kind,
            receivedOn: values.receivedOn ?? today(),
            message: values.message,
            ...(subject === '' ? {} : { subject }),
          });
        })}
      >
        <Radio.Group label={en.request.kindLabel} {...form.getInputProps('kind')}>
          <div className={styles['form']} style={{ gap: 8, marginTop: 4 }}>
            {requestKinds.map((kind) => (
              <Radio
                key={kind}
                value={kind}
                size="xs"
                label={en.request.kind[kind]}
                description={en.request.kindHint[kind]}
              />
            ))}
          </div>
        </Radio.Group>
        <DatePickerInput
          label={en.request.receivedLabel}
          description={en.request.receivedHint}
          valueFormat="D MMM YYYY"
          maxDate={today()}
          popoverProps={{ withinPortal: true }}
          {...form.getInputProps('receivedOn')}
        />
        <Textarea
          label={en.request.messageLabel}
          description={en.request.messageHint}
          autosize
          minRows={4}
          maxRows={8}
          maxLength={10_000}
          {...form.getInputProps('message')}
        />
        <TextInput
          label={en.request.subjectLabel}
          description={en.request.subjectHint}
          {...form.getInputProps('subject')}
        />
        {open.error ? <FailureNote failure={open.error} /> : null}
        <div className={styles['end']}>
          <Button variant="default" onClick={props.onClose}>
            {en.common.cancel}
          </Button>
          <Button type="submit" loading={open.isPending}>
            {en.request.recordAction}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
