import { Button } from '@mantine/core';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import styles from './app.module.css';

interface Props {
  readonly children: ReactNode;
  /** A new value clears the failure, e.g. another address. */
  readonly resetOn?: string;
}

interface State {
  readonly incident: string | null;
}

function newIncident(): string {
  return `W-${crypto.randomUUID().slice(0, 8).toUpperCase()}`;
}

/** Stands in for a screen that threw; a class because React has error boundaries in no other form. */
export class CrashScreen extends Component<Props, State> {
  override state: State = { incident: null };

  static getDerivedStateFromError(): State {
    return { incident: newIncident() };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    // Only the kind and place of the error reach the console: its message may quote what was on the screen.
    reportError(new Error(`${this.state.incident ?? ''} ${error.name}${info.componentStack ?? ''}`));
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.incident !== null && before.resetOn !== this.props.resetOn) {
      this.setState({ incident: null });
    }
  }

  override render(): ReactNode {
    if (this.state.incident === null) return this.props.children;
    return (
      <div className={styles['crash']} role="alert">
        <h1>{en.failure.crashTitle}</h1>
        <p>{en.failure.crashText}</p>
        <p>
          <strong>{en.failure.incident(this.state.incident)}</strong> {en.failure.incidentHint}
        </p>
        <Button
          onClick={() => {
            window.location.hash = '#/';
            this.setState({ incident: null });
          }}
        >
          {en.failure.toDesk}
        </Button>
      </div>
    );
  }
}
