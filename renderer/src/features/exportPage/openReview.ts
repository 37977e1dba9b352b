import { useEffect, useRef, useState } from 'react';
import { call } from '../../client/call.ts';

/** The review a page has open; its access ends with the page, unless the package is being written from it. */
export interface OpenReview {
  readonly exportId: number | null;
  readonly opened: (exportId: number) => void;
  readonly leave: () => void;
  /** The package is about to be written from it. */
  readonly beginWriting: () => void;
  readonly written: () => void;
}

export function useOpenReview(): OpenReview {
  const [exportId, setExportId] = useState<number | null>(null);
  const toClose = useRef<number | null>(null);
  useEffect(
    () => () => {
      close(toClose.current);
    },
    [],
  );
  return {
    exportId,
    opened(opened) {
      toClose.current = opened;
      setExportId(opened);
    },
    leave() {
      close(toClose.current);
      toClose.current = null;
      setExportId(null);
    },
    beginWriting() {
      toClose.current = null;
    },
    written() {
      setExportId(null);
    },
  };
}

function close(exportId: number | null): void {
  // One that has ended by itself is closed already.
  if (exportId !== null) void call('exports.abandon', { exportId }).catch(() => undefined);
}
