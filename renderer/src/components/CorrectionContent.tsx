import type { ReactNode } from 'react';
import type { CorrectionContent as Content } from '#shared/contract/corrections.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { Dim, Status } from './Basics.tsx';
import { verdictTones } from './tones.ts';
import styles from './CorrectionContent.module.css';

const words = en.correction;

/** What a column is called, by the map where it still names it. */
export function columnTitle(
  collections: readonly MappedCollection[],
  collection: string,
  column: string,
): string {
  const found = collections.find((each) => each.name === collection);
  return found?.columns.find((each) => each.name === column)?.title ?? column;
}

function placeTitle(collections: readonly MappedCollection[], collection: string, column: string): string {
  const title = collections.find((each) => each.name === collection)?.title ?? collection;
  return `${title}, ${columnTitle(collections, collection, column)}`;
}

/** The values of a correction side by side, and what follows from them. */
export function CorrectionContent(props: {
  readonly collection: string;
  readonly content: Content;
  readonly collections: readonly MappedCollection[];
}): ReactNode {
  const { collection, content, collections } = props;
  return (
    <>
      <table className={styles['values']}>
        <thead>
          <tr>
            <th scope="col">{words.field}</th>
            <th scope="col">{words.before}</th>
            <th scope="col">{words.after}</th>
            <th scope="col">{words.comesTo}</th>
          </tr>
        </thead>
        <tbody>
          {content.values.map(({ column, before, after, verdict }) => (
            <tr key={column}>
              <td>{columnTitle(collections, collection, column)}</td>
              <td className={styles['before']} dir="auto">
                {before ?? <Dim>{words.nothing}</Dim>}
              </td>
              <td dir="auto">{after ?? <Dim>{words.nothing}</Dim>}</td>
              <td>
                <Status tone={verdictTones[verdict]}>{words.verdict[verdict]}</Status>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div>
        <p className={styles['title']}>{words.follows}</p>
        {content.places.length === 0 ? (
          <Dim>{words.followsNothing}</Dim>
        ) : (
          <ul className={styles['follows']}>
            {content.places.map((place) => (
              <li
                key={`${place.column} ${place.role} ${place.collection} ${place.inColumn}`}
                className={place.role === 'lost' || place.role === 'gained' ? (styles['changes'] ?? '') : ''}
              >
                {words.followsLine(
                  place.rows,
                  placeTitle(collections, place.collection, place.inColumn),
                  words.role[place.role],
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}
