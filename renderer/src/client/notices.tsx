import { notifications, notificationsStore } from '@mantine/notifications';
import { Link } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from './call.ts';
import { paths } from '../paths.ts';

/** More would fill the place they have; the oldest goes. */
const most = 4;
/** Milliseconds a notice stays that tells of something done; nobody has to act on it. */
const staysFor = 8_000;

type Notice = Parameters<typeof notifications.show>[0];

function show(notice: Notice): void {
  const [oldest, ...others] = notificationsStore.getState().notifications;
  if (oldest?.id !== undefined && others.length + 1 >= most) notifications.hide(oldest.id);
  notifications.show(notice);
}

/** Says for a few seconds that something was done. Holds no personal data. */
export function tell(message: string, entry?: number): void {
  show({
    message:
      entry === undefined ? (
        message
      ) : (
        <>
          {message} {en.common.recordedAs} <Link to={paths.entry(entry)}>{en.common.entry(entry)}</Link>
        </>
      ),
    autoClose: staysFor,
  });
}

/** Says that something was not done, where the screen has no place of its own for it; stays until it is dismissed. */
export function tellFailure(failure: CallFailed): void {
  show({
    title: en.failure.title[failure.code],
    message:
      failure.incident === undefined
        ? failure.message
        : `${failure.message} ${en.failure.incident(failure.incident)}.`,
    autoClose: false,
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
