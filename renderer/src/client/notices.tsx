import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from './call.ts';

/** Says for a few seconds that something was done. Holds no personal data. */
export function tell(message: string, entry?: number): void {
  notifications.show({
    message: entry === undefined ? message : `${message} ${en.common.recordedAs(entry)}`,
    icon: <IconCheck size={16} aria-hidden />,
    color: 'accent',
    autoClose: 5_000,
  });
}

/** Says that something was not done, where the screen has no place of its own for it. */
export function tellFailure(failure: CallFailed): void {
  notifications.show({
    title: en.failure.title[failure.code],
    message:
      failure.incident === undefined
        ? failure.message
        : `${failure.message} ${en.failure.incident(failure.incident)}.`,
    icon: <IconAlertTriangle size={16} aria-hidden />,
    color: 'red',
    autoClose: 10_000,
  });
}

/** Copies through the core, which takes it off the clipboard again after a minute. */
export function copy(text: string): void {
  call('clipboard.copy', { text }).then(
    () => {
      tell(en.common.copied);
    },
    (error: unknown) => {
      if (error instanceof CallFailed) tellFailure(error);
    },
  );
}
