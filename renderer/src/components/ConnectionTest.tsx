import { IconCircleCheck, IconCircleDashed, IconCircleX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ConnectionStep } from '#shared/contract/connections.ts';
import { en } from '#shared/strings/en.ts';
import styles from './ConnectionTest.module.css';

const icons = { ok: IconCircleCheck, failed: IconCircleX, skipped: IconCircleDashed } as const;

/** A connection test: each step with what was found, and what to do where it failed. */
export function ConnectionTest(props: { readonly steps: readonly ConnectionStep[] }): ReactNode {
  return (
    <section aria-label={en.signIn.stepsTitle}>
      <ol className={styles['steps']}>
        {props.steps.map((step) => {
          const Icon = icons[step.state];
          return (
            <li key={step.name} className={styles['step']}>
              <Icon size={16} className={styles[step.state]} aria-label={en.signIn.stepState[step.state]} />
              <span>{en.signIn.step[step.name]}</span>
              <span className={step.state === 'skipped' ? styles['skipped'] : undefined}>{step.says}</span>
              {step.todo === null ? null : (
                <span className={styles['todo']}>
                  <strong>{en.signIn.todo}:</strong> {step.todo}
                </span>
              )}
            </li>
          );
        })}
      </ol>
      <p role="status">{props.steps.every((step) => step.state === 'ok') ? en.signIn.allOk : ''}</p>
    </section>
  );
}
